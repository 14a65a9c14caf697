"""A proposal for the square root of a fraction; the case squares it and tests its sign before use.

Even powers leave the root as absolute values, odd factors of certain sign become roots of their
own, so that sqrt(a b) and sqrt(a) sqrt(b) end in the same form.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from flint import fmpq_mpoly, fmpz

from derive.algebra.polynomials import ONE, Quotient, constant, factors, power, product, quotient, rational

if TYPE_CHECKING:
    from derive.algebra.case import Case

LARGEST_FACTORED = 10**24


def propose_root(case: Case, x: Quotient) -> Quotient:
    """A value whose square should be `x`, or the cases needed before one can be named."""
    above, below = factors(x.num), factors(x.den)
    root = quotient(_root_of_parts(case, above[1]), _root_of_parts(case, below[1]))
    return case.mul(root, _root_of_number(case, abs(above[0] / below[0])))


def _root_of_parts(case: Case, parts: tuple[tuple[fmpq_mpoly, int], ...]) -> fmpq_mpoly:
    root = ONE
    for part, exponent in parts:
        half, odd = divmod(exponent, 2)
        size = _size(case, part) if half % 2 or odd else part
        root = product(root, power(size, half))
        if odd:
            root = product(root, case.root(size))
    return root


def _size(case: Case, part: fmpq_mpoly) -> fmpq_mpoly:
    """|part|, or a request for the cases that tell its sign."""
    possible = case.poly_signs(part)
    if -1 in possible and 1 in possible:
        case.split_signs(Quotient(part, ONE))
    return -part if -1 in possible else part


def _root_of_number(case: Case, value: Fraction) -> Quotient:
    """sqrt(a/b) = sqrt(ab)/b, with one generator for each prime that stays under the root."""
    inside = value.numerator * value.denominator
    result = rational(Fraction(1, value.denominator))
    if inside > LARGEST_FACTORED:
        return case.mul(result, Quotient(case.root(constant(inside)), ONE))
    for prime, exponent in fmpz(inside).factor():
        result = case.mul(result, rational(int(prime) ** (int(exponent) // 2)))
        if int(exponent) % 2:
            result = case.mul(result, Quotient(case.root(constant(int(prime))), ONE))
    return result
