"""Tuned hyperparameters, transients, slow modes, noise, and the function on which tuned momentum cycles."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.algebra.facts import Assumptions
from derive.deriving.derivation import holds
from derive.deriving.stability import (
    convex_cycle,
    slow_mode,
    spectral_radius,
    stationary_variance,
    transient,
    tuned,
    tuned_ahead,
    without_memory,
)
from derive.deriving.stability.noise import lyapunov
from derive.deriving.stability.nonquadratic import PIECES, START
from derive.deriving.stability.pieces import run_on
from derive.deriving.stability.tuning import INSIDE
from derive.evaluate import enclosed, exact
from derive.expr import Expr, Number
from derive.library.lookup import find_rule
from derive.linear.matrices import matrix
from derive.linear.ratios import number
from derive.proving import identity
from derive.reading.python.expressions import read_expression
from derive.rule import POSITIVE, REAL, Domain
from derive.transforms import bind

MOMENTA = ("momentum", "momentum_ema", "momentum_lr_outside")
ENDS = {"mu": POSITIVE, "L": POSITIVE}


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


@pytest.mark.parametrize("name", MOMENTA)
def test_tuned_momentum_has_the_rate_of_polyak(name: str) -> None:
    found = tuned(find_rule(name))
    assert found is not None
    assert found.holds
    assert identity([(found.result, formula("(sqrt(L/mu) - 1)/(sqrt(L/mu) + 1)"))], Assumptions(ENDS))
    values = {"mu": Fraction(1), "L": Fraction(100)}
    setting = dict(
        zip(("lr", "beta"), exact([found.quantities[f"optimal_{n}"] for n in ("lr", "beta")], values), strict=True)
    )
    assert setting["beta"] == Fraction(81, 121)
    for h in (1, 2, 50, 99, 100):
        radius = spectral_radius(find_rule(name), {**setting, "h": Fraction(h)})  # type: ignore[dict-item]
        assert abs(float(radius.mid()) - 9 / 11) < 1e-6


def test_a_better_rate_than_the_best_is_refuted() -> None:
    """The last step of the lower bound, with a smaller rate claimed."""
    domains = {"s": INSIDE, "kappa": Domain(Fraction(1)), "a": REAL, "w": REAL}
    premise = (formula("kappa*(1-s)**2 <= (1+s)**2"),)
    claim = formula("s >= (sqrt(kappa) - 1)/(sqrt(kappa) + 1/2)")
    step = holds(claim, when=premise, given=Assumptions(domains), why="")
    assert step.verdict is not None
    assert step.verdict.status != "proved"


def test_gradient_descent_is_tuned_between_its_ends() -> None:
    found = tuned(find_rule("gradient_descent"))
    assert found is not None
    assert found.holds
    assert identity([(found.quantities["optimal_lr"], formula("2/(L+mu)"))], Assumptions(ENDS))


@pytest.mark.parametrize("name", ["nesterov", "nesterov_torch"])
def test_looking_ahead_is_tuned_to_another_rate(name: str) -> None:
    found = tuned_ahead(find_rule(name))
    assert found is not None
    assert found.holds
    assert identity([(found.result, formula("1 - 2/sqrt(3*L/mu + 1)"))], Assumptions(ENDS))
    values = {"mu": Fraction(1), "L": Fraction(33)}  # the root of 3 L + mu is 10
    setting = {n: exact([found.quantities[f"optimal_{n}"]], values)[0] for n in ("lr", "beta")}
    assert setting == {"lr": Fraction(1, 25), "beta": Fraction(2, 3)}
    for h, rate in ((1, 0.8), (33, 0.8)):
        radius = spectral_radius(find_rule(name), {**setting, "h": Fraction(h)})  # type: ignore[dict-item]
        assert abs(float(radius.mid()) - rate) < 1e-6
    assert spectral_radius(find_rule(name), {**setting, "h": Fraction(20)}) <= 0.8  # type: ignore[dict-item]
    assert tuned_ahead(find_rule("momentum")) is None


def test_the_transient_at_a_condition_number_of_100() -> None:
    found = transient(find_rule("momentum"))
    assert found is not None
    assert found.holds
    [growth] = exact([found.quantities["loss_growth"]], {})
    assert growth == Fraction(597051, 161051) ** 2  # 13.7 times
    assert transient(find_rule("gradient_descent")) is None


def test_slow_modes_lie_between_their_bounds() -> None:
    found = slow_mode(find_rule("momentum"))
    assert found is not None
    assert found.holds
    assert identity([(found.result, formula("lr/(1-beta)"))], Assumptions(find_rule("momentum").domains))
    values = {"lr": Fraction(1, 1000), "beta": Fraction(9, 10), "h": Fraction(1)}
    low, high = exact([found.quantities[f"slow_mode_{end}"] for end in ("lower", "upper")], values)
    radius = spectral_radius(find_rule("momentum"), values)
    assert isinstance(low, Fraction)
    assert isinstance(high, Fraction)
    assert float(low) <= float(radius.mid()) <= float(high)


def test_the_stationary_variance_of_momentum() -> None:
    found = stationary_variance(find_rule("momentum"))
    assert found is not None
    assert found.holds
    wanted = formula("lr*sigma2*(1+beta)/(h*(1-beta)*(2*(1+beta)-lr*h))")
    domains = {**find_rule("momentum").domains, "h": POSITIVE}
    assert identity([(found.result, wanted)], Assumptions(domains))
    wrong = formula("lr*sigma2*(1+beta)/(h*(1-beta)*(2*(1+beta)+lr*h))")
    assert identity([(found.result, wrong)], Assumptions(domains)).status == "refuted"
    plain = stationary_variance(find_rule("gradient_descent"))
    assert plain is not None
    assert identity([(plain.result, formula("lr*sigma2/(h*(2-lr*h))"))], Assumptions({**domains, "lr": POSITIVE}))


def test_a_lyapunov_equation_is_solved_and_a_singular_one_is_not() -> None:
    half, one = matrix([[number(Fraction(1, 2))]]), matrix([[number(1)]])
    found = lyapunov(half, one)
    assert found is not None
    assert found[0][0] == number(Fraction(4, 3))
    assert lyapunov(one, one) is None


@pytest.mark.parametrize("name", MOMENTA)
def test_tuned_momentum_cycles_on_a_convex_function(name: str) -> None:
    found = convex_cycle(find_rule(name))
    assert found is not None
    assert found.holds
    points = exact([found.quantities[f"cycle_{k}"] for k in (1, 2, 3)], {})
    assert points == [Fraction(792, 1225), Fraction(-2208, 1225), Fraction(2592, 1225)]


def test_gradient_descent_converges_on_that_function() -> None:
    assert convex_cycle(find_rule("gradient_descent")) is None
    fixed = bind(find_rule("gradient_descent"), {"lr": Number(Fraction(1, 13))})
    assert abs(run_on(fixed, PIECES, START, 60).states[-1][0]) < Fraction(1, 100)
    quadratic = tuple(replace(p, slope=Fraction(25), offset=Fraction(0)) for p in PIECES)
    tuned_momentum = bind(find_rule("momentum"), {"lr": Number(Fraction(1, 9)), "beta": Number(Fraction(4, 9))})
    assert abs(run_on(tuned_momentum, quadratic, START, 60).states[-1][0]) < Fraction(1, 100)


def test_gradient_descent_overshoots_and_converges() -> None:
    found = without_memory(find_rule("gradient_descent"))
    assert found is not None
    assert found.holds
    values = {"a": Fraction(1, 10), "k": Fraction(8)}
    [gap, bound] = enclosed([found.quantities["scaling_gap"], found.quantities["scaling_gap_bound"]], values)
    assert 0 <= gap <= bound  # type: ignore[operator]
    assert without_memory(find_rule("momentum")) is None
