"""Lags against exact runs on a ramp."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.averages import drift
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import equal
from derive.deriving.linear import given, linear_buffers
from derive.expr import Symbol
from derive.library.averages import ewma
from derive.library.momentum import momentum_lr_outside
from derive.rule import Rule
from tests.derive.deriving.averages.conftest import Reader
from tests.derive.deriving.averages.runs import at, held

BETA = Fraction(3, 5)


@pytest.mark.parametrize("rule", [ewma, momentum_lr_outside], ids=lambda r: r.name)
def test_the_lag_is_that_of_a_run(rule: Rule) -> None:
    """With inputs c + d t the corrected buffer is behind by the lag, times the drift."""
    c, d = Fraction(7, 2), Fraction(-2, 3)
    [buffer] = linear_buffers(rule)
    found = drift(rule, buffer)
    assert found is not None
    assert found.holds
    run = held(rule, buffer.name, [c + d * t for t in range(1, 9)], beta=BETA)
    for t, value in enumerate(run, 1):
        values = {"beta": BETA, "t": Fraction(t)}
        corrected = value / at(weight_sum(rule, buffer), values)
        assert corrected == c + d * (t - at(found.result, values))
        assert corrected - (c + d * t) == at(found.quantities["drift_bias"], {**values, "#d": d})


def test_the_lag_of_an_average_is_nine_not_ten() -> None:
    [buffer] = linear_buffers(ewma)
    found = drift(ewma, buffer)
    assert found is not None
    assert at(found.quantities["lag"], {"beta": Fraction(9, 10)}) == 9


def test_without_correction_the_ramp_is_behind_by_less_at_first() -> None:
    [buffer] = linear_buffers(ewma)
    found = drift(ewma, buffer)
    assert found is not None
    run = held(ewma, "m", list(range(1, 8)), beta=BETA)
    for t, value in enumerate(run, 1):
        assert t - value == at(found.quantities["lag_without_correction"], {"beta": BETA, "t": Fraction(t)})


def test_experiments_foretell_the_lag() -> None:
    [buffer] = linear_buffers(ewma)
    found = drift(ewma, buffer)
    assert found is not None
    corrected, uncorrected = found.experiments
    assert corrected.foretold[2] == pytest.approx(9 - 2 * 0.81 / 0.19)
    assert uncorrected.foretold[2] == pytest.approx(9 * (1 - 0.81))


def test_names_of_the_rule_give_way(read: Reader) -> None:
    own = read("""
def own(x, d=0, *, c=decay(0.9)):
    d = c * d + (1 - c) * x
    output = d
    return output, d
""")
    [buffer] = linear_buffers(own)
    found = drift(own, buffer)
    assert found is not None
    assert found.holds
    assert "drifts by `d_` a step" in found.statement


def test_a_wrong_lag_is_refuted() -> None:
    """One step more, as is often said: 1/(1 - beta)."""
    beta, t = Symbol("beta"), Symbol("t")
    lag = 1 / (1 - beta) - t * beta**t / (1 - beta**t)
    step = equal(None, lag, beta / (1 - beta) - t * beta**t / (1 - beta**t), why="", given=given(ewma))
    assert step.verdict is not None
    assert step.verdict.status == "refuted"
