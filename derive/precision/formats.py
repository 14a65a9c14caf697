"""Floating-point formats as sets of exact rationals, with rounding to nearest, ties to even.

The numbers of a format come from `ml_dtypes.finfo`; what is derived from them is exact arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

from derive.errors import UserError

NAMES = ("float16", "bfloat16", "float32", "float64", "float8_e5m2", "float8_e4m3", "float8_e3m4", "float8_e4m3fn")

Value = Fraction | float  # a float is an infinity or NaN, never a number


@dataclass(frozen=True)
class Format:
    """`precision` counts the leading bit; `smallest` is the least subnormal, `smallest_normal` 2**min_exponent.

    `overflow` is what a result beyond the largest number becomes: infinity, or NaN where there is none.
    """

    name: str
    precision: int
    min_exponent: int
    largest: Fraction
    overflow: float

    @property
    def smallest(self) -> Fraction:
        return Fraction(2) ** (self.min_exponent - self.precision + 1)

    @property
    def smallest_normal(self) -> Fraction:
        return Fraction(2) ** self.min_exponent

    @property
    def vanishing(self) -> Fraction:
        """The largest size that rounds to zero: half the smallest number, a tie that goes to zero."""
        return self.smallest / 2

    @property
    def overflowing(self) -> Fraction:
        """Half a unit beyond the largest number: what is larger overflows."""
        return self.largest + self.spacing(self.largest) / 2

    @cached_property
    def dtype(self) -> Any:
        """The format as NumPy's dtype."""
        return _dtype(self.name)

    def spacing(self, x: Fraction) -> Fraction:
        """From |x| to the next larger number of its binade: the unit in the last place."""
        exponent = max(exponent_of(x), self.min_exponent) if x else self.min_exponent
        return Fraction(2) ** (exponent - self.precision + 1)

    def round(self, x: Fraction) -> Value:
        """The nearest number; of two, the even one. What rounds beyond the largest overflows."""
        unit = self.spacing(x)
        nearest = round(x / unit) * unit
        return nearest if abs(nearest) <= self.largest else math.copysign(self.overflow, 1 if x > 0 else -1)

    def number(self, index: int) -> Fraction:
        """The positive numbers in order, counted from 1; 0 is zero."""
        above = max(0, (index >> self.precision - 1) - 1)
        return (index - (above << self.precision - 1)) * self.smallest * (1 << above)

    def floats(self, indices: Any) -> Any:
        """`number` of an array of whole numbers, in float64, which has every number of every format here."""
        import numpy as np

        above = np.maximum(0, (indices >> self.precision - 1) - 1)
        whole = indices - (above << self.precision - 1)
        return np.ldexp(whole.astype(np.float64), above + (self.min_exponent - self.precision + 1))

    def index(self, x: Fraction) -> int:
        """The inverse of `number`, of a number of the format x >= 0."""
        above = max(0, exponent_of(x) - self.min_exponent) if x else 0
        return int(x / self.smallest / 2**above) + (above << self.precision - 1)


def exponent_of(x: Fraction) -> int:
    """The whole e with 2**e <= |x| < 2**(e + 1), of x other than zero."""
    e = abs(x.numerator).bit_length() - x.denominator.bit_length()
    return e if abs(x) >= Fraction(2) ** e else e - 1


@cache
def format_named(name: str) -> Format:
    """Raises UserError for a name that is none of `NAMES`."""
    if name not in NAMES:
        raise UserError(f"no format {name!r}", fix=f"these are {', '.join(NAMES)}")
    import ml_dtypes

    found: Any = ml_dtypes.finfo(_dtype(name))  # type: ignore[no-untyped-call]
    beyond = float(_dtype(name).type(math.inf))
    made = Format(name, int(found.nmant) + 1, int(found.minexp), Fraction(float(found.max)), beyond)
    assert made.smallest == Fraction(float(found.smallest_subnormal)), f"finfo of {name} does not fit together"
    return made


def _dtype(name: str) -> Any:
    import ml_dtypes
    import numpy as np

    return np.dtype(getattr(ml_dtypes, name, None) or name)


@dataclass(frozen=True)
class Model:
    """Every operation and constant in one format, what is kept between steps (states, theta, gradients) in another.

    Where the two are the same, everything is in that format.
    """

    arithmetic: Format
    storage: Format

    @property
    def is_mixed(self) -> bool:
        return self.arithmetic != self.storage

    def __str__(self) -> str:
        if self.is_mixed:
            return f"arithmetic in {self.arithmetic.name}, rounded to {self.storage.name} when stored"
        return f"state, constants and every operation in {self.storage.name}"


def model_of(dtype: str, arithmetic: str | None = None) -> Model:
    """Raises UserError where a result would be rounded to something finer than the arithmetic."""
    kept = format_named(dtype)
    made = Model(kept if arithmetic is None else format_named(arithmetic), kept)
    coarser = made.arithmetic.precision < kept.precision or made.arithmetic.min_exponent > kept.min_exponent
    if coarser or made.arithmetic.largest < kept.largest:
        what = f"{made.arithmetic.name} does not hold every number of {kept.name}"
        raise UserError(what, where="arithmetic", fix="name a wider format")
    return made
