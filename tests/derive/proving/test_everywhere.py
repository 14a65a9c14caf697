"""Conditions over boxes of numbers: what is shown, what is refuted, and what the checker must not take."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.evaluate import enclosed
from derive.expr import Expr
from derive.proving.certificate import Everywhere, Halves
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import everywhere
from derive.reading.python.expressions import read_expression
from derive.rule import REAL, Domain

STEP_FACTOR = "(1 - (9/10)**t) / sqrt(1 - (999/1000)**t)"


def steps(first: int, last: int | None = None) -> Domain:
    return Domain(Fraction(first), None if last is None else Fraction(last), whole=True)


def formula(text: str) -> Expr:
    return read_expression(text, file="test")


@pytest.mark.parametrize(
    ("condition", "box"),
    [
        ("exp(-1) > 0.3678", {}),
        (f"{STEP_FACTOR} <= 6.57", {"t": steps(1)}),
        (f"{STEP_FACTOR} <= 1.05", {"t": steps(2375)}),
        ("b**(1/(1 - b)) < exp(-1)", {"b": Domain(Fraction(1, 100), Fraction(99, 100))}),
        ("1/t <= 1/2", {"t": steps(2)}),
        ("min(t/10, 1) <= 1 and max(t, 3) >= 3", {"t": steps(1)}),
        (f"{STEP_FACTOR} * min(1, t/2375) <= 1.05", {"t": steps(1)}),
        (f"{STEP_FACTOR} * where(t < 2375, t/2375, 1) <= 1.05", {"t": steps(1)}),
        ("x*(1 - x) <= 0.2501", {"x": Domain(Fraction(0), Fraction(1))}),
        ("where(b >= 1/10 and b <= 0.999, b**(1/(1 - b)), 0) < 1/2", {"b": Domain(Fraction(0), Fraction(1))}),
        ("where(x > 0.3, 1, 2) > 0.9", {"x": Domain(Fraction(0), Fraction(1))}),
        ("where(not x > 0.3, 1, where(x > 0.3 or x < 0.1, 2, 0)) > -1", {"x": Domain(Fraction(0), Fraction(1))}),
    ],
)
def test_shown(condition: str, box: dict[str, Domain]) -> None:
    assert everywhere(formula(condition), box)


@pytest.mark.parametrize(
    ("condition", "box", "where"),
    [
        ("min(t/10, 2) <= 1", {"t": steps(1)}, "t = "),
        (f"{STEP_FACTOR} * min(1, t/1000) <= 1.05", {"t": steps(1)}, "t = "),
        (f"{STEP_FACTOR} <= 1.05", {"t": steps(2374)}, "t = 2374"),
        ("x*(1 - x) < 0.24", {"x": Domain(Fraction(0), Fraction(1))}, "x = "),
        ("exp(-1) > 0.3679", {}, ""),
    ],
)
def test_refuted_by_a_point(condition: str, box: dict[str, Domain], where: str) -> None:
    verdict = everywhere(formula(condition), box)
    assert verdict.status == "refuted"
    assert where in verdict.message


@pytest.mark.parametrize(
    ("condition", "box"),
    [
        ("(1 - t)*0.5**t < 1", {"t": steps(1)}),  # a product of what grows with what fades is not understood
        ("x**2 - 2*x + 1 >= 0", {"x": Domain(Fraction(0), Fraction(3))}),  # touches zero at x = 1
        ("x == x", {"x": REAL}),
    ],
)
def test_left_open(condition: str, box: dict[str, Domain]) -> None:
    assert everywhere(formula(condition), box, most=200).status == "unknown"


@pytest.mark.parametrize(
    ("condition", "box", "cells"),
    [
        ("1/t <= 1/3", {"t": steps(2)}, None),
        ("t <= 5", {"t": steps(1)}, Halves("t", Fraction(5), None, None)),
        ("x < 1", {"x": Domain(Fraction(0), Fraction(1))}, None),  # ends count
        ("x < y", {"x": Domain(Fraction(0), Fraction(1))}, None),
        ("x >= 0", {"x": Domain(Fraction(0), Fraction(1))}, Halves("x", Fraction(2), None, None)),
        ("1/x > 0", {"x": Domain(Fraction(0), Fraction(1))}, None),  # undefined at an end
    ],
)
def test_the_checker_says_no(condition: str, box: dict[str, Domain], cells: Halves | None) -> None:
    with pytest.raises(Rejected):
        Checked(Everywhere(formula(condition), box, cells))


@given(
    base=st.fractions(0, Fraction(99, 100), max_denominator=100),
    scale=st.fractions(-3, 3, max_denominator=10),
    bound=st.fractions(-2, 2, max_denominator=20),
    first=st.integers(1, 5),
)
def test_what_is_shown_holds_at_every_step_tried(base: Fraction, scale: Fraction, bound: Fraction, first: int) -> None:
    condition = formula(f"({scale})*({base})**(t + 1) + 1/t < ({bound})")
    verdict = everywhere(condition, {"t": steps(first)}, most=300)
    tried = [enclosed([condition], {"t": Fraction(t)})[0] for t in (*range(first, first + 30), 1000)]
    assert verdict.status != "proved" or all(value is True for value in tried)
    assert verdict.status != "refuted" or any(value is False for value in tried)


@pytest.mark.parametrize(
    "condition",
    [
        "where(log(x) < -1, 1, 2) >= 1",  # log(0) has no value, whichever branch is taken
        "where(x > 0.3, 1/(x - 0.6), 1) <= 9",
        "where(x > 0.3, log(x), 1) <= 2 and 1/x > 0",
        "where(x >= 0.3, 1, 2) >= 2",
        "where(x > 0.3 and x < 0.4, 0, 1) >= 1",
    ],
)
def test_an_open_branch_does_not_hide_what_fails(condition: str) -> None:
    assert not everywhere(formula(condition), {"x": Domain(Fraction(0), Fraction(1))})
