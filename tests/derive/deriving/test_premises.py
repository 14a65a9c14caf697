"""What a theorem rests on beside the domains of its rule is said: of its steps, and of the formulas it arrives at."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from derive.deriving import derivations
from derive.deriving.derivation import Derivation, equal
from derive.deriving.linear import given
from derive.deriving.premises import away_from_ends, with_premises
from derive.deriving.symmetries.coordinates import rotation
from derive.deriving.uniform import uniform_states
from derive.errors import UserError
from derive.expr import Number, Symbol
from derive.library.lookup import find_rule
from derive.reading.python.expressions import read_expression
from derive.reading.read import read_text
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, UNIT, Rule
from derive.stating import (
    any_number,
    cycle,
    decayed_range,
    decide,
    decoupled_decay,
    find,
    never_increases,
    run,
    weights,
)

ADAMW: Any = find("adamw")
INSIDE = replace(DECAY, low_open=True)


def of(rule: str, title: str) -> Derivation:
    [found] = [d for d in derivations(find_rule(rule)) if d.title == title]
    return found


def fading(domain: str) -> Rule:
    """Momentum over a denominator with a product of numbers that perhaps do not get smaller."""
    text = f"""
def faded(theta, g, m=0, psi=1, *, lr=nonnegative(0.1), beta=decay(0.9), c={domain}):
    psi = psi * c
    m = beta * m + (1 - beta) * g
    return theta - lr * m / (2 - psi) / abs(m), m, psi
"""
    return read_text(text, "faded")


def test_the_premises_of_steps_are_listed() -> None:
    assert "`lr > 0` in steps 13, 18 and 19" in of("momentum", "Stability on quadratics").assumptions
    assert "`beta > 0` in closed forms" in of("momentum", "Windows of v").assumptions
    decayed = of("adamw", "Decoupled weight decay").assumptions
    assert "`0 < lr * weight_decay < 1` in powers and logarithms" in decayed
    assert "`eps > 0` in step 3" in decayed
    assert "`lr > 0`" in of("lion", "The range of a decayed parameter").assumptions
    assert "`beta1 > 0` in step 27" in of("nadam", "The largest step").assumptions  # a limit


def test_where_a_decay_after_the_step_lets_a_parameter_rest_is_what_the_theorem_says() -> None:
    late = read_text(
        "def late(theta, g, *, lr=nonnegative(0.1), wd=nonnegative(0.5)):\n"
        "    theta = (1 - lr * wd) * (theta - lr * sign(g))\n"
        "    return theta\n",
        "late",
    )
    rest = decayed_range(late).theta_under_a_constant_gradient
    theta = run(late, [1] * 600, start=0, lr=0.5, wd=0.5).theta[600]
    assert abs(float(theta + rest.at(lr=0.5, wd=0.5))) < 1e-9


def test_a_premise_that_is_not_needed_is_not_listed() -> None:
    """Checked for a positive lr, a step that holds at lr = 0 too asks for nothing; one that divides by lr does."""
    rule, lr, g = find_rule("gradient_descent"), Symbol("lr"), Symbol("g")
    narrow = given(rule).extended({"lr": POSITIVE})
    plain = of("gradient_descent", "Stability on quadratics")
    steps = (equal(None, lr * g, g * lr, why="", given=narrow), equal(None, lr * g / lr, g, why="", given=narrow))
    for step, wanted in zip(steps, ((), ("`lr > 0`",)), strict=True):
        bare = replace(plain, assumptions=(), domains={}, quantities={}, result=g, steps=(step,))
        assert with_premises(rule, bare).assumptions == wanted
    assert with_premises(rule, with_premises(rule, plain)) == with_premises(rule, plain)


@pytest.mark.parametrize(
    ("formula", "narrower"),
    [
        ("lr / (1 - c)", {"c": DECAY}),
        ("1 / (lr * b)", {"lr": POSITIVE, "b": INSIDE}),
        ("1 / log(c)", {"c": INSIDE}),
        ("sqrt(1 - b**2 / lr)", {"lr": POSITIVE}),
        ("lr / (1 - b)", {}),
        ("g / (1 + c)", {}),
    ],
)
def test_a_formula_keeps_away_from_the_ends_where_it_has_no_value(formula: str, narrower: dict[str, Any]) -> None:
    domains = {"lr": NONNEGATIVE, "c": UNIT, "b": DECAY}
    assert away_from_ends([read_expression(formula, file="test")], domains) == narrower


def test_words_know_the_premises() -> None:
    """At lr = 0 there is no mean age of the velocity form, and with no decay no half-life."""
    momentum: Any = find("momentum")
    age = weights(momentum.v).mean_age
    assert decide(age == momentum.beta / (1 - momentum.beta))
    with pytest.raises(UserError, match="lr = 0 is not in"):
        age.at(lr=0)
    with pytest.raises(UserError, match="weight_decay = 0 is not in"):
        decoupled_decay(ADAMW).half_life.at(weight_decay=0)
    assert never_increases("adagrad").assumptions == ("`eps > 0`",)


def test_where_a_decayed_parameter_rests_depends_on_epsilon() -> None:
    rest, wd = decayed_range(ADAMW).theta_under_a_constant_gradient, ADAMW.weight_decay
    assert decide(rest == 1 / wd).status == "refuted"
    assert decide((rest.at(eps=0) == 1 / wd).where(any_number("g") != 0))
    given_one = run(ADAMW, [1] * 400, start=0, lr=1, eps=1, weight_decay=0.1, beta1=0, beta2=0).theta[400]
    assert abs(float(given_one + rest.at(eps=1, weight_decay=0.1, g=1))) < 1e-9


@pytest.mark.parametrize(
    ("domain", "is_derived"), [("decay(0.5)", True), ("unit(0.5)", False), ("nonnegative(0.5)", False)]
)
def test_a_cycle_is_spoken_of_only_where_a_product_of_decays_fades(domain: str, is_derived: bool) -> None:
    if is_derived:
        assert cycle(fading(domain)).cycle_amplitude is not None
    else:
        with pytest.raises(UserError, match="no cycle"):
            cycle(fading(domain))


def test_what_is_one_number_for_a_tensor_is_not_turned_with_its_coordinates() -> None:
    counted = """
def counted(theta, g, w=0, u=1, *, lr=nonnegative(0.1), c=decay(0.9)):
    w = c * w + 1
    u = w * u + norm(g)
    return theta - lr * g / w, w, u
"""
    rule = read_text(counted, "counted")
    assert uniform_states(rule) == ("w", "u")
    assert rotation(rule)
    assert rotation(read_text(counted.replace("c * w + 1", "c * w + abs(g)"), "counted")).status == "refuted"
    assert uniform_states(find_rule("adam")) == ()


def test_a_step_at_an_end_of_a_domain_is_checked_there() -> None:
    rule, c = find_rule("gradient_descent"), Symbol("c")
    step = equal(None, c / c, Number(1), why="", given=given(rule).extended({"c": POSITIVE}))
    assert step.verdict
    assert step.given is not None
    assert step.holds_at({"c": Fraction(2)}, step.given)
    assert not step.holds_at({"c": Fraction(0)}, step.given)
