"""Extremes over the steps and onsets: found widely spaced, proved for every step."""

from __future__ import annotations

from fractions import Fraction

from derive.deriving.extremes import largest, onset, smallest
from derive.evaluate import enclosed
from derive.reading.python.expressions import read_expression

DEFAULTS = {"b1": Fraction(9, 10), "b2": Fraction(999, 1000)}
FACTOR = "(1 - b1**t) / sqrt(1 - b2**t)"


def test_the_step_without_correction_is_largest_at_twelve() -> None:
    found = largest(read_expression(FACTOR, file="test"), DEFAULTS)
    assert found is not None
    assert found.holds
    assert found.at == 12
    assert str(enclosed([found.value], {})[0]).startswith("[6.5685")


def test_and_within_five_percent_from_step_2375() -> None:
    found = onset(read_expression(f"{FACTOR} <= 1.05", file="test"), DEFAULTS)
    assert found is not None
    assert found.at == 2375
    assert found.before is not None
    assert found.before.status == "refuted"


def test_an_extreme_at_the_first_step() -> None:
    found = smallest(read_expression("1 - b1**t", file="test"), DEFAULTS)
    assert found is not None
    assert found.at == 1


def test_no_extreme_where_there_is_none() -> None:
    assert largest(read_expression("1 - b1**t", file="test"), DEFAULTS) is None
    assert onset(read_expression("1 - b1**t >= 1", file="test"), DEFAULTS) is None
