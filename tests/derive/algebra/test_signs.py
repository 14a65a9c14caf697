"""Certain signs: what is claimed must hold at every point of the ranges, ends included."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

from flint import fmpq_mpoly
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.polynomials import RING, as_fraction, constant, generator
from derive.algebra.signs import certain_signs, plus, vanishing
from derive.expr import Expr, Symbol, apply
from derive.library.lookup import find_rule
from derive.proving import Assumptions, identity, invariants
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, REAL, UNIT, Domain

x, y, z = generator(0), generator(1), generator(2)
ABOVE_TWO = Domain(low=Fraction(2))
BELOW_ONE = Domain(high=Fraction(1))
OPEN = Domain(low=Fraction(0), high=Fraction(1), low_open=True, high_open=True)
DOMAINS = [REAL, NONNEGATIVE, POSITIVE, DECAY, UNIT, ABOVE_TWO, BELOW_ONE, OPEN]
POINTS = [Fraction(n, 4) for n in range(-12, 17)]


def evaluated(poly: fmpq_mpoly, point: tuple[Fraction, ...]) -> Fraction:
    total = Fraction(0)
    for monomial, coefficient in poly.to_dict().items():
        term = as_fraction(coefficient)
        for value, exponent in zip(point, monomial, strict=False):
            term *= value ** int(exponent)
        total += term
    return total


POLYNOMIALS = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)),
    st.integers(-3, 3).filter(bool),
    min_size=1,
    max_size=5,
).map(lambda terms: RING.from_dict({(*m, *(0,) * (RING.nvars() - 3)): c for m, c in terms.items()}))
RANGES = st.tuples(*[st.sampled_from(DOMAINS)] * 3)


def points(ranges: tuple[Domain, ...]) -> st.SearchStrategy[tuple[Fraction, ...]]:
    return st.tuples(*(st.sampled_from([p for p in POINTS if p in d]) for d in ranges))


@given(POLYNOMIALS, RANGES, st.data())
def test_a_claimed_sign_is_the_sign_everywhere(
    poly: fmpq_mpoly, ranges: tuple[Domain, ...], data: st.DataObject
) -> None:
    claimed = certain_signs(poly, dict(enumerate(ranges)))
    value = evaluated(poly, data.draw(points(ranges)))
    assert (value > 0) - (value < 0) in claimed


@given(POLYNOMIALS, RANGES, st.data())
def test_what_vanishes_with_a_sum_does(poly: fmpq_mpoly, ranges: tuple[Domain, ...], data: st.DataObject) -> None:
    fixed = vanishing(poly, dict(enumerate(ranges)))
    point = data.draw(points(ranges))
    if evaluated(poly, point) == 0:
        assert all(point[index] == value for index, value in fixed.items())


def test_known_signs() -> None:
    ranges = {0: DECAY, 1: REAL, 2: NONNEGATIVE}
    assert certain_signs(constant(1) - x, ranges) == {1}
    assert certain_signs(x, ranges) == {0, 1}
    assert certain_signs(y * y + z, ranges) == {0, 1}
    assert certain_signs(y * y + 1, ranges) == {1}
    assert certain_signs(y, ranges) == {-1, 0, 1}
    assert certain_signs(x * x - x, ranges) == {-1, 0}
    assert certain_signs(y * y + y + 1, ranges) == {0, 1}


def test_a_closed_end_is_an_end() -> None:
    """1 - u vanishes at u = 1, where (1 - u) z + u y does not need z = 0."""
    assert certain_signs(constant(1) - x, {0: UNIT}) == {0, 1}
    poly = (constant(1) - x) * z + x * y
    assert vanishing(poly, {0: UNIT, 1: NONNEGATIVE, 2: NONNEGATIVE}) == {}
    assert vanishing(poly, {0: OPEN, 1: NONNEGATIVE, 2: NONNEGATIVE}) == {1: 0, 2: 0}
    u, v, w = map(Symbol, "uvw")
    quotient = 1 / ((1 - u) * w + u * v)
    assumed = Assumptions({"u": UNIT, "v": NONNEGATIVE, "w": NONNEGATIVE})
    assert not identity([(quotient, quotient + 0 / w)], assumed)


def test_a_vanishing_root_takes_its_terms_along() -> None:
    """sqrt(s + g^2) + eps and sqrt(s + g^2 + eps) vanish together, where s = g = eps = 0."""
    s, g, eps = map(Symbol, ("s", "g", "eps"))
    total = s + g**2
    assumed = Assumptions({"s": NONNEGATIVE, "eps": NONNEGATIVE})
    pair = (0 / (apply("sqrt", total) + eps), 0 / apply("sqrt", total + eps))
    assert identity([pair], assumed)
    assert not identity([(pair[0], 0 / apply("sqrt", total))], assumed)


def test_signs_of_a_sum() -> None:
    """Against numbers of every sign and of two sizes."""
    numbers = {-1: (-1, -3), 0: (0,), 1: (1, 3)}
    sets = [frozenset(s) for n in range(1, 4) for s in combinations((-1, 0, 1), n)]
    for a, b in product(sets, sets):
        sums = {p + q for s in a for t in b for p in numbers[s] for q in numbers[t]}
        assert plus(a, b) >= {(s > 0) - (s < 0) for s in sums}
    assert plus(frozenset({0, 1}), frozenset({1})) == frozenset({1})
    assert plus(frozenset({1}), frozenset({-1})) == frozenset({-1, 0, 1})


def test_what_a_case_knows_decides_sums() -> None:
    """v - (1 - b) sign(v - w) w is never negative for w >= 0; with a factor above one, or a plus, it may be."""
    v, w, b = Symbol("v"), Symbol("w"), Symbol("b")
    known = Assumptions({"v": NONNEGATIVE, "w": NONNEGATIVE, "b": DECAY})

    def never_negative(value: Expr) -> bool:
        return bool(identity([(apply("max", value, 0), value)], known))

    side = apply("sign", v - w)
    assert never_negative(v - (1 - b) * side * w)
    assert never_negative(apply("where", apply("gt", v, w), v - w, w - v) + b)
    assert not never_negative(v - (2 - b) * side * w)
    assert not never_negative(v + (1 - b) * side * w)


def test_a_kept_second_moment_is_proved_nonnegative_case_by_case() -> None:
    assert invariants(find_rule("yogi")) == {"v": NONNEGATIVE}


def test_a_range_that_is_one_point() -> None:
    """Written through its ends, a polynomial that is zero there has no terms left."""
    at_one = Domain(low=Fraction(1), high=Fraction(1))
    assert certain_signs((x - 1) * (y + 2), {0: at_one, 1: POSITIVE}) == frozenset({0})
