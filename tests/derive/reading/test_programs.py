"""The reader against Python itself: generated steps, run twice by Python and by the rule read from their text.

Arrays are NumPy arrays of exact fractions, so that an in-place store really changes what another
name stands for: whatever the reader does not refuse it must have followed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, cast

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import exact
from derive.reading.read import read_text
from derive.rule import Rule

NAMES = ("theta", "g", "m", "v", "a", "b")
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


def _source(program: list[list[str]], first: str) -> str:
    body = [first, "a = 3 * g", "b = theta - g", *(line for block in program for line in block)]
    body += ["m = m + theta", "v = v - m", "theta = theta - lr * v", "return theta, m, v"]
    return "\n".join(["def f(theta, g, m=1, v=None, *, lr=2, half=0.5):", *(f"    {line}" for line in body)])


def _run(source: str, array: Callable[[Fraction], Any], start: Fraction, gradients: list[Fraction]) -> list[Fraction]:
    space: dict[str, Any] = {}
    exec(compile(source, "f", "exec"), space)  # noqa: S102 - Python is what the reader is compared with
    theta, m, v = array(start), array(Fraction(1)), cast(Any, None)
    for gradient in gradients:
        theta, m, v = space["f"](theta, array(gradient), m, v, lr=Fraction(2), half=Fraction(1, 2))
    return [x.item() if isinstance(x, np.ndarray) else Fraction(x) for x in (theta, m, v)]


def _follow(rule: Rule, start: Fraction, gradients: list[Fraction]) -> list[Any]:
    values: dict[str, Any] = {"theta": start, "m": Fraction(1), "v": start, "lr": Fraction(2), "half": Fraction(1, 2)}
    for t, gradient in enumerate(gradients, 1):
        values |= {"g": gradient, "t": Fraction(t)}
        values |= dict(zip(rule.step, exact(rule.step.values(), values), strict=True))
    return [values[name] for name in ("theta", "m", "v")]


def _array(value: Fraction) -> Any:
    return np.array([value], dtype=object)


def _compare(program: list[list[str]], first: str, start: Fraction, gradients: list[Fraction]) -> None:
    source = _source(program, first)
    try:
        rule = read_text(source, "f")
    except UserError:
        assume(False)
    try:
        expected = _run(source, _array, start, gradients)
    except (TypeError, IndexError, UnboundLocalError):  # `2[:] = ...`, a number where an array was
        assume(False)
    assert _follow(rule, start, gradients) == expected, source


STARTS = st.sampled_from(["v = theta if v is None else v", "if v is None: v = theta", "v = g if v is None else v"])
gradients = st.lists(numbers, min_size=3, max_size=3)


@settings(max_examples=400, deadline=None)
@given(programs, STARTS, numbers, gradients)
@example([["a = m"], ["m += g"], ["b = a"]], "if v is None: v = theta", Fraction(1), [Fraction(1)] * 3)
@example([["theta += g"]], "if v is None: v = theta", Fraction(1), [Fraction(1)] * 3)
@example([["a, m = m, g"], ["a += 1"]], "if v is None: v = theta", Fraction(1), [Fraction(1)] * 3)
@example([["a = max(m, g)"], ["a += 1"]], "if v is None: v = theta", Fraction(1), [Fraction(1)] * 3)
def test_what_is_read_is_what_python_does(
    program: list[list[str]], first: str, start: Fraction, gradients: list[Fraction]
) -> None:
    _compare(program, first, start, gradients)
