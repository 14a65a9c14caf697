"""The graph: one object for one expression, and numbers as people write them."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply, as_expr, decimal_text, fold, nodes, substitute, symbols, to_text
from derive.reading.python.expressions import read_expression


@given(st.integers(), st.integers(min_value=0, max_value=30))
def test_a_decimal_is_exact(numerator: int, digits: int) -> None:
    value = Fraction(numerator, 10**digits)
    assert Fraction(decimal_text(value) or "") == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1/100000000", "1e-08"), ("0.999", "0.999"), ("-1/3", None), (str(10**400), str(10**400)),
        ("4722366482869645213697/8", "590295810358705651712.125"), (f"1/{2**40 * 5}", None),
        ("-10000000000000000000.5", "-10000000000000000000.5"),
    ],
)  # fmt: skip
def test_decimals(value: str, text: str | None) -> None:
    assert decimal_text(Fraction(value)) == text


def test_equal_expressions_are_one_object_and_survive_copies() -> None:
    made = [apply("sqrt", Symbol("a") + Fraction(1, 2)) for _ in range(2)]
    assert made[0] is made[1]
    assert copy.deepcopy(made[0]) is made[0]
    assert pickle.loads(pickle.dumps(made[0])) is made[0]


def test_nothing_is_simplified_and_floats_are_refused() -> None:
    assert to_text(Symbol("a") - Symbol("a")) == "a - a"
    with pytest.raises(TypeError, match="not an exact number"):
        as_expr(0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="add takes 2 arguments, not 1"):
        apply("add", 1)


def test_substitution_is_simultaneous() -> None:
    a, b = Symbol("a"), Symbol("b")
    assert substitute([a / b], {"a": b, "b": a}) == [b / a]


def test_shared_nodes_are_visited_once_and_arguments_come_first() -> None:
    deep = Symbol("a") + 1
    for _ in range(100):
        deep = deep * deep
    seen = nodes([deep])
    assert len(seen) == 103
    assert seen[-1] is deep
    assert symbols(deep) == {"a"}
    assert fold([deep], symbol=lambda s: 0, number=lambda n: 0, apply=lambda n, args: 1 + max(args)) == [101]


def test_text_has_no_more_brackets_than_it_needs() -> None:
    a, b = Symbol("a"), Symbol("b")
    shown = [a - (b - 1), (a - b) - 1, a / (b * 2), (a * b) / 2, (-a) ** 2, -(a**2), a ** (b**2), a * Fraction(-1, 3)]
    assert [to_text(e) for e in shown] == [
        "a - (b - 1)", "a - b - 1", "a / (b * 2)", "a * b / 2", "(-a)**2", "-a**2", "a**b**2", "a * (-1/3)",
    ]  # fmt: skip
    assert Number(Fraction(-1, 3)) is not Number(-1) / 3


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("add", (apply("gt", Symbol("x"), 0), Number(1))),
        ("sqrt", (apply("not", apply("gt", Symbol("x"), 0)),)),
        ("where", (Number(1), Symbol("x"), Symbol("y"))),
        ("where", (apply("gt", Symbol("x"), 0), apply("gt", Symbol("x"), 0), Symbol("y"))),
        ("and", (apply("gt", Symbol("x"), 0), Symbol("x") + 1)),
    ],
)
def test_numbers_and_truth_values_are_kept_apart(op: str, args: tuple[Expr, ...]) -> None:
    with pytest.raises(TypeError, match="takes no"):
        apply(op, *args)


def test_a_shared_graph_is_not_written_out_without_end() -> None:
    node: Expr = Symbol("a")
    for _ in range(60):
        node = node + node
    assert len(to_text(node)) < 100_000
    with pytest.raises(UserError):
        read_expression(to_text(node))


def test_numbers_of_any_size_are_written() -> None:
    number = Number(Fraction(7**9999, 3))
    assert to_text(number).startswith("(0x")
