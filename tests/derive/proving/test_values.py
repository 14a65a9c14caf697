"""Values for a reader: exact with a decimal beside, or why there is none; and where in the run that began."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import ball
from derive.expr import Expr, Number, apply
from derive.ops import Undefined
from derive.proving.replay import Replayed, Separation
from derive.proving.runs import evaluated
from derive.proving.values import described, rational
from derive.reading.read import read_text
from derive.rule import Rule

SIGNS = """
def plain(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g / 1

def counted_from_zero(theta, g, t, *, lr=nonnegative(0.1)):
    spare = 1 / (1 + g**2)
    scale = 1 / (t - 1)
    shown = scale + spare
    theta = theta - lr * g * shown
    return theta

def chosen(theta, g, *, lr=nonnegative(0.1)):
    inverse = 1 / (g - 1)
    theta = theta - lr * (g if g == 1 else inverse)
    return theta

def hidden(theta, g, m=0, *, lr=nonnegative(0.1)):
    m = 1 / (g - 1)
    theta = theta - lr * g
    return theta, m
"""


def rule(name: str) -> Rule:
    return read_text(SIGNS, name, "signs.py")


def separation(a: str, b: str, gradient: int = 1) -> Replayed:
    lr = {"lr": Fraction(1)}
    return Replayed(Separation(rule(a), rule(b), lr, lr, Fraction(1), (Fraction(gradient),)))


@given(st.fractions(max_denominator=10**6))
def test_a_rational_is_itself(value: Fraction) -> None:
    shown = rational(value)
    assert str(shown) == str(value)
    assert shown.document() == {"exact": str(value), "decimal": float(value)}


def test_long_numbers_are_written_by_their_first_digits() -> None:
    assert str(rational(Fraction(1, 3**300))) == "7.3050566e-144"
    assert Fraction(rational(Fraction(1, 3**300)).exact or "") == Fraction(1, 3**300)
    beyond = rational(Fraction(10**5000))
    assert (str(beyond), beyond.exact, beyond.decimal) == ("1.0000000e+5000", None, None)


@pytest.mark.parametrize(
    ("expr", "text", "exact"),
    [
        (apply("sqrt", 8), "2 * sqrt(2) = 2.8284271", "2 * sqrt(2)"),
        (apply("sqrt", 8) * apply("sqrt", 2), "4", "4"),
    ],
    ids=str,
)
def test_an_irrational_number_has_a_form_and_a_decimal(expr: Expr, text: str, exact: str) -> None:
    [value] = evaluated([expr])
    assert str(described(value, expr)) == text
    assert described(value, expr).exact == exact


def test_a_form_too_long_to_read_is_left_to_documents() -> None:
    total: Expr = Number(0)
    for n in (2, 3, 5, 7, 11, 13, 17, 19):
        total = total + apply("sqrt", n)
    [value] = ball([total], {})
    shown = described(value, total)
    assert str(shown) == "23.432264"
    assert (shown.exact or "").count("sqrt") == 8


def test_why_there_is_no_value() -> None:
    shown = described(Undefined("division by zero"), Number(0), line=7)
    assert str(shown) == shown.document() == "undefined: division by zero, line 7"


def test_an_undefined_value_names_the_line_where_it_began() -> None:
    """`shown` and `theta` are undefined too; line 7 is where the division stands."""
    found = separation("plain", "counted_from_zero", gradient=2)
    assert found.document()["actual"] == "undefined: division by zero, line 7"
    assert found.message().endswith("undefined (division by zero, line 7) in counted_from_zero")


def test_a_value_that_nobody_uses_ends_the_run_all_the_same() -> None:
    found = separation("plain", "hidden").document()
    assert (found["name"], found["expected"], found["actual"]) == (
        "m", "defined", "undefined: division by zero, line 18",
    )  # fmt: skip


def test_a_branch_that_is_not_taken_ends_nothing() -> None:
    """At g = 1 `inverse` has no value and is not used."""
    found = separation("chosen", "counted_from_zero").document()
    assert found["expected"]["exact"] == "0"
