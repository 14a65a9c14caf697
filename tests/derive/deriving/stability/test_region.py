"""Regions of stability: derived conditions beside certified zeros, and wrong ones refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.algebra.facts import Assumptions
from derive.deriving.derivation import Derivation
from derive.deriving.stability import on_quadratics, spectral_radius, stable_region
from derive.deriving.stability.closed import closed_loop
from derive.deriving.stability.jury import same_truth
from derive.deriving.stability.radius import largest_modulus
from derive.deriving.stability.region import without_domains
from derive.errors import UserError
from derive.evaluate import enclosed, exact
from derive.expr import Expr
from derive.language import decay, grad, nonnegative, rule
from derive.library.lookup import find_rule, rules
from derive.proving import identity
from derive.reading.python.expressions import read_expression
from derive.rule import Rule


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


def region(given_rule: Rule) -> Derivation:
    found = stable_region(given_rule)
    assert found is not None
    return found


@rule(paper="test")
def two_buffers(theta, g, m=0, n=0, *, lr=nonnegative(0.1), beta=decay(0.5), gamma=decay(0.25)):  # type: ignore[no-untyped-def]
    """An average of an average: three states."""
    m = beta * m + (1 - beta) * g
    n = gamma * n + (1 - gamma) * m
    theta = theta - lr * n
    return theta, m, n


@rule(paper="test")
def quasi(theta, g, v=0, *, lr=nonnegative(1), beta=decay(0.9), nu=decay(0.7)):  # type: ignore[no-untyped-def]
    """Part of the gradient goes past the buffer, and the point asked lies ahead."""
    g = grad(theta - nu * v)
    v = beta * v + (1 - beta) * g
    theta = theta - lr * ((1 - nu) * g + nu * v)
    return theta, v


THRESHOLDS = {
    "gradient_descent": "2",
    "momentum": "2*(1+beta)",
    "momentum_lr_outside": "2*(1+beta)",
    "momentum_ema": "2*(1+beta)/(1-beta)",
    "nesterov": "(2+2*beta)/(1+2*beta)",
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_thresholds_of_the_library_come_out(name: str) -> None:
    found = region(find_rule(name))
    assert found.holds
    wanted = formula(THRESHOLDS[name])
    assert identity([(found.quantities["threshold"], wanted)], Assumptions(find_rule(name).domains))


def test_nesterov_bears_less_than_momentum() -> None:
    values = {"beta": Fraction(9, 10)}
    [mine, his] = exact([region(find_rule(n)).quantities["threshold"] for n in ("nesterov", "momentum")], values)
    assert (mine, his) == (Fraction(19, 14), Fraction(19, 5))


def test_momentum_may_be_negative() -> None:
    """Over all real numbers the region is 0 < lr h < 2 (1 + beta) and beta < 1: beta down to -1."""
    found = region(without_domains(find_rule("momentum")))
    loop = closed_loop(without_domains(find_rule("momentum")))
    assert loop is not None
    wanted = formula("lr*h > 0 and lr*h < 2*(1+beta) and beta > -1 and beta < 1")
    assert same_truth(found.result, wanted, why="", given=loop.assumed).verdict
    narrower = formula("lr*h > 0 and lr*h < 2*(1+beta) and beta >= 0 and beta < 1")
    assert not same_truth(found.result, narrower, why="", given=loop.assumed).verdict
    inside = {"lr": Fraction(99, 100), "beta": Fraction(-1, 2), "h": Fraction(1)}
    assert spectral_radius(find_rule("momentum"), inside) < 1


def test_a_wrong_region_is_rejected() -> None:
    """The boundary of another rule: a point inside it has a zero certainly outside the unit circle."""
    loop = closed_loop(find_rule("nesterov"))
    assert loop is not None
    step = same_truth(region(find_rule("nesterov")).result, formula("lr*h > 0 and lr*h < 2*(1+beta)"), why="",
                      given=loop.assumed)  # fmt: skip
    assert step.verdict is not None
    assert step.verdict.status == "refuted"
    assert spectral_radius(find_rule("nesterov"), {"lr": Fraction(3, 2), "beta": Fraction(9, 10), "h": Fraction(1)}) > 1


fractions = st.integers(0, 39).map(lambda k: Fraction(k, 40))


@pytest.mark.parametrize("found", [*map(find_rule, THRESHOLDS), two_buffers, quasi], ids=lambda r: str(r.name))
@settings(max_examples=25)
@given(data=st.data())
def test_the_condition_agrees_with_certified_zeros(found: Rule, data: st.DataObject) -> None:
    values = {h.name: data.draw(fractions, h.name) for h in found.hyperparameters}
    values["lr"] += Fraction(1, 100)
    values["h"] = data.draw(st.integers(1, 300).map(lambda k: Fraction(k, 25)), "h")
    radius = spectral_radius(found, values)
    [inside] = exact([region(found).result], values)
    if radius < 1 or radius > 1:
        assert inside is bool(radius < 1)
    if "spectral_radius" in region(found).quantities:
        [claimed] = enclosed([region(found).quantities["spectral_radius"]], values)
        assert abs(float(claimed) - float(radius.mid())) < 1e-6  # type: ignore[arg-type]


def test_a_region_of_three_states_is_derived_and_checked() -> None:
    found = region(two_buffers)
    assert found.holds
    assert "spectral_radius" not in found.quantities  # degree three: by enclosure only


def test_modes_that_are_always_zero_are_left_out() -> None:
    bound = region(find_rule("momentum"))
    assert bound.quantities["complex_modulus"] is formula("sqrt(beta)")
    plain = closed_loop(find_rule("gradient_descent"))
    assert plain is not None
    assert plain.degree == 1


@rule(paper="test")
def delayed(theta, g, last=0, *, lr=nonnegative(0.1)):  # type: ignore[no-untyped-def]
    """A step with the gradient of the step before: what it keeps has an idle mode of its own."""
    theta = theta - lr * (g + 0 * last)
    last = g
    return theta, last


def test_an_idle_mode_is_divided_out() -> None:
    loop = closed_loop(delayed)
    assert loop is not None
    assert (loop.degree, loop.idle) == (1, 0)
    assert region(delayed).quantities["threshold"] is formula("2")


def test_critical_damping_is_where_the_zeros_meet() -> None:
    found = region(find_rule("momentum")).quantities
    values = {"beta": Fraction(81, 100)}
    low, high = exact([found["critical_damping"], found["critical_damping_upper"]], values)
    assert (low, high) == (Fraction(1, 100), Fraction(361, 100))  # (1 -+ sqrt(beta))^2


def test_rules_that_are_not_linear_have_no_region() -> None:
    assert stable_region(find_rule("adam")) is None
    assert stable_region(find_rule("ewma")) is None
    with pytest.raises(UserError, match="not linear"):
        spectral_radius(find_rule("adam"), {})


def test_the_modulus_of_a_polynomial_is_enclosed() -> None:
    assert largest_modulus([Fraction(-1, 2), Fraction(1)]) < 0.51
    assert largest_modulus([Fraction(4), Fraction(0), Fraction(1)]) > 1.9


@pytest.mark.parametrize("found", rules(), ids=lambda r: str(r.name))
def test_everything_said_of_a_rule_on_quadratics_holds(found: Rule) -> None:
    for derivation in on_quadratics(found):
        assert derivation is None or (derivation.holds and derivation.checked)
