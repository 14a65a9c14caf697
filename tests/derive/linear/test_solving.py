"""Polynomial equations in hyperparameters, solved into branches: text in, text out."""

from __future__ import annotations

import pytest

from derive.algebra.polynomials import generator
from derive.expr import Expr, Number, Symbol, substitute
from derive.linear.frame import Frame
from derive.linear.ratios import number, whole
from derive.linear.solving import Solution, solutions
from derive.reading.read import read_text
from derive.rule import DECAY, NONNEGATIVE, REAL

FRAME = Frame({"a.k": REAL, "a.p": NONNEGATIVE, "b.lr": NONNEGATIVE, "b.beta": DECAY, "b.s": REAL})


def expression(text: str) -> Expr:
    """A formula in the names of the frame."""
    inside = text.replace("a.", "a_").replace("b.", "b_")
    names = [name.replace(".", "_") for name in FRAME.names]
    head = f"def f(theta, g, *, {', '.join(f'{name}=0.5' for name in names)}):"
    rule = read_text(f"{head}\n    theta = theta - ({inside}) * g\n    return theta", "f")
    given: dict[str, Expr] = {name: Symbol(real) for name, real in zip(names, FRAME.names, strict=True)}
    return substitute([rule.step["theta"]], {**given, "theta": Number(0), "g": Number(-1)})[0]


def solved(*equations: str) -> list[str]:
    polys = [FRAME.case.number(expression(text)).num for text in equations]
    return sorted(shown(found) for found in solutions(polys, ((2, 3, 4), (0, 1)), FRAME))


def shown(found: Solution) -> str:
    parts = [f"{FRAME.names[i]} = {FRAME.expr(value)}" for i, value in sorted(found.values.items())]
    parts += [f"{FRAME.names[i]}: {FRAME.poly(poly)} = 0" for i, poly in found.roots]
    parts += [f"{FRAME.expr(whole(poly))} != 0" for poly in found.nonzero]
    return ", ".join(parts + [f"open: {FRAME.poly(poly)}" for poly in found.open]) or "always"


CASES = {
    "linear": (["b.lr - a.k * a.p"], ["b.lr = a.k * a.p"]),
    "one after the other": (["b.lr * (1 - b.beta) - a.p", "b.beta - a.k"], ["b.lr = -(a.p / (a.k - 1)), b.beta = a.k"]),
    "factors are branches": (["b.s * (b.s - a.k)"], ["b.s = 0", "b.s = a.k"]),
    "a factor that never vanishes is none": (["(1 - b.beta) * (b.s - 1)"], ["b.s = 1"]),
    "a coefficient that may vanish": (["a.k * b.s - a.p"], ["a.k = 0, a.p = 0", "b.s = a.p / a.k, a.k != 0"]),
    "a contradiction": (["b.s - 1", "b.s - 2"], []),
    "outside the domain": (["b.beta - 1 - a.p"], []),
    "terms of one sign vanish one by one": (["b.lr + b.beta"], ["b.lr = 0, b.beta = 0"]),
    "what holds anyway": (["a.k - a.k"], ["always"]),
    "one branch inside another is not listed": (["b.s * (b.s - a.k) * a.p", "b.s * a.p"], ["a.p = 0", "b.s = 0"]),
    "a root": (["b.s**2 - a.p"], ["b.s: a.p - b.s**2 = 0"]),
    "what follows from a root": (
        ["b.s**2 - a.p", "b.lr - b.s"],
        ["b.lr = b.s, b.s: a.p - b.s**2 = 0"],
    ),
    "two roots have to meet": (
        ["b.s**3 - a.p", "b.s**2 - a.k"],
        ["a.k = 0, a.p = 0, b.s = 0", "b.s = a.p / a.k, a.p: a.k**3 - a.p**2 = 0, a.k != 0"],
    ),
    "a cubic": (["b.s**3 - a.k * b.s + 1"], ["b.s: a.k * b.s - b.s**3 - 1 = 0"]),
}


@pytest.mark.parametrize(("equations", "expected"), CASES.values(), ids=CASES)
def test_branches(equations: list[str], expected: list[str]) -> None:
    assert solved(*equations) == expected


def test_where_a_divisor_vanishes_nothing_is_claimed() -> None:
    s, k = whole(generator(4)), whole(generator(0))
    assert [shown(found) for found in solutions([(s * k).num], ((4,), (0,)), FRAME, [k.num])] == ["b.s = 0"]


def test_what_is_zero_at_a_root() -> None:
    [found] = solutions([FRAME.case.number(expression("b.s**2 - 2")).num], ((4,), (0,)), FRAME)
    s, two = whole(generator(4)), number(2)
    assert found.is_zero(s * s * s - s * two)
    assert not found.is_zero(s * s * s - s)
