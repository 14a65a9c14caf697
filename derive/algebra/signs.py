"""Certain signs of polynomials whose generators range over intervals.

A set of signs says what a quantity can be: {1} is positive, {0, 1} nonnegative, {-1, 0, 1} unknown.
The proof of a sign is elementary: write every generator through one that is nonnegative
(x in [a, inf) as a + w, x in [a, b) as (a + b w)/(1 + w)); if then no term is negative, neither
is the polynomial, and if some term is positive, so is the polynomial. Where terms of a real x
stand in the way, a quadratic in x is looked at through its discriminant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import floor

from flint import fmpq, fmpq_mpoly

from derive.algebra.polynomials import ONE, ZERO, Named, by_powers, constant, generator, power, product
from derive.algebra.work import OutOfWork, TooLarge, metered, spend
from derive.rule import Domain

Signs = frozenset[int]

NEGATIVE_SIGN: Signs = frozenset({-1})
ZERO_SIGN: Signs = frozenset({0})
POSITIVE_SIGN: Signs = frozenset({1})
ANY_SIGN: Signs = frozenset({-1, 0, 1})

WORK = 20_000_000  # for one polynomial
REMEMBERED = 16_384
_KNOWN: dict[tuple[Named, tuple[Domain, ...], int], tuple[Signs, int]] = {}


def times(a: Signs, b: Signs) -> Signs:
    return frozenset(x * y for x in a for y in b)


def plus(a: Signs, b: Signs) -> Signs:
    """The signs of a sum."""
    return frozenset(sign for x in a for y in b for sign in ((x or y,) if x * y >= 0 else (-1, 0, 1)))


def negated(a: Signs) -> Signs:
    return frozenset(-x for x in a)


def to_the(a: Signs, exponent: int) -> Signs:
    """The signs of a whole power, exponent at least one."""
    return a if exponent % 2 else frozenset(x * x for x in a)


def of_number(value: Fraction) -> Signs:
    return POSITIVE_SIGN if value.numerator > 0 else NEGATIVE_SIGN if value.numerator < 0 else ZERO_SIGN


def certain_signs(poly: fmpq_mpoly, ranges: Mapping[int, Domain], depth: int = 2) -> Signs:
    """What can be said of the sign of `poly` when generator i lies in `ranges[i]`."""
    name = Named(poly)
    key = name, tuple([ranges[i] for i, degree in enumerate(name.degrees) if degree > 0]), depth
    known = _KNOWN.get(key)
    if known is None:
        if len(_KNOWN) >= REMEMBERED:
            _KNOWN.clear()
        with metered(WORK) as used:
            found = _signs(poly, ranges, depth)
        known = _KNOWN[key] = found, used()
    spend(known[1])
    return known[0]


def _signs(poly: fmpq_mpoly, ranges: Mapping[int, Domain], depth: int) -> Signs:
    try:
        found = _signs_by_terms(poly, ranges)
        return _quadratic_signs(poly, ranges, depth) if found == ANY_SIGN and depth else found
    except OutOfWork:
        raise
    except TooLarge:
        return ANY_SIGN


def _quadratic_signs(poly: fmpq_mpoly, ranges: Mapping[int, Domain], depth: int) -> Signs:
    """a x^2 + b x + c with a, c and 4 a c - b^2 of one sign has that sign, whatever the real x."""
    degrees = poly.degrees()
    for index in _used(poly):
        if degrees[index] != 2 or not _is_free(ranges[index]):
            continue
        parts = by_powers(poly, index)
        a, b, c = (parts.get(exponent, ZERO) for exponent in (2, 1, 0))
        if c.is_zero() or -1 in certain_signs(4 * product(a, c) - product(b, b), ranges, depth - 1):
            continue
        ends = certain_signs(a, ranges, depth - 1) | certain_signs(c, ranges, depth - 1)
        if ends <= frozenset({0, 1}):
            return frozenset({0, 1})
        if ends <= frozenset({-1, 0}):
            return frozenset({-1, 0})
    return ANY_SIGN


def vanishing(poly: fmpq_mpoly, ranges: Mapping[int, Domain]) -> dict[int, Fraction]:
    """Where `poly` is zero and none of its terms is negative every term is zero: the generators this fixes.

    A term is a product; with all but one of its quantities certainly not zero, that one is: its
    generator has then the value given. The far end of a closed interval is not reached by the
    substitution, so where there is one nothing is said.
    """
    used = _used(poly)
    if any(d.low is not None and d.high is not None and not d.high_open for d in (ranges[i] for i in used)):
        return {}
    shifted = _through_nonnegatives(poly, ranges, used)
    if shifted.is_zero() or not _common_sign(shifted, ranges, used):
        return {}
    strict = {i for i in used if not _is_free(ranges[i]) and _near_end_open(ranges[i])}
    found: dict[int, Fraction] = {}
    for monomial in shifted.monoms():
        loose = [i for i, exponent in enumerate(monomial) if exponent and i not in strict]
        if len(loose) == 1:
            domain = ranges[loose[0]]
            found[loose[0]] = domain.low if domain.low is not None else domain.high or Fraction(0)
    return found


def _signs_by_terms(poly: fmpq_mpoly, ranges: Mapping[int, Domain]) -> Signs:
    """The sign all terms share, written through nonnegative quantities; zero too unless some term is never zero."""
    used = _used(poly)
    shifted = _through_nonnegatives(poly, ranges, used)
    if shifted.is_zero():
        return ZERO_SIGN
    sign = _common_sign(shifted, ranges, used)
    if not sign:
        return ANY_SIGN
    strict = {i for i in used if not _is_free(ranges[i]) and _near_end_open(ranges[i])}
    certain = any(all(i in strict for i in used if m[i]) for m in shifted.monoms())
    return frozenset({sign}) if certain and _holds_at_far_ends(poly, ranges, used, sign) else frozenset({0, sign})


def _common_sign(shifted: fmpq_mpoly, ranges: Mapping[int, Domain], used: Sequence[int]) -> int:
    """The sign of every term where it is not zero; 0 where there is none."""
    coefficients = shifted.coeffs()
    positive = coefficients[0] > 0
    if any((c > 0) is not positive for c in coefficients):
        return 0
    free = [i for i in used if _is_free(ranges[i])]
    if free and any(m[i] % 2 for m in shifted.monoms() for i in free):
        return 0
    return 1 if positive else -1


def _holds_at_far_ends(poly: fmpq_mpoly, ranges: Mapping[int, Domain], used: Sequence[int], sign: int) -> bool:
    """The far end of a closed interval is not reached by the substitution: look at it apart."""
    for i in used:
        domain = ranges[i]
        if domain.low is not None and domain.high is not None and not domain.high_open:
            at_end = poly.subs({f"x{i}": fmpq(domain.high.numerator, domain.high.denominator)})
            if _signs_by_terms(at_end, ranges) != frozenset({sign}):
                return False
    return True


def _used(poly: fmpq_mpoly) -> list[int]:
    return [] if poly.is_constant() else [i for i, d in enumerate(poly.degrees()) if d > 0]


def _is_free(domain: Domain) -> bool:
    return domain.low is None and domain.high is None


def _near_end_open(domain: Domain) -> bool:
    return domain.low_open if domain.low is not None else domain.high_open


def _through_nonnegatives(poly: fmpq_mpoly, ranges: Mapping[int, Domain], used: Sequence[int]) -> fmpq_mpoly:
    """The polynomial, times positive powers of (1 + w), in nonnegative variables in place of the bounded ones."""
    spend(5 + len(poly))
    for i in used:
        domain = ranges[i]
        if _is_free(domain) or (domain.low == 0 and domain.high is None) or poly.is_zero():
            continue
        w = generator(i)
        if domain.low is not None and domain.high is not None:
            poly = _replace(poly, i, constant(domain.low) + domain_end(domain) * w, ONE + w)
        elif domain.low is not None:
            poly = _replace(poly, i, constant(domain.low) + w, ONE)
        else:
            poly = _replace(poly, i, domain_end(domain) - w, ONE)
    return poly


def domain_end(domain: Domain) -> fmpq_mpoly:
    assert domain.high is not None
    return constant(domain.high)


def _replace(poly: fmpq_mpoly, index: int, above: fmpq_mpoly, below: fmpq_mpoly) -> fmpq_mpoly:
    """`poly` with generator `index` replaced by above/below, times below to its degree."""
    parts = by_powers(poly, index)
    degree = max(parts)
    result = ZERO
    for exponent, part in parts.items():
        result = result + product(part, product(power(above, exponent), power(below, degree - exponent)))
    return result


def narrowed(domain: Domain, bound: Fraction, known: Signs) -> Domain:
    """The part of the domain where x - bound has a sign in `known`."""
    if -1 not in known and (domain.low is None or bound >= domain.low):
        open_end = 0 not in known or (bound == domain.low and domain.low_open)
        if domain.whole:
            return replace(domain, low=Fraction(floor(bound) + 1) if open_end else bound, low_open=False)
        return replace(domain, low=bound, low_open=open_end)
    if 1 not in known and (domain.high is None or bound <= domain.high):
        return replace(domain, high=bound, high_open=0 not in known or (bound == domain.high and domain.high_open))
    if 0 not in known and bound == domain.low:
        return narrowed(domain, bound, POSITIVE_SIGN)
    if 0 not in known and bound == domain.high:
        return narrowed(domain, bound, NEGATIVE_SIGN)
    return domain


def common(a: Domain, b: Domain) -> Domain:
    """The part of the line that is in both domains."""
    lows = [(d.low, d.low_open) for d in (a, b) if d.low is not None]
    highs = [(d.high, not d.high_open) for d in (a, b) if d.high is not None]
    low, low_open = max(lows, default=(None, False))
    high, closed = min(highs, default=(None, True))
    return Domain(low, high, low_open, not closed, a.whole or b.whole)


def is_empty(domain: Domain) -> bool:
    """Whether no number lies in the domain."""
    if domain.low is None or domain.high is None:
        return False
    if not domain.whole:
        return domain.low > domain.high or (domain.low == domain.high and (domain.low_open or domain.high_open))
    least = floor(domain.low) + 1 if domain.low_open else -floor(-domain.low)
    return least > domain.high or (least == domain.high and domain.high_open)
