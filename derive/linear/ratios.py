"""Fractions of polynomials with operators, in the ring of `derive.algebra.polynomials`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress

from flint import fmpq_mpoly

from derive.algebra.polynomials import ONE, POOL, ZERO, by_powers, constant, constant_value, product, quotient

_PLACES = range(POOL)


@dataclass(frozen=True)
class Ratio:
    """num / den, common factors removed, den monic."""

    num: fmpq_mpoly
    den: fmpq_mpoly

    def __add__(self, other: Ratio) -> Ratio:
        if not self:
            return other
        if not other:
            return self
        if self.den == other.den:
            return ratio(self.num + other.num, self.den)
        return ratio(product(self.num, other.den) + product(other.num, self.den), product(self.den, other.den))

    def __neg__(self) -> Ratio:
        return Ratio(-self.num, self.den)

    def __sub__(self, other: Ratio) -> Ratio:
        return self + -other

    def __mul__(self, other: Ratio) -> Ratio:
        if not self or not other:
            return NOTHING
        if self == UNITY:
            return other
        if other == UNITY:
            return self
        return ratio(product(self.num, other.num), product(self.den, other.den))

    def __truediv__(self, other: Ratio) -> Ratio:
        """Raises ZeroDivisionError where the divisor is the number zero."""
        if not other:
            raise ZeroDivisionError
        return ratio(product(self.num, other.den), product(self.den, other.num))

    def __bool__(self) -> bool:
        return not self.num.is_zero()

    def constant(self) -> Fraction | None:
        """The rational that this is, or None where it has generators."""
        above, below = constant_value(self.num), constant_value(self.den)
        return None if above is None or below is None else above / below

    def used(self) -> frozenset[int]:
        """The generators that occur."""
        return used(self.num) | used(self.den)


def ratio(num: fmpq_mpoly, den: fmpq_mpoly = ONE) -> Ratio:
    reduced = quotient(num, den)
    return Ratio(reduced.num, reduced.den)


def number(value: Fraction | int) -> Ratio:
    return whole(constant(value))


def whole(poly: fmpq_mpoly) -> Ratio:
    """The polynomial as a ratio."""
    return Ratio(poly, ONE)


NOTHING = whole(ZERO)
UNITY = whole(ONE)


def used(poly: fmpq_mpoly) -> frozenset[int]:
    """The generators that occur in a polynomial."""
    return frozenset() if poly.is_zero() else frozenset(compress(_PLACES, poly.degrees()))


def replaced(value: Ratio, values: Mapping[int, Ratio]) -> Ratio:
    """The ratio with generators replaced, one after another; raises ZeroDivisionError where it has no value then."""
    here = value.used()
    for index, new in values.items():
        if index in here:
            value = poly_replaced(value.num, index, new) / poly_replaced(value.den, index, new)
            here = value.used()
    return value


def poly_replaced(poly: fmpq_mpoly, index: int, new: Ratio) -> Ratio:
    """A polynomial with one generator replaced."""
    parts = by_powers(poly, index)
    result = NOTHING
    for exponent in range(max(parts, default=0), -1, -1):
        result = result * new + whole(parts.get(exponent, ZERO))
    return result


def total(values: Iterable[Ratio]) -> Ratio:
    result = NOTHING
    for value in values:
        result = result + value
    return result
