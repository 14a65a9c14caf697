"""Formats as sets of rationals: their numbers, and rounding to the nearest, against NumPy and ml_dtypes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.precision.formats import NAMES, exponent_of, format_named, model_of

WIDE = [name for name in NAMES if name != "float64"]


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_of_a_format_are_counted_from_the_smallest_to_the_largest(name: str) -> None:
    kept = format_named(name)
    last = kept.index(kept.largest)
    assert [kept.number(index) for index in (0, 1, last)] == [0, kept.smallest, kept.largest]
    for index in {1, 2, 3, last // 3, last // 2, last - 1, last, kept.index(kept.smallest_normal)}:
        assert kept.index(kept.number(index)) == index
        assert kept.round(kept.number(index)) == kept.number(index)
        assert kept.floats(np.array([index], np.int64)) == [float(kept.number(index))]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e5m2", "float8_e4m3", "float8_e3m4", "float8_e4m3fn"])
def test_the_numbers_are_those_of_the_bit_patterns(name: str) -> None:
    kept = format_named(name)
    bits = np.arange(1, kept.index(kept.largest) + 1).astype(f"uint{8 * kept.dtype.itemsize}")
    found = bits.view(kept.dtype).astype(np.float64)
    assert [Fraction(float(x)) for x in found] == [kept.number(int(i)) for i in bits]


@pytest.mark.parametrize("name", NAMES)
@given(value=st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_rounding_is_that_of_numpy(name: str, value: float) -> None:
    kept = format_named(name)
    with np.errstate(all="ignore"):
        expected = float(np.float64(value).astype(kept.dtype).astype(np.float64))
    found = kept.round(Fraction(value))
    assert float(found) == expected or (math.isnan(float(found)) and math.isnan(expected))


@pytest.mark.parametrize("name", NAMES)
def test_ties_go_to_the_even_number(name: str) -> None:
    kept = format_named(name)
    one, unit = Fraction(1), Fraction(2) ** (1 - kept.precision)
    assert kept.round(one + unit / 2) == one
    assert kept.round(one + 3 * unit / 2) == one + 2 * unit
    assert kept.round(kept.vanishing) == 0
    assert kept.round(kept.vanishing * Fraction(101, 100)) == kept.smallest


@given(st.fractions().filter(bool))
def test_the_exponent_encloses_the_value(value: Fraction) -> None:
    e = exponent_of(value)
    assert Fraction(2) ** e <= abs(value) < Fraction(2) ** (e + 1)


def test_formats_that_are_not_known_or_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="no format 'float17'"):
        format_named("float17")
    with pytest.raises(UserError, match="float16 does not hold every number of bfloat16"):
        model_of("bfloat16", "float16")
    with pytest.raises(UserError, match="bfloat16 does not hold every number of float16"):
        model_of("float16", "bfloat16")
    assert model_of("bfloat16", "float32").is_mixed
    assert not model_of("float32").is_mixed
