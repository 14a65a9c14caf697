"""Every kind of run that is foretold on a quadratic notices a wrong formula."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.deriving.experiment import plain_values
from derive.deriving.stability import convex_cycle, on_quadratics, slow_mode, stable_region, transient
from derive.deriving.stability.adaptive import frozen_region
from derive.deriving.stability.closed import closed_loop
from derive.deriving.stability.cycle import _stays, find_cycle
from derive.deriving.stability.frozen import freeze
from derive.deriving.stability.held import runs_with_it_held
from derive.deriving.stability.jury import Condition
from derive.deriving.stability.noise import _experiments as under_noise
from derive.deriving.stability.noise import stationary_variance
from derive.deriving.stability.region import _along, _sides
from derive.deriving.stability.slow import _experiments as of_slow_modes
from derive.deriving.stability.tuning import at_the_end, simple
from derive.expr import Expr, Number, Symbol, substitute
from derive.library.lookup import find_rule
from derive.linear.ratios import number
from tests.derive.deriving.runs import all_go, goes_wrong

LINEAR = ("gradient_descent", "momentum_ema", "nesterov", "qhm")


@pytest.mark.parametrize("name", ["nesterov", "qhm", "momentum", "signum", "adagrad", "amsgrad", "nadam"])
def test_all_go_as_foretold(name: str) -> None:
    rule = find_rule(name)
    for found in on_quadratics(rule):
        assert found is None or all_go(rule, found.experiments), found.title


@pytest.mark.parametrize("name", LINEAR)
def test_another_recurrence_is_noticed(name: str) -> None:
    loop = closed_loop(find_rule(name))
    assert loop is not None
    values = plain_values(loop.rule)
    first, *others = loop.coefficients
    wrong = replace(loop, coefficients=(first * number(Fraction(11, 10)), *others))
    assert all_go(loop.rule, _along(loop, values))
    assert goes_wrong(loop.rule, _along(wrong, values))


@pytest.mark.parametrize("factor", [Fraction(4, 5), Fraction(5, 4)])
@pytest.mark.parametrize("name", LINEAR)
def test_another_threshold_is_noticed(name: str, factor: Fraction) -> None:
    loop, region = closed_loop(find_rule(name)), stable_region(find_rule(name))
    assert loop is not None
    assert region is not None
    bound = Condition(region.result, Symbol("lr"), region.quantities["threshold"] * factor)
    assert goes_wrong(loop.rule, _sides(loop, bound, plain_values(loop.rule)))


@pytest.mark.parametrize("name", LINEAR)
def test_another_variance_is_noticed(name: str) -> None:
    rule = find_rule(name)
    loop, found = closed_loop(rule), stationary_variance(rule)
    assert loop is not None
    assert found is not None
    noise = Symbol("sigma2")
    assert all_go(rule, under_noise(loop, found.result, noise))
    assert goes_wrong(rule, under_noise(loop, found.result * Fraction(1001, 1000), noise))
    assert goes_wrong(rule, under_noise(replace(loop, noise=loop.noise[::-1]), found.result, noise)) or loop.degree == 1


def test_other_bounds_of_a_slow_mode_are_noticed() -> None:
    rule = find_rule("momentum_ema")
    form, found = simple(rule), slow_mode(rule)
    assert form is not None
    assert found is not None
    over, under = (found.quantities[f"slow_mode_{word}"] for word in ("upper", "lower"))
    assert all_go(rule, of_slow_modes(form, over, under))
    assert goes_wrong(rule, of_slow_modes(form, under, over))
    [twice] = substitute([over], {"h": 2 * Symbol("h")})
    assert goes_wrong(rule, of_slow_modes(form, twice, under))


@pytest.mark.parametrize("rate", [Fraction(9, 11), Fraction(10, 11)])
def test_another_rate_of_the_tuned_rule_is_noticed(rate: Fraction) -> None:
    rule, values = find_rule("momentum"), {"lr": Fraction(4, 121), "beta": Fraction(81, 121)}
    runs = at_the_end(rule, "largest", Fraction(100), (rate**2, 2 * rate, Fraction(1)), 0, values)
    assert all_go(rule, runs) is (rate == Fraction(9, 11))


@pytest.mark.parametrize("derive", [transient, convex_cycle])
def test_the_same_a_step_later_is_noticed(derive: object) -> None:
    rule = find_rule("momentum")
    found = derive(rule)  # type: ignore[operator]
    [run] = found.experiments
    late = {t - 1: value for t, value in run.foretold.items() if t - 1 in run.foretold}
    assert all_go(rule, [run])
    assert goes_wrong(rule, [replace(run, foretold=late)])


@pytest.mark.parametrize("name", ["signum", "adagrad", "adam_l2", "amsgrad", "adabelief"])
def test_another_preconditioner_or_threshold_is_noticed(name: str) -> None:
    rule = find_rule(name)
    found, region = freeze(rule), frozen_region(rule)
    assert found is not None
    assert region is not None
    edge = region.quantities["threshold_curvature"]
    assert all_go(rule, runs_with_it_held(rule, found, region.result, edge))
    assert goes_wrong(
        rule, runs_with_it_held(rule, replace(found, preconditioner=found.preconditioner * 2), region.result, edge)
    )
    assert goes_wrong(rule, runs_with_it_held(rule, found, region.result, edge * Fraction(5, 4)))
    assert goes_wrong(rule, runs_with_it_held(rule, found, region.result, edge * Fraction(4, 5)))


@pytest.mark.parametrize("name", ["sign_sgd", "rmsprop_eps_inside", "adam", "nadam"])
def test_another_cycle_is_noticed(name: str) -> None:
    rule = find_rule(name)
    found = freeze(rule)
    cycle = None if found is None else find_cycle(found)
    assert cycle is not None
    assert all_go(rule, _stays(rule, cycle))
    more: Expr = Number(Fraction(101, 100))
    if cycle.height is not None:
        assert goes_wrong(rule, _stays(rule, replace(cycle, height=cycle.height * more)))
    else:
        assert goes_wrong(rule, _stays(rule, replace(cycle, learning_rate=cycle.learning_rate * more)))
