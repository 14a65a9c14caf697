"""Expressions: what is written is what is read, and reading what is printed gives the same expression."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply, to_text
from derive.library import LIBRARY
from derive.reading.python.expressions import read_expression

numbers = st.one_of(
    st.integers(-50, 50).map(Fraction), st.decimals(-9, 9, places=3).map(Fraction), st.just(Fraction("1e-8"))
)
leaves = st.one_of(st.sampled_from(["theta", "g", "m"]).map(Symbol), numbers.map(Number))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.1 + 1e-8", "0.1 + 1e-08"),
        ("-2 * -x", "-2 * -x"),
        ("-x**2", "-x**2"),
        ("2**-x", "2**(-x)"),
        ("(a - b) - (c - d)", "a - b - (c - d)"),
        ("a / (b / c) / d", "a / (b / c) / d"),
        ("0 < a < b <= 1", "0 < a and a < b and b <= 1"),
        ("a if b < 0 else c", "where(b < 0, a, c)"),
        ("max(a, b, c)", "max(max(a, b), c)"),
        ("sqrt(a) + exp(log(b)) + tanh(cbrt(c))", "sqrt(a) + exp(log(b)) + tanh(cbrt(c))"),
        ("where(a == b, minimum(a, 1), maximum(b, 2))", "where(a == b, min(a, 1), max(b, 2))"),
        ("not (a < b or a != c)", "not (a < b or a != c)"),
        ("1 - 3*sqrt(2)/5", "1 - 3 * sqrt(2) / 5"),
    ],
)
def test_reading(text: str, printed: str) -> None:
    assert to_text(read_expression(text)) == printed


def test_a_decimal_is_what_its_author_meant() -> None:
    assert read_expression("0.9") is Number(Fraction(9, 10))
    assert read_expression("0.90000000000000002") is Number(Fraction(9, 10))
    assert read_expression("1e-8") is Number(Fraction(1, 10**8))
    assert read_expression("-0.5") is Number(Fraction(-1, 2))


@pytest.mark.parametrize(
    "text", ["", "a = 1", "a; b", "f(x)(y)", "__import__('os')", "x.__class__", "'text'", "x if y else z"]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(UserError):
        read_expression(text)


def test_only_the_names_given() -> None:
    assert to_text(read_expression("lr * (1 - beta)", ("lr", "beta"))) == "lr * (1 - beta)"
    with pytest.raises(UserError, match="unknown name 'bet'"):
        read_expression("lr * (1 - bet)", ("lr", "beta"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr*(1-beta", "'lr*(1-beta' can't be read: '(' was never closed; write it as in Python: lr * (1 - beta)"),
        ("lr = beta", "'lr = beta' can't be read: it is not one expression; write it as in Python: lr * (1 - beta)"),
        ("lr*bet", "'lr*bet' can't be read: unknown name 'bet'; the names are lr, beta"),
        ("lr^2", "'lr^2' can't be read: the operator in 'lr ^ 2' can't be read; use +, -, *, / or **"),
    ],
)
def test_an_error_shows_the_expression_and_no_line(text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        read_expression(text, ("lr", "beta"))
    assert str(error.value) == f"expression: {said}"


def _larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    one = st.sampled_from(["sqrt", "abs", "sign", "exp", "log", "expm1", "log1p", "tanh", "cbrt", "sin", "cos"])
    two = st.sampled_from(["add", "sub", "mul", "div", "pow", "min", "max"])
    compare = st.sampled_from(["lt", "le", "gt", "ge", "eq", "ne"])
    truth = st.builds(apply, compare, inner, inner)
    truth = st.one_of(
        truth, st.builds(apply, st.just("not"), truth), st.builds(apply, st.sampled_from(["and", "or"]), truth, truth)
    )
    return st.one_of(
        st.builds(apply, one, inner),
        st.builds(apply, two, inner, inner),
        st.builds(apply, st.just("neg"), inner.filter(lambda e: not isinstance(e, Number))),
        st.builds(apply, st.just("where"), truth, inner, inner),
    )


@given(st.recursive(leaves, _larger, max_leaves=12))
def test_reading_what_is_printed_gives_the_same_expression(value: Expr) -> None:
    assert read_expression(to_text(value), ("theta", "g", "m")) is value


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda r: r.name)
def test_the_steps_of_the_library_are_read_back(rule) -> None:  # type: ignore[no-untyped-def]
    for value in rule.step.values():
        assert read_expression(to_text(value)) is value
