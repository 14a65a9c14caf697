"""Certified intervals for the real zeros of a polynomial of one unknown."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import acb, arb, fmpq, fmpq_mpoly, fmpq_poly

from derive.algebra.polynomials import by_powers, constant_value
from derive.linear.ratios import number, poly_replaced
from derive.rule import Domain

DIGITS = 12


def enclosures(
    poly: fmpq_mpoly, unknown: int, values: Mapping[int, Fraction], domain: Domain
) -> tuple[str, ...] | None:
    """A ball, as text, around each zero in the domain at these values of the others; None where one has no value."""
    for index, value in values.items():
        poly = poly_replaced(poly, index, number(value)).num
    parts = {exponent: constant_value(part) for exponent, part in by_powers(poly, unknown).items()}
    if not parts or None in parts.values():
        return None
    coefficients = [parts.get(k) or Fraction(0) for k in range(max(parts) + 1)]
    univariate = fmpq_poly([fmpq(c.numerator, c.denominator) for c in coefficients])
    found = [root for root, _ in univariate.numer().complex_roots() if _is_real(root)]
    return tuple(root.real.str(DIGITS) for root in found if _inside(root.real, domain))


def _is_real(root: acb) -> bool:
    return bool(root.imag == 0)


def _inside(root: arb, domain: Domain) -> bool:
    """Whether the zero may lie in the domain; isolated zeros are far narrower than anything they are compared with."""
    low, high = (
        None if end is None else arb(fmpq(end.numerator, end.denominator)) for end in (domain.low, domain.high)
    )
    return not (low is not None and root < low) and not (high is not None and root > high)
