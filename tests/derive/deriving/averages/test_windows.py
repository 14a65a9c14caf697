"""The mean age against sums over the weights, and the numbers that are called the window of an average."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest

from derive.deriving.averages import mean_age, newest_holding, windows
from derive.deriving.averages.sums import telescoped
from derive.deriving.derivation import holds
from derive.deriving.linear import AGE, given, linear_buffers
from derive.evaluate import ball
from derive.expr import Number, Symbol, apply, symbols
from derive.library.adagrad import adagrad
from derive.library.averages import ewma
from derive.library.momentum import momentum
from derive.library.rmsprop import rmsprop
from derive.rule import Rule
from tests.derive.deriving.averages.runs import at

HALF = {"beta": Fraction(2, 3), "lr": Fraction(1, 5), "eps": Fraction(0)}


@pytest.mark.parametrize("rule", [ewma, momentum, rmsprop, adagrad], ids=lambda r: r.name)
def test_the_mean_age_is_the_weighted_mean_of_the_ages(rule: Rule) -> None:
    [buffer] = linear_buffers(rule)
    found = mean_age(rule, buffer)
    assert found is not None
    assert found.holds
    for t in (1, 2, 3, 7):
        weights = [at(buffer.weight, {**HALF, AGE: k}) for k in range(t)]
        expected = sum(k * w for k, w in enumerate(weights)) / sum(weights)
        assert at(found.result, {**HALF, "t": t}) == expected


def test_the_mean_age_in_the_end() -> None:
    [buffer] = linear_buffers(ewma)
    found = mean_age(ewma, buffer)
    assert found is not None
    assert at(found.quantities["mean_age"], {"beta": Fraction(9, 10)}) == 9
    [nothing_fades] = linear_buffers(adagrad)
    plain = mean_age(adagrad, nothing_fades)
    assert plain is not None
    assert "mean_age" not in plain.quantities


NUMBERS: dict[str, Callable[[float], float]] = {
    "time_constant": lambda b: -1 / math.log(b),
    "half_life": lambda b: math.log(0.5) / math.log(b),
    "nominal_window": lambda b: 1 / (1 - b),
    "mean_age": lambda b: b / (1 - b),
    "effective_sample_size": lambda b: (1 + b) / (1 - b),
    "weight_at_nominal_window": lambda b: b ** (1 / (1 - b)),
    "share_within_nominal_window": lambda b: 1 - b ** (1 / (1 - b)),
}


@pytest.mark.parametrize("beta", [Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000)])
def test_windows_have_their_numbers(beta: Fraction) -> None:
    [buffer] = linear_buffers(ewma)
    found = windows(ewma, buffer)
    assert found is not None
    assert found.holds
    for name, expected in NUMBERS.items():
        [value] = ball([found.quantities[name]], {"beta": beta})
        assert float(value) == pytest.approx(expected(float(beta)), rel=1e-12), name  # type: ignore[arg-type]


def test_windows_in_words() -> None:
    [buffer] = linear_buffers(ewma)
    found = windows(ewma, buffer)
    assert found is not None
    for part in ("time constant 9.491", "half-life 6.579", "mean age 9,", "sample size 19", "1/(1 - b) 10",
                 "is 0.3487 of the newest", "0.6513 of all weight", "95% by 29", "99% by 44"):  # fmt: skip
        assert part in found.statement


def test_what_never_fades_has_no_window() -> None:
    [buffer] = linear_buffers(adagrad)
    assert windows(adagrad, buffer) is None


def test_how_many_of_the_newest_hold_a_share() -> None:
    [buffer] = linear_buffers(ewma)
    values = {"beta": Fraction(999, 1000)}
    assert newest_holding(buffer, Fraction(95, 100), values) == 2995
    assert newest_holding(buffer, Fraction(99, 100), values) == 4603


def test_wrong_windows_are_not_proved() -> None:
    """The weight at the age 1/(1 - b) is less than 1/e, but not by any factor; half-lives are not a tenth longer."""
    beta = Symbol("beta")
    log, positive = apply("log", beta), apply("gt", beta, 0)
    smaller, larger = apply("lt", log, beta - 1), apply("gt", log, 1 - 1 / beta)
    wrong = [
        (apply("lt", log / (1 - beta), Fraction(-101, 100)), smaller),
        (apply("lt", log / (1 - beta), -1), larger),
        (apply("eq", log * (Fraction(11, 10) * apply("log", Fraction(1, 2)) / log), apply("log", Fraction(1, 2))),
         apply("lt", log, 0)),
    ]  # fmt: skip
    for claim, premise in wrong:
        assert not holds(claim, why="", given=given(ewma), when=[premise, positive]).verdict


def test_a_wrong_sum_is_refuted() -> None:
    """Neither a closed form with a term too many nor one that starts elsewhere telescopes."""
    [buffer] = linear_buffers(ewma)
    beta, t = Symbol("beta"), Symbol("t")
    for wrong in (1 - beta ** (t + 1), 1 - beta**t + 1, Number(1)):
        steps = telescoped(ewma, "W", buffer.weight, Symbol("w"), wrong, "a sum")
        assert not all(step.verdict for step in steps if step.verdict is not None)
    right = telescoped(ewma, "W", buffer.weight, Symbol("w"), 1 - beta**t, "a sum")
    assert all(step.verdict for step in right if step.verdict is not None)
    assert symbols(buffer.weight) == {"beta", AGE}
