"""What is proved holds at every point, and what is refuted does not: random formulas and slips of them.

The partner of a formula is a rewriting that is right almost everywhere (and so proved or refuted at
an edge: a divisor of zero, a negative radicand, beta = 0), or a mutant of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from derive.evaluate import ball, exact
from derive.expr import Apply, Expr, Number, Symbol, apply, fold
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions, identity
from derive.rule import COUNTER, DECAY, NONNEGATIVE
from tests.mutation import expression_mutants

NAMES = ("a", "b", "c", "t")
ASSUMPTIONS = Assumptions({"b": DECAY, "c": NONNEGATIVE, "t": COUNTER})
GRID = {
    "a": ("0", "1", "-1", "-1/2", "3"),
    "b": ("0", "1/2", "3/4"),
    "c": ("0", "1", "1/4", "2"),
    "t": ("1", "2", "5"),
}
A, B, T = Symbol("a"), Symbol("b"), Symbol("t")
_leaves = st.sampled_from([*map(Symbol, NAMES), *(Number(Fraction(n)) for n in ("0", "1", "-1", "2", "1/2"))])
_corrections = st.sampled_from([B**T, apply("where", apply("eq", B, 0), 1, -apply("expm1", T * apply("log1p", B - 1)))])


def _larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    one = st.builds(apply, st.sampled_from(("neg", "sqrt", "abs", "sign", "cbrt", "tanh", "exp", "log")), inner)
    two = st.builds(apply, st.sampled_from(("add", "sub", "mul", "div", "min", "max")), inner, inner)
    powers = st.builds(apply, st.just("pow"), inner, st.sampled_from([2, 3, -1, 0, Fraction(1, 2)]))
    conditions = st.builds(apply, st.sampled_from(("lt", "le", "eq", "ne")), inner, inner)
    return one | two | powers | st.builds(apply, st.just("where"), conditions, inner, inner)


formulas: st.SearchStrategy[Expr] = st.recursive(_leaves | _corrections, _larger, max_leaves=6)

REWRITINGS: dict[str, Callable[..., tuple[Expr, ...]]] = {
    "add": lambda n, x, y: (y + x, x - -y),
    "mul": lambda n, x, y: (y * x, x / (1 / y), -(-x * y)),
    "div": lambda n, x, y: (x * (1 / y), (x * y) / (y * y), -x / -y),
    "sqrt": lambda n, x: (x ** Fraction(1, 2), x / n),
    "abs": lambda n, x: (apply("sqrt", x * x), x * apply("sign", x), apply("max", x, -x)),
    "sign": lambda n, x: (x / apply("abs", x), apply("where", apply("eq", x, 0), 0, apply("abs", x) / x)),
    "max": lambda n, x, y: ((x + y + apply("abs", x - y)) / 2, -apply("min", -x, -y)),
    "min": lambda n, x, y: ((x + y - apply("abs", x - y)) / 2, apply("where", apply("lt", x, y), x, y)),
    "pow": lambda n, x, y: (x * x ** (y - 1), apply("exp", y * apply("log", x)), (-x) ** y),
    "where": lambda n, c, x, y: (apply("where", apply("not", c), y, x),),
    "exp": lambda n, x: (1 / apply("exp", -x),),
    "cbrt": lambda n, x: (-apply("cbrt", -x),),
}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Expr, Expr]:
    """A formula and something much like it."""
    formula = draw(formulas)
    if draw(st.booleans()):
        mutants = [mutant for _, mutant in expression_mutants(formula, NAMES)]
        return formula, draw(st.sampled_from(mutants))

    def rewritten(node: Apply, args: tuple[Expr, ...]) -> Expr:
        same = Apply(node.op, args)
        others = REWRITINGS[node.op](same, *args) if node.op in REWRITINGS else ()
        chosen: Expr = draw(st.sampled_from((same, *others)))
        return chosen

    [partner] = fold([formula], symbol=_itself, number=_itself, apply=rewritten)
    return formula, partner


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs())
def test_what_is_proved_holds_at_every_point(pair: tuple[Expr, Expr]) -> None:
    assume(pair[0] is not pair[1])
    if identity([pair], ASSUMPTIONS):
        for values in grid():
            assert not certainly_different(*(value(e, values) for e in pair)), values


def test_the_points_would_tell() -> None:
    """The check above says no to what is false at one point only."""
    wrong = [(A / A, Number(1)), (apply("sqrt", A * A), A), (B**T, apply("exp", T * apply("log", B)))]
    for pair in wrong:
        assert any(certainly_different(*(value(e, values) for e in pair)) for values in grid())
        assert identity([pair], ASSUMPTIONS).status == "refuted"


def grid() -> Iterator[dict[str, Fraction]]:
    for numbers in itertools.product(*GRID.values()):
        yield dict(zip(GRID, map(Fraction, numbers), strict=True))


def value(expression: Expr, values: dict[str, Fraction]) -> Any:
    found: list[Any] = list(exact([expression], values))
    return ball([expression], values)[0] if isinstance(found[0], Inexact) else found[0]


def certainly_different(a: Any, b: Any) -> bool:
    """Whether one is undefined where the other is not, or both are defined and apart."""
    if isinstance(a, Inexact) or isinstance(b, Inexact):
        return False
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return type(a) is not type(b)
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a != b
    with flint.ctx.workprec(200):
        return not _as_ball(a).overlaps(_as_ball(b))


def _as_ball(number: Any) -> Any:
    return flint.arb(flint.fmpq(number.numerator, number.denominator)) if isinstance(number, Fraction) else number


def _itself(leaf: Expr) -> Expr:
    return leaf
