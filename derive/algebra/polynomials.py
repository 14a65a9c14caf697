"""Exact fractions of multivariate polynomials over the rationals, with bounded sizes.

All polynomials live in one ring with a fixed pool of generators; what a generator means is
the business of the case that uses it. Arithmetic in C cannot be interrupted, so the size of
a product, a gcd or a factorisation is estimated first and refused when it is too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from derive.algebra.work import TooLarge as TooLarge
from derive.algebra.work import spend

POOL = 32
RING: fmpq_mpoly_ctx = fmpq_mpoly_ctx.get([f"x{i}" for i in range(POOL)], "lex")
ONE: fmpq_mpoly = RING.constant(1)
ZERO: fmpq_mpoly = RING.constant(0)

MAX_TERMS_OF_PRODUCT = 40_000
MAX_TERMS_OF_GCD = 1_500
MAX_TERMS_OF_FACTOR = 400
MAX_DEGREE = 120
MAX_EXPONENT = 1_000
MAX_BITS = 20_000  # of a coefficient
SMALL_DEGREE = 3


class Named:
    """A polynomial as a key: FLINT's have no hash of their own, and their texts leak memory (python-flint 0.9)."""

    __slots__ = ("_hash", "degrees", "poly")

    def __init__(self, poly: fmpq_mpoly) -> None:
        self.poly = poly
        self.degrees = poly.degrees()
        self._hash = hash((len(poly), *self.degrees))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and bool(self.poly == other.poly)


def ordering(poly: fmpq_mpoly) -> tuple[tuple[tuple[int, ...], Fraction], ...]:
    """The terms, for putting polynomials in an order that is the same every time."""
    return tuple((tuple(map(int, m)), as_fraction(c)) for m, c in poly.to_dict().items())


Factorization: TypeAlias = tuple[Fraction, tuple[tuple[fmpq_mpoly, int], ...]]
_FACTORED: dict[Named, Factorization] = {}
REMEMBERED = 4096


def generator(index: int) -> fmpq_mpoly:
    """The polynomial that is the generator alone."""
    if index >= POOL:
        raise TooLarge(f"more than {POOL} independent quantities")
    return RING.gen(index)


def constant(value: Fraction | int) -> fmpq_mpoly:
    return RING.constant(fmpq(value.numerator, value.denominator))


def as_fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def constant_value(poly: fmpq_mpoly) -> Fraction | None:
    """The rational that the polynomial is, or None when it has generators."""
    if poly.is_zero():
        return Fraction(0)
    return as_fraction(poly.leading_coefficient()) if poly.is_constant() else None


def product(a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
    if a.is_one() or b.is_one():
        return b if a.is_one() else a
    terms = len(a) * len(b)
    if terms > MAX_TERMS_OF_PRODUCT:
        raise TooLarge("a product with too many terms")
    spend(2 + terms // 2)
    result = a * b
    bits = coefficient_bits(result)
    if bits > MAX_BITS:
        raise TooLarge("a number with too many digits")
    if bits > 64:
        spend(len(result) * (bits // 64))
    return result


def coefficient_bits(poly: fmpq_mpoly) -> int:
    """The length of its longest numerator or denominator."""
    return max(map(fmpq.height_bits, poly.coeffs()), default=0)


def power(base: fmpq_mpoly, exponent: int) -> fmpq_mpoly:
    if exponent > MAX_EXPONENT or base.total_degree() * exponent > MAX_DEGREE:
        raise TooLarge("a power of too high a degree")
    result = ONE
    for _ in range(exponent):
        result = product(result, base)
    return result


def by_powers(poly: fmpq_mpoly, index: int) -> dict[int, fmpq_mpoly]:
    """The polynomial as one in generator `index`: the coefficient, free of it, of each of its powers."""
    degree = int(poly.degrees()[index])
    if degree <= SMALL_DEGREE:
        return _by_small_powers(poly, index, degree)
    spend(len(poly))
    parts: dict[int, dict[tuple[int, ...], fmpq]] = {}
    for monomial, coefficient in poly.to_dict().items():
        rest = (*monomial[:index], 0, *monomial[index + 1 :])
        parts.setdefault(int(monomial[index]), {})[rest] = coefficient
    return {exponent: RING.from_dict(terms) for exponent, terms in parts.items()}


def _by_small_powers(poly: fmpq_mpoly, index: int, degree: int) -> dict[int, fmpq_mpoly]:
    """The same by derivatives, which need no monomials in Python."""
    parts: dict[int, fmpq_mpoly] = {}
    for exponent in range(degree, 0, -1):
        part = poly
        for order in range(1, exponent + 1):
            part = part.derivative(index) / order
        if not part.is_zero():
            parts[exponent] = part
            poly = poly - part * generator(index) ** exponent
    if not poly.is_zero():
        parts[0] = poly
    return parts


def square_replaced(poly: fmpq_mpoly, index: int, square: fmpq_mpoly) -> fmpq_mpoly:
    """The polynomial with the square of generator `index` replaced by another polynomial."""
    result = ZERO
    for exponent, part in by_powers(poly, index).items():
        left = part * generator(index) if exponent % 2 else part
        result = result + product(left, power(square, exponent // 2))
    return result


def monic(poly: fmpq_mpoly) -> tuple[Fraction, fmpq_mpoly]:
    """The leading coefficient and the polynomial divided by it: one name for all its multiples."""
    lead = poly.leading_coefficient()
    return as_fraction(lead), poly / lead


def factors(poly: fmpq_mpoly) -> Factorization:
    """`poly` as a constant times powers of monic polynomials. Re-multiplied, so it can be relied on.

    Whether the factors are irreducible is FLINT's word, and nothing rests on it. A polynomial
    too large to factor is its own only factor.
    """
    degree = int(poly.total_degree())
    if len(poly) > MAX_TERMS_OF_FACTOR or degree > MAX_DEGREE:
        lead, body = monic(poly)
        return lead, ((body, 1),)
    spend(100 + len(poly) * (20 + 4 * degree) * (1 + coefficient_bits(poly) // 64))
    name = Named(poly)
    if name not in _FACTORED:
        if len(_FACTORED) >= REMEMBERED:
            _FACTORED.clear()
        _FACTORED[name] = _factored(poly)
    return _FACTORED[name]


def _factored(poly: fmpq_mpoly) -> Factorization:
    lead, parts = poly.factor()
    scale = as_fraction(lead)
    found = []
    for part, exponent in parts:
        coefficient, body = monic(part)
        scale *= coefficient ** int(exponent)
        found.append((body, int(exponent)))
    again = constant(scale)
    for body, exponent in found:
        again = again * body**exponent
    if again != poly:
        raise ArithmeticError("a factorisation does not multiply back")
    return scale, tuple(found)


@dataclass(frozen=True)
class Quotient:
    """`num / den`; `den` is never zero where the quotient stands. Reduced by the case's relations."""

    num: fmpq_mpoly
    den: fmpq_mpoly

    def is_zero(self) -> bool:
        return bool(self.num.is_zero())

    def constant(self) -> Fraction | None:
        above, below = constant_value(self.num), constant_value(self.den)
        return None if above is None or below is None else above / below


def quotient(num: fmpq_mpoly, den: fmpq_mpoly) -> Quotient:
    """The fraction with common factors removed and a monic denominator."""
    if num.is_zero():
        return Quotient(ZERO, ONE)
    if den.is_one():
        return Quotient(num, ONE)
    if not den.is_constant() and len(num) + len(den) <= MAX_TERMS_OF_GCD:
        terms = len(num) + len(den)
        spend(10 + 4 * terms * (1 + max(coefficient_bits(num), coefficient_bits(den)) // 64))
        common = num.gcd(den)
        if not common.is_one():
            num, den = num / common, den / common  # exact division: raises if it were not
    lead = den.leading_coefficient()
    return Quotient(num / lead, den / lead)


def rational(value: Fraction | int) -> Quotient:
    return Quotient(constant(value), ONE)
