"""Certificates made by hand that claim too much: the checker says no, whatever the trees of cases are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Expr, Number, Symbol
from derive.proving.certificate import Conditional, Correspondence, Invariants, Leaf
from derive.proving.checker import Checked, Rejected
from derive.reading.read import read_text
from derive.rule import POSITIVE, Assignment, Domain, Hyperparameter, Rule
from derive.transforms import bind, with_hyperparameters_of

TEXT = """
def standing(theta, g, *, lr=nonnegative(0.01)):
    theta = theta - 0 * lr
    return theta

def descent(theta, g, *, lr=nonnegative(0.01)):
    theta = theta - lr * g
    return theta

def summing(theta, g, v=0, *, lr=nonnegative(0.01)):
    v = v + g
    theta = theta - lr * v
    return theta, v
"""
theta, g, lr, v = map(Symbol, ("theta", "g", "lr", "v"))
SAME, BACK = {"lr": lr}, {"lr": Symbol("b.lr")}


def rule(name: str, domain: Domain | None = None) -> Rule:
    found = read_text(TEXT, name, "forged.py")
    return found if domain is None else replace(found, hyperparameters=(Hyperparameter("lr", None, domain),))


def forged(a: Rule, b: Rule, hyperparameters: Mapping[str, Expr], inverse: Mapping[str, Expr]) -> Correspondence:
    trees = (Leaf(),) * 5
    return Correspondence(a, b, {"theta": theta}, hyperparameters, inverse, Invariants(a, (), ()), trees)


def test_what_is_forged_below_is_right_but_for_one_thing() -> None:
    Checked(forged(rule("descent"), rule("descent"), SAME, BACK))


def test_a_map_gives_no_value_to_the_gradient() -> None:
    with pytest.raises(Rejected, match="g is no hyperparameter"):
        Checked(forged(rule("standing"), rule("descent"), {**SAME, "g": Number(0)}, BACK))


def test_a_map_leaves_no_hyperparameter_out() -> None:
    with pytest.raises(Rejected, match="given no value"):
        Checked(forged(rule("descent"), rule("descent"), {}, BACK))


def test_a_rule_does_not_read_the_states_of_the_other() -> None:
    reading = replace(rule("descent"), body=(Assignment("theta", theta - lr * (v + g)),))
    with pytest.raises(Rejected, match="does not say what v is"):
        Checked(forged(rule("summing"), reading, SAME, BACK))


def test_a_whole_number_is_no_image_of_a_real_one() -> None:
    whole = Domain(low=Fraction(0), whole=True)
    with pytest.raises(Rejected, match="whole number"):
        Checked(forged(rule("descent"), rule("descent", whole), SAME, BACK))
    Checked(forged(rule("descent", whole), rule("descent", whole), SAME, BACK))


def conditional(condition: Mapping[str, Expr], domain: Domain | None = None) -> Conditional:
    a, b = rule("standing", domain), rule("descent", domain)
    left, right = bind(a, condition), bind(b, condition)
    both = with_hyperparameters_of(left, right), with_hyperparameters_of(right, left)
    names = both[0].hyperparameter_names
    maps = {n: Symbol(n) for n in names}, {n: Symbol(f"b.{n}") for n in names}
    return Conditional(a, b, (condition,), (forged(*both, *maps),))


def test_a_condition_lies_in_the_domain() -> None:
    Checked(conditional({"lr": Number(0)}))
    with pytest.raises(Rejected, match="never holds"):
        Checked(conditional({"lr": Number(0)}, POSITIVE))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Symbol("mu") - 1, "the two sides differ"),  # it may hold, but is not enough
        (-Symbol("mu"), "never holds"),
        (1 / (Symbol("mu") - Symbol("mu")), "never holds"),
    ],
)
def test_a_condition_in_other_hyperparameters_holds_for_some_of_them(value: Expr, why: str) -> None:
    two = tuple(Hyperparameter(name, None, POSITIVE) for name in ("lr", "mu"))
    a, b = (replace(rule(name), hyperparameters=two) for name in ("standing", "descent"))
    bound = bind(a, {"lr": value}), bind(b, {"lr": value})
    proof = forged(*bound, {"mu": Symbol("mu")}, {"mu": Symbol("b.mu")})
    with pytest.raises(Rejected, match=why):
        Checked(Conditional(a, b, ({"lr": value},), (proof,)))


def test_a_condition_is_one_on_hyperparameters() -> None:
    with pytest.raises(Rejected, match="something else than hyperparameters"):
        Checked(conditional({"lr": g - g}))
