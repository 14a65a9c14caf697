"""Exact values, the balls around them, and what is undefined."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from typing import Any

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import QUERY, ball, exact, trajectory, unrolled
from derive.expr import Apply, Expr, Number, Symbol, apply, fold, to_text
from derive.library import LIBRARY
from derive.ops import OPS, Inexact, Undefined
from derive.reading.python.expressions import read_expression
from derive.rule import Rule

RULES = {rule.name: rule for rule in LIBRARY}
NAMES = ("a", "b", "c")
small = st.fractions(min_value=-3, max_value=3, max_denominator=6)
points = st.fixed_dictionaries(dict.fromkeys(NAMES, small))

_leaves = st.sampled_from(NAMES).map(Symbol) | small.map(Number)
_ONE = ("neg", "sqrt", "abs", "norm", "global_norm", "sign", "floor", "exp", "log", "expm1", "log1p", "tanh", "cbrt",
        "sin", "cos", "cast")  # fmt: skip
_TWO = ("add", "sub", "mul", "div", "pow", "min", "max")


def _larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    truths = st.builds(apply, st.sampled_from(("lt", "le", "gt", "ge", "eq", "ne")), inner, inner)
    conditions = truths | st.builds(apply, st.sampled_from(("and", "or")), truths, truths)
    return (
        st.builds(apply, st.sampled_from(_ONE), inner)
        | st.builds(apply, st.sampled_from(_TWO), inner, inner)
        | st.builds(apply, st.just("where"), conditions | truths.map(lambda c: apply("not", c)), inner, inner)
    )


expressions: st.SearchStrategy[Expr] = st.recursive(_leaves, _larger, max_leaves=8)


def values_of(text: str, **values: int | Fraction) -> Any:
    [value] = exact([read_expression(text)], {name: Fraction(v) for name, v in values.items()})
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3 + 1/6", "1/2"),
        ("2**-3", "1/8"),
        ("0**0", "1"),
        ("4**(3/2)", "8"),
        ("(8/27)**(-2/3)", "9/4"),
        ("0**(1/3)", "0"),
        ("cbrt(-8/125)", "-2/5"),
        ("cbrt(10**60)", str(10**20)),
        ("cbrt(7**900)", str(7**300)),
        ("sqrt((10**400 + 1)**2)", str(10**400 + 1)),
        ("exp(0) + log(1) + cos(0)", "2"),
        ("where(1 > 2, 1/0, 5)", "5"),
        ("sign(-3) * abs(-2) + max(1, 2) * min(1, 2)", "0"),
        ("0**-1", "undefined: division by zero"),
        ("1/0", "undefined: division by zero"),
        ("sqrt(-1)", "undefined: square root of a negative number"),
        ("(-8)**(1/3)", "undefined: power of a negative number"),
        ("log(0)", "undefined: logarithm of a number that is not positive"),
        ("0 * (1/0)", "undefined: division by zero"),
        ("where(1/0 > 1, 1, 1)", "undefined: division by zero"),
        ("where(1 > 2 and 1/0 > 1, 1, 2)", "2"),
        ("where(1/0 > 1 and 1 > 2, 1, 2)", "undefined: division by zero"),
        ("sqrt(2) / 0", "inexact: an irrational square root"),
        ("sqrt(2) + 1/0", "undefined: division by zero"),
        ("sqrt(2)", "inexact: an irrational square root"),
        ("2**(1/2)", "inexact: a power with an irrational value"),
        ("(3/2)**(10**9)", "inexact: a power too large for exact arithmetic"),
        ("where(sqrt(2) > 1, 1, 1)", "inexact: an irrational square root"),
    ],
)
def test_exact_values(text: str, expected: str) -> None:
    value = values_of(text)
    shown = f"{type(value).__name__.lower()}: {value.reason}" if isinstance(value, Undefined | Inexact) else str(value)
    assert shown == expected


def test_repeated_squares_stop_before_they_fill_the_memory() -> None:
    square: Expr = Number(3)
    for _ in range(60):
        square = square * square
    assert exact([square], {}) == [Inexact("a number too large for exact arithmetic")]


@given(expressions, points)
def test_the_ball_contains_the_exact_value(expression: Expr, values: dict[str, Fraction]) -> None:
    [value], [around] = exact([expression], values), ball([expression], values)
    if isinstance(value, Fraction):
        assert isinstance(around, Inexact) or _contains(around, value)
    elif isinstance(value, Undefined):
        # Exact arithmetic knows where it cannot be defined; a ball may not know, but never has a value.
        assert isinstance(around, Undefined | Inexact)


@given(expressions, points)
def test_more_bits_never_contradict_fewer(expression: Expr, values: dict[str, Fraction]) -> None:
    [rough], [fine] = ball([expression], values, bits=40), ball([expression], values, bits=200)
    if isinstance(rough, Undefined):
        assert isinstance(fine, Undefined | Inexact)
    elif not isinstance(rough, Inexact | bool) and not isinstance(fine, Undefined | Inexact | bool):
        assert rough.overlaps(fine)


@given(expressions, points)
def test_balls_are_what_they_say(expression: Expr, values: dict[str, Fraction]) -> None:
    [around] = ball([expression], values)
    assert isinstance(around, Undefined | Inexact | bool) or around.is_finite()


def without_casts(expression: Expr) -> Expr:
    """The rule language has no casts."""

    def itself(leaf: Expr) -> Expr:
        return leaf

    def kept(node: Apply, args: tuple[Expr, ...]) -> Expr:
        return args[0] if node.op == "cast" else apply(node.op, *args)

    [found] = fold([expression], symbol=itself, number=itself, apply=kept)
    return found


@given(expressions, points)
def test_the_text_of_an_expression_means_the_same(expression: Expr, values: dict[str, Fraction]) -> None:
    uncast = without_casts(expression)
    again = read_expression(to_text(uncast), NAMES)
    assert exact([again], values) == exact([uncast], values)


def test_a_ball_without_bounds_is_no_value() -> None:
    tower: Expr = Number(50)
    for _ in range(6):
        tower = apply("exp", tower)
    assert ball([tower], {}) == [Inexact("a ball without bounds")]


def test_precision_is_restored_after_an_error_and_between_threads() -> None:
    before = flint.ctx.prec
    with pytest.raises(UserError, match="'x' has no value"):
        ball([Symbol("x")], {}, bits=999)
    assert flint.ctx.prec == before

    def width(bits: int) -> float:
        third: Any = ball([Number(1) / 3], {}, bits)[0]
        return float(third.rad()) * 2.0**bits

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(width, [60, 400] * 50)) <= 2.0
    assert flint.ctx.prec == before


def test_a_shared_subexpression_is_evaluated_once() -> None:
    deep: Expr = Symbol("a")
    for _ in range(2000):
        deep = (deep + deep) / 2
    assert exact([deep], {"a": Fraction(5)}) == [5]


def test_a_trajectory_starts_at_the_initial_state_and_keeps_every_name() -> None:
    steps = trajectory(RULES["momentum"], {"lr": Fraction(1), "beta": Fraction(1, 2)}, Fraction(0), [1, 1])
    assert steps == ({"theta": -1, "v": 1}, {"theta": Fraction(-5, 2), "v": Fraction(3, 2)})


def test_a_query_point_is_that_before_the_step() -> None:
    steps = trajectory(RULES["nesterov"], {"lr": 1, "beta": Fraction(1, 2)}, 0, [1, 1])
    assert [step[QUERY] for step in steps] == [0, Fraction(-3, 2)]


def test_defaults_stand_in_and_averages_take_inputs() -> None:
    assert trajectory(RULES["ewma"], {}, 0, [1]) == ({"output": Fraction(1, 10), "m": Fraction(1, 10)},)


def test_undefined_steps_stay_undefined() -> None:
    steps = trajectory(RULES["rmsprop"], {"beta": 0, "eps": 0}, 0, [0, 1])
    assert steps[0]["v"] == 0
    assert all(isinstance(step["theta"], Undefined) for step in steps)


def test_a_trajectory_in_balls() -> None:
    [step] = trajectory(RULES["adam"], {}, 0, [2], arithmetic=partial(ball, bits=200))
    assert step["theta"].overlaps(flint.arb(flint.fmpq(-1, 1000))) is False  # epsilon is seen
    assert abs(step["theta"] + flint.arb(flint.fmpq(1, 1000))) < flint.arb(1) / 10**8


def test_names_without_a_value_are_told() -> None:
    with pytest.raises(UserError, match="no hyperparameter 'alpha'; it has lr"):
        unrolled(RULES["gradient_descent"], {"alpha": 1}, 0, [1])


# One rule of each make: an average, another query point, powers of t, branches, a comparison in every step.
MAKES = ("ewma_debiased", "nesterov", "adam", "rprop", "amsgrad", "adopt")


@pytest.mark.parametrize("rule", [RULES[name] for name in MAKES], ids=lambda rule: rule.name)
def test_a_thousand_steps_are_one_graph(rule: Rule) -> None:
    """Expressions grow with the steps, not with their powers, and may be deeper than Python's calls."""
    steps = unrolled(rule, {}, 1, [Fraction((-1) ** i, i) for i in range(1, sys.getrecursionlimit() + 1)])
    [last] = ball([steps[-1][rule.outputs[0]]], {})
    assert not isinstance(last, Undefined | Inexact | bool)
    assert last.is_finite()


def _contains(around: Any, value: Fraction) -> bool:
    with flint.ctx.workprec(2000):
        return bool((around * value.denominator - value.numerator).contains(0))


def _every_op() -> Iterator[str]:
    yield from (*_ONE, *_TWO, "where", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not")


def test_the_strategies_use_every_operation() -> None:
    assert set(_every_op()) == set(OPS)
