"""The rules for data with holes are the plain ones where nothing is missing: proved by induction over the steps.

Before a step the states are what `BEFORE` says (m, mean and variance are the plain rule's); what the step makes of them
is then what `AFTER` says, and the same output.
"""

from __future__ import annotations

import pytest

from derive.expr import Expr, Number, Symbol, substitute
from derive.library.averages import ewma, ewma_debiased
from derive.proving import assumptions_of, identity
from derive.reading.python.expressions import read_expression
from derive.rule import Rule
from kernels.averages import rules as r

Q = "beta**(2*(t-{}))"
FIRST, WEIGHTS = "where(t == 1, 0, 1)", "1 - beta**(t-1)"
SQUARES = "(1-beta)*(1+beta**t)/((1+beta)*(1-beta**t))"
CASES: list[tuple[Rule, Rule, dict[str, str], dict[str, str]]] = [
    (r.ewma_with_holes, ewma, {}, {}),
    (r.ewma_debiased_with_holes, ewma_debiased, {"w": WEIGHTS, "f": "1"}, {"w": "1 - beta**t", "f": "1"}),
    (r.ewma_from_first_with_holes, r.ewma_from_first, {"f": FIRST, "s": FIRST}, {"f": "1", "s": "1"}),
    (r.ewm_variance_with_holes, r.ewm_variance, {"w": WEIGHTS, "n": FIRST}, {"w": "1 - beta**t", "n": "1"}),
    (r.ewm_variance_from_first_with_holes, r.ewm_variance_from_first, {"w": FIRST, "n": FIRST}, {"w": "1", "n": "1"}),
    (
        r.ewm_variance_from_first_unbiased_with_holes,
        r.ewm_variance_from_first_unbiased,
        {"w": FIRST, "r": f"where(t == 1, 1, {Q.format(2)} + (1-beta)/(1+beta)*(1 - {Q.format(2)}))"},
        {"w": "1", "r": f"{Q.format(1)} + (1-beta)/(1+beta)*(1 - {Q.format(1)})"},
    ),
    (
        r.ewm_variance_unbiased_with_holes,
        r.ewm_variance_unbiased,
        {"w": WEIGHTS, "r": f"where(t == 1, 1, {SQUARES.replace('**t', '**(t-1)')})"},
        {"w": "1 - beta**t"},
    ),
]


def expr(text: str) -> Expr:
    return read_expression(text, file="formula")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].name)
def test_where_nothing_is_missing(case: tuple[Rule, Rule, dict[str, str], dict[str, str]]) -> None:
    with_holes, plain, before, after = case
    values = substitute(with_holes.step.values(), {name: expr(text) for name, text in before.items()})
    for name, value in zip(with_holes.step, values, strict=True):
        if name in after or name in plain.step:
            wanted = expr(after[name]) if name in after else plain.step[name]
            verdict = identity([(value, wanted)], assumptions_of(plain))
            assert verdict, f"{name}: {verdict.message}"


def test_the_sum_of_the_squared_weights() -> None:
    """At t = 1, and from every t to the next, of which r keeps (1 - s)^2 r + s^2."""
    rule = r.ewm_variance_unbiased_with_holes
    assumptions = assumptions_of(r.ewm_variance_unbiased)
    states = {"w": expr("1 - beta**t"), "r": expr(SQUARES)}
    [later] = substitute([rule.step["r"]], states)
    [wanted] = substitute([expr(SQUARES)], {"t": Symbol("t") + 1})
    assert identity([(later, wanted)], assumptions)
    [first] = substitute([rule.step["r"]], {"w": Number(0), "r": Number(1)})
    assert identity([(first, Number(1))], assumptions)


def test_the_factor_is_that_of_pandas() -> None:
    """W^2 / (W^2 - W2), for weights beta^k: W is (1 - beta^t) / (1 - beta), W2 is (1 - beta^(2t)) / (1 - beta^2)."""
    total, squares = "((1 - beta**t) / (1 - beta))", "((1 - beta**(2*t)) / (1 - beta**2))"
    ratio = identity([(expr(f"{squares} / {total}**2"), expr(SQUARES))], assumptions_of(r.ewm_variance))
    assert ratio, ratio.message
    wrong = identity([(expr(f"{squares} / {total}"), expr(SQUARES))], assumptions_of(r.ewm_variance))
    assert wrong.status == "refuted"


def test_a_wrong_invariant_is_not_proved() -> None:
    [value] = substitute([r.ewma_debiased_with_holes.step["output"]], {"w": expr("1 - beta**t"), "f": Number(1)})
    assert not identity([(value, ewma_debiased.step["output"])], assumptions_of(ewma_debiased))
