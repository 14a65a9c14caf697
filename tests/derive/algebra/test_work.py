"""Counted work: the same limit every time, inside one another, whatever was asked before."""

from __future__ import annotations

import pytest
from flint import fmpq_mpoly

from derive.algebra.facts import Assumptions
from derive.algebra.polynomials import _FACTORED, constant, factors, generator, power, product
from derive.algebra.signs import _KNOWN
from derive.algebra.work import _ALLOWANCE, OutOfWork, TooLarge, _Allowance, apart, bounded, spend
from derive.expr import Expr, Number, Symbol, apply
from derive.proving.search import Undecided, propose_identity

x, y = generator(0), generator(1)


def test_nobody_counts_outside() -> None:
    spend(10**12)


def test_a_limit_is_kept() -> None:
    with bounded(10):
        spend(10)
        with pytest.raises(OutOfWork):
            spend(1)


def test_inner_work_counts_outside() -> None:
    with bounded(10):
        with bounded(100):
            spend(8)
        with pytest.raises(OutOfWork):
            spend(3)


def test_an_inner_limit_is_no_larger_than_what_is_left() -> None:
    with bounded(10), bounded(100), pytest.raises(OutOfWork):
        spend(11)


def test_work_apart_is_not_charged() -> None:
    with bounded(10):
        with apart(100):
            spend(90)
        spend(10)


def test_what_is_left_is_right_after_a_failure() -> None:
    with bounded(10):
        with pytest.raises(OutOfWork), bounded(4):
            spend(5)
        spend(5)
        with pytest.raises(OutOfWork):
            spend(1)


def units(claim: tuple[Expr, Expr]) -> int:
    allowance = _Allowance(10**9)
    token = _ALLOWANCE.set(allowance)
    try:
        propose_identity((claim,), Assumptions())
    finally:
        _ALLOWANCE.reset(token)
    return 10**9 - allowance.left


def test_what_is_remembered_is_charged_all_the_same() -> None:
    a, b = Symbol("a"), Symbol("b")
    claim = (apply("sqrt", (a + b) ** 2 * (a - b) ** 4), apply("abs", a + b) * (b - a) ** 2)
    _FACTORED.clear()
    _KNOWN.clear()
    first = units(claim)
    assert first == units(claim) > 100
    assert type(first) is int


def test_factors_multiply_back_and_are_remembered_by_value() -> None:
    poly = product(power(x + y, 3), x - 2)
    scale, parts = factors(poly)
    assert scale == 1
    assert sorted(e for _, e in parts) == [1, 3]
    assert factors(product(power(x + y, 3), x - 2)) is factors(poly)


@pytest.mark.parametrize("poly", [constant(2), x + constant(3)])
def test_numbers_do_not_grow_without_bound(poly: fmpq_mpoly) -> None:
    def squared_often(poly: fmpq_mpoly) -> None:
        for _ in range(64):
            poly = product(poly, poly)

    with pytest.raises(TooLarge):
        squared_often(poly)


def test_many_cases_end_in_bounded_work() -> None:
    """Each size doubles the cases; none of the limits is a clock."""
    total: Expr = Number(0)
    for index in range(40):
        total = total + apply("abs", Symbol(f"a{index}") + Symbol(f"a{(index * 7 + 1) % 40}"))
    messages = set()
    for _ in range(2):
        with pytest.raises(Undecided) as caught:
            propose_identity(((total, total + 0 * total),), Assumptions())
        messages.add(str(caught.value))
    assert len(messages) == 1
