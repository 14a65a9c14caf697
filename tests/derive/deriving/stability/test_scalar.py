"""Iterations of one number: fixed points that attract and that do not, ranges, and ranges that are too narrow."""

from __future__ import annotations

from fractions import Fraction

from derive.deriving.stability import scalar_iteration
from derive.deriving.stability.scalar import _range_step
from derive.evaluate import exact
from derive.reading.python.expressions import read_expression

QUINTIC = read_expression("s*(3.4445 + s**2*(2.0315*s**2 - 4.7750))", file="test")
CUBIC = read_expression("s*(3 - s**2)/2", file="test")


def test_the_quintic_of_muon_does_not_converge_to_one() -> None:
    found = scalar_iteration(QUINTIC, Fraction(1, 100), Fraction(1), 5)
    assert found.holds
    names = ("at_one", "range_low", "range_high", "fixed_point_1")
    at_one, low, high, fixed = exact([found.quantities[n] for n in names], {})
    assert at_one == Fraction(701, 1000)
    assert isinstance(low, Fraction)
    assert isinstance(high, Fraction)
    assert Fraction(68, 100) < low < high < Fraction(1135, 1000)
    assert "repelling" in found.statement
    [slope] = exact([found.quantities["slope"]], {"s": fixed})  # type: ignore[dict-item]
    assert abs(float(slope) + 1.58) < 0.01  # type: ignore[arg-type]


def test_the_cubic_of_newton_and_schulz_attracts_to_one() -> None:
    found = scalar_iteration(CUBIC, Fraction(1, 2), Fraction(6, 5), 3)
    assert found.holds
    assert "repelling" not in found.statement


def test_a_range_that_is_too_narrow_is_refuted() -> None:
    step = _range_step(QUINTIC, "s", (Fraction(1, 100), Fraction(1)), (Fraction(1, 2), Fraction(1)))
    assert step.verdict is not None
    assert step.verdict.status == "refuted"
