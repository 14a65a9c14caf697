"""`--where`: what each form of clause means, and what is said of one that means nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.expr import to_text
from derive.library import LIBRARY
from derive.relating.where import read_where

RULES = {rule.name: rule for rule in LIBRARY}


def meaning(*texts: str, a: str = "momentum_ema", b: str = "momentum") -> str:
    where = read_where(texts, RULES[a], RULES[b])
    parts = {"states": where.states, "hyperparameters": where.hyperparameters, "condition": where.condition}
    return "; ".join(f"{kind} {n} = {to_text(e)}" for kind, each in parts.items() for n, e in each.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B.lr = A.lr*(1-A.beta)", "hyperparameters lr = lr * (1 - beta)"),
        ("b.lr = a.lr * (1 - a.beta)", "hyperparameters lr = lr * (1 - beta)"),
        ("momentum.lr = momentum_ema.lr*(1 - momentum_ema.beta)", "hyperparameters lr = lr * (1 - beta)"),
        ("B.lr = lr*(1 - beta)", "hyperparameters lr = lr * (1 - beta)"),
        ("B.v = A.lr*A.v", "states v = lr * v"),
        ("B.v = A.v / (1 - A.beta**t)", "states v = v / (1 - beta**t)"),
        ("B.theta = A.theta - A.lr*A.v", "states theta = theta - lr * v"),
        ("B.theta = A.theta + max(A.v, 0)", "states theta = theta + max(v, 0)"),
        ("B.lr = A.lr*(1-A.beta), B.v = A.lr*A.v", "states v = lr * v; hyperparameters lr = lr * (1 - beta)"),
        ("beta = 0", "condition beta = 0"),
        ("lr = 1 / (1 - beta)", "condition lr = 1 / (1 - beta)"),
        ("A.beta = 0; B.beta = 1/2", "condition a.beta = 0; condition b.beta = 1 / 2"),
        ("B.lr = B.beta", "condition b.lr = beta"),
        ("beta = 1/2, B.lr = A.lr*(1 - A.beta)", "hyperparameters lr = lr * (1 - beta); condition beta = 1 / 2"),
        ("  ;, ", ""),
    ],
)
def test_a_clause_means(text: str, expected: str) -> None:
    assert meaning(text) == expected


def test_clauses_may_be_given_together_or_apart() -> None:
    together = meaning("B.lr = A.lr*max(A.beta, 0), B.v = A.lr*A.v")
    assert together == meaning("B.lr = A.lr*max(A.beta, 0)", "B.v = A.lr*A.v")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("B.lr = A.lr*(1-A.betta)", "A.betta is not a hyperparameter of momentum_ema; did you mean A.beta?"),
        ("B.lrr = A.lr", "B.lrr is not a hyperparameter or state of momentum; did you mean B.lr?"),
        ("B.v = A.lr*A.w", "A.w is not a state or hyperparameter of momentum_ema; it has A.lr, A.beta, A.v, A"),
        ("B.lr = A.lr*A.v", "A.v is not a hyperparameter of momentum_ema; it has A.lr, A.beta"),
        ("eps = 0", "eps is not a hyperparameter of momentum_ema or momentum; it has lr, beta"),
        ("beta = eps", "eps is not a hyperparameter of momentum_ema or momentum; it has lr, beta"),
        ("v = 0", "v is kept by both rules or by B alone; write B.v = ... in names of A"),
        ("C.lr = 1", "'C' is neither rule; names begin with A., B. or nothing"),
        ("beta", "it is not an equation for one name; write B.lr = A.lr * (1 - A.beta), or eps = 0"),
        ("lr * 2 = 1", "it is not an equation for one name; write B.lr = A.lr * (1 - A.beta), or eps = 0"),
        ("beta == 0", "it is not an equation for one name; write B.lr = A.lr * (1 - A.beta), or eps = 0"),
        ("B.lr = A.lr *", "'A.lr *' can't be read: invalid syntax; write it as in Python: lr * (1 - beta)"),
        ("B.lr = A.lr * B.beta", "B.beta stands on the right; write what B has in the names of A"),
        ("A.lr = B.lr", "a map writes what B has in the names of A; write B.lr = ..., or give the two"),
        ("beta = 0, beta = 1/2", "beta is set twice; leave one out"),
        ("beta = A.beta", "beta is set in both rules, and the value is of one"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_one_line_with_the_clause(text: str, complaint: str) -> None:
    with pytest.raises(UserError) as raised:
        meaning(text)
    clause, _, said = str(raised.value).removeprefix("--where ").partition(": ")
    assert clause.strip("'") in text
    assert said.startswith(complaint)
    assert "_of_" not in said


@pytest.mark.parametrize("formula", ["__import__('os').remove('x')", "(lambda: 1)()", "[x for x in y]", "open('x')"])
def test_nothing_is_executed(formula: str) -> None:
    with pytest.raises(UserError):
        meaning(f"B.lr = {formula}")


@given(st.text(alphabet="ABab.=,;()+-*/ lrbetav019<>!", max_size=40))
def test_any_text_is_a_map_or_one_line(text: str) -> None:
    try:
        said = str(read_where([text], RULES["momentum_ema"], RULES["momentum"]))
    except UserError as error:
        said = str(error)
    assert "\n" not in said
