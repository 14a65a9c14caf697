"""Closed forms guessed from values: right where there is one, and none where there is none."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from derive.deriving.averages.plain import plain, simplest
from derive.deriving.averages.sequences import polynomial, values_of
from derive.expr import Number, Symbol, apply
from derive.proving import Assumptions
from derive.rule import DECAY
from tests.derive.deriving.averages.runs import at

T, X = Symbol("t"), Symbol("x")


@given(st.lists(st.fractions(min_value=-9, max_value=9, max_denominator=9), max_size=6))
def test_a_polynomial_is_found_from_its_values(coefficients: list[Fraction]) -> None:
    values = [sum((c * n**k for k, c in enumerate(coefficients)), Fraction(0)) for n in range(20)]
    found = polynomial(values, T)
    assert found is not None
    assert at(found, {"t": 31}) == sum(c * 31**k for k, c in enumerate(coefficients))


def test_what_is_no_polynomial_is_none() -> None:
    assert polynomial([Fraction(2) ** n for n in range(30)], T) is None
    assert polynomial([Fraction(1, n + 1) for n in range(30)], T) is None


def test_values_need_numbers() -> None:
    assert values_of(1 / T, "t", 3) == [1, Fraction(1, 2), Fraction(1, 3)]
    assert values_of(X * T, "t", 3) is None
    assert values_of(1 / (T - 2), "t", 3) is None


def test_plainly() -> None:
    assert plain(0 * X + 1 * T - 0) is T
    assert plain(apply("where", apply("eq", T, 1), X, X)) is X
    assert plain(Number(1) / Number(3) + T / 1) is Number(Fraction(1, 3)) + T


def test_the_simplest_form_is_the_same_everywhere() -> None:
    """x^t/x is shorter than x^(t-1)... and says nothing at zero: it is not taken."""
    unit = Assumptions({"x": DECAY})
    assert simplest(1 - (1 - X), unit) is X
    whole = X * X / X
    assert simplest(whole, unit) is not X
