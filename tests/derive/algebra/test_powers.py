"""Powers with any exponent are quantities of their own: equal where base and exponent are, and positive."""

from __future__ import annotations

import pytest

from derive.proving import Assumptions, identity
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE

GIVEN = Assumptions({"b": DECAY, "t": COUNTER, "c": NONNEGATIVE, "x": POSITIVE})


def status(left: str, right: str) -> str:
    sides = (read_expression(text, file="test") for text in (left, right))
    return identity([(next(sides), next(sides))], GIVEN).status


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1 - t**(-c) + t**(-c)", "1"),
        ("1**(-c)", "1"),
        ("sqrt(x**c * x**c)", "x**c"),
        ("exp(c * log(x))", "x**c"),
        ("where(x**c > 0, 1, 0)", "1"),
        ("t**0.8 + t**0.8", "2 * t**0.8"),
        ("where(cos(x) <= 1 and cos(x) >= -1 and sin(x) <= 1, 1, 0)", "1"),
    ],
)
def test_equal(left: str, right: str) -> None:
    assert status(left, right) == "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x**c", "x**(c + 1)"),
        ("x**c", "-x**c"),
        ("0**c", "0"),
        ("b**c", "b**t"),
        ("where(x**c >= 1, 1, 0)", "1"),
        ("where(cos(x) < 0.9, 1, 0)", "1"),
    ],
)
def test_not_equal(left: str, right: str) -> None:
    assert status(left, right) != "proved"


def test_laws_of_exponents_are_left_open() -> None:
    assert status("x**c * x**c", "x**(2 * c)") == "unknown"
