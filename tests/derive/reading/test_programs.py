"""The reader against Python itself: generated steps, run twice by Python and by the rule read from their text.

Arrays are NumPy arrays of exact fractions, so that an in-place store really changes what another
name stands for: whatever the reader does not refuse it must have followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import numpy as np
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import exact
from derive.reading.read import read_text
from derive.rule import Rule

NAMES = ("theta", "g", "m", "v", "a", "b", "t")
names = st.sampled_from(NAMES)
atoms = st.one_of(names, names, st.sampled_from(["lr", "half", "2", "-1", "3"]))


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda x: f"(-{x})"),
        inner.map(lambda x: f"({x} * half)"),
        inner.map(lambda x: f"abs({x})"),
        pairs.map(lambda p: f"max({p[0]}, {p[1]})"),
        pairs.map(lambda p: f"min({p[0]}, {p[1]})"),
        st.tuples(inner, inner, pairs).map(lambda p: f"({p[0]} if {p[2][0]} < {p[2][1]} else {p[1]})"),
    )


values = st.one_of(atoms, st.recursive(atoms, _larger, max_leaves=5))
simple = st.one_of(
    st.tuples(names, values).map(lambda p: [f"{p[0]} = {p[1]}"]),
    st.tuples(names, st.sampled_from("+-*"), values).map(lambda p: [f"{p[0]} {p[1]}= {p[2]}"]),
    st.tuples(names, names, values, values).map(lambda p: [f"{p[0]}, {p[1]} = {p[2]}, {p[3]}"]),
    st.tuples(names, names, values).map(lambda p: [f"{p[0]} = {p[1]} = {p[2]}"]),
    st.tuples(names, values).map(lambda p: [f"{p[0]}[:] = {p[1]}"]),
)


def _indented(blocks: list[list[str]]) -> list[str]:
    return [f"    {line}" for block in blocks for line in block] or ["    pass"]


def _branching(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    blocks = st.lists(inner, min_size=1, max_size=3)
    return st.tuples(values, values, blocks, blocks).map(
        lambda p: [f"if {p[0]} < {p[1]}:", *_indented(p[2]), "else:", *_indented(p[3])]
    )


programs = st.lists(st.one_of(simple, _branching(simple)), min_size=1, max_size=6)
numbers = st.fractions(min_value=-3, max_value=3, max_denominator=4)


LOCAL = "t = g + 2"  # not the step counter
START = ["a = 3 * g", "b = theta - g"]
END = ["m = m + theta", "v = v - m", "theta = theta - lr * v"]
HALF, TWO = Fraction(1, 2), Fraction(2)


def _array(value: Fraction) -> Any:
    return np.array([value], dtype=object)


def _text(head: list[str], body: list[str], end: str = "") -> str:
    indent = " " * (len(head[-1]) - len(head[-1].lstrip()) + 4)
    return "\n".join([*head, *(indent + line for line in body), *([f"    {end}"] if end else [])])


def as_function(body: list[str], first: str) -> str:
    """The body as one step that takes and returns its state."""
    return _text(
        ["def f(theta, g, m=1, v=None, *, lr=2, half=0.5):"], [LOCAL, first, *START, *body, *END, "return theta, m, v"]
    )


def run_function(f: Any, theta: Any, gradients: list[Any]) -> list[Any]:
    m, v = _array(Fraction(1)), cast(Any, None)
    for g in gradients:
        theta, m, v = f(theta, g, m, v, lr=TWO, half=HALF)
    return [theta, m, v]


def as_loop(body: list[str], first: str) -> str:
    """The body in a loop over its steps."""
    head = ["def f(theta, gs, n, lr=2, half=0.5):", "    m = 1", f"    {first}", "    for i in range(n):"]
    lines = [re.sub(r"\bt\b", "u", line) for line in [LOCAL, *START, *body]]  # a loop that counts is refused another t
    return _text(head, ["g = gs[i]", *lines, *END], "return theta")


def run_loop(f: Any, theta: Any, gradients: list[Any]) -> list[Any]:
    return [f(theta, gradients, len(gradients), TWO, HALF)]


def as_class(body: list[str], first: str) -> str:
    """The body as a method of a class that keeps the parameter and the state."""
    head = ["class f:", "    def __init__(self, theta, lr=2, half=0.5):"]
    head += [f"        {line}" for line in ("self.theta = theta", "self.m = 1", "self.lr = lr", "self.half = half")]
    lines = [first, "    def step(self, g):", *("    " * 2 + line for line in [LOCAL, *START, *body, *END])]
    kept = [re.sub(r"\b(theta|m|v|lr|half)\b", r"self.\1", line) for line in lines]
    return "\n".join([*head, f"        {kept[0]}", *kept[1:]])


def run_class(f: Any, theta: Any, gradients: list[Any]) -> list[Any]:
    kept = f(theta, TWO, HALF)
    for g in gradients:
        kept.step(g)
    return [kept.theta, kept.m, kept.v]


def follow(rule: Rule, start: Fraction, gradients: list[Fraction]) -> list[Any]:
    """The parameter and the state after the steps of the rule."""
    values: dict[str, Any] = {"theta": start, "m": Fraction(1), "v": start, "lr": TWO, "half": HALF}
    for t, gradient in enumerate(gradients, 1):
        values |= {"g": gradient, "t": Fraction(t)}
        values |= dict(zip(rule.step, exact(rule.step.values(), values), strict=True))
    return [values[name] for name in ("theta", "m", "v")]


def compare(
    source: str, run: Callable[[Any, Any, list[Any]], list[Any]], start: Fraction, gradients: list[Fraction]
) -> None:
    """Where the text is read, its rule and Python give the same numbers."""
    try:
        rule = read_text(source, "f")
    except UserError:
        assume(False)
    space: dict[str, Any] = {}
    exec(compile(source, "f", "exec"), space)  # noqa: S102 - Python is what the reader is compared with
    try:
        after = run(space["f"], _array(start), [_array(g) for g in gradients])
    except (TypeError, IndexError, UnboundLocalError):  # `2[:] = ...`, a number where an array was
        assume(False)
    expected = [x.item() if isinstance(x, np.ndarray) else Fraction(x) for x in after]
    assert follow(rule, start, gradients)[: len(expected)] == expected, source


bodies = programs.map(lambda blocks: [line for block in blocks for line in block])
gradients = st.lists(numbers, min_size=3, max_size=3)
ONES = [Fraction(1)] * 3


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(
    bodies,
    st.sampled_from(["v = theta if v is None else v", "if v is None: v = theta", "v = g if v is None else v"]),
    numbers,
    gradients,
)
@example(["a = m", "m += g", "b = a"], "if v is None: v = theta", Fraction(1), ONES)
@example(["theta += g"], "if v is None: v = theta", Fraction(1), ONES)
@example(["a, m = m, g", "a += 1"], "if v is None: v = theta", Fraction(1), ONES)
@example(["a = max(m, g)", "a += 1"], "if v is None: v = theta", Fraction(1), ONES)
@example(["m = m + t"], "v = g if v is None else v", Fraction(1), [Fraction(-1), Fraction(-1), Fraction(2)])
@example(["g[:] = lr"], "v = g if v is None else v", Fraction(1), ONES)
def test_a_function(body: list[str], first: str, start: Fraction, gradients: list[Fraction]) -> None:
    compare(as_function(body, first), run_function, start, gradients)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(bodies, st.sampled_from(["v = theta", "v = theta.copy()"]), numbers, gradients)
@example(["theta += g"], "v = theta", Fraction(1), ONES)
@example(["theta += g"], "v = theta.copy()", Fraction(1), ONES)
def test_a_loop(body: list[str], first: str, start: Fraction, gradients: list[Fraction]) -> None:
    compare(as_loop(body, first), run_loop, start, gradients)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(bodies, st.sampled_from(["v = theta", "v = theta.copy()"]), numbers, gradients)
@example(["theta += g"], "v = theta", Fraction(1), ONES)
@example(["theta += g"], "v = theta.copy()", Fraction(1), ONES)
def test_a_class(body: list[str], first: str, start: Fraction, gradients: list[Fraction]) -> None:
    compare(as_class(body, first), run_class, start, gradients)
