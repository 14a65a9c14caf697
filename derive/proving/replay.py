"""Counterexamples, and the one replay that confirms them. A verdict `refuted` needs its result.

A point gives values to the names of a one-step claim; a separation gives hyperparameters, a
start and gradients to two rules. Replaying computes both sides in exact rationals or, where a
value is irrational, in ball arithmetic: two disjoint balls, or one side defined and the other not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.evaluate import QUERY, ball, exact, unrolled
from derive.expr import Expr, Number, decimal_text
from derive.ops import Inexact, Undefined
from derive.proving.certificate import Pairs
from derive.rule import Rule

PRECISIONS = (128, 512)


class NotConfirmed(Exception):
    """The witness does not separate the two sides."""


@dataclass(frozen=True)
class Point:
    """Values of the names of a one-step claim."""

    pairs: Pairs
    values: Mapping[str, Fraction]


@dataclass(frozen=True)
class Separation:
    """Two rules, their hyperparameters, the start and the gradients (or inputs) answered."""

    a: Rule
    b: Rule
    hyperparameters_a: Mapping[str, Fraction]
    hyperparameters_b: Mapping[str, Fraction]
    theta: Fraction
    gradients: tuple[Fraction, ...]


@dataclass(frozen=True)
class Difference:
    """Where two runs part: the step (0 for a point), what was compared, and both values."""

    step: int
    name: str
    expected: Any
    actual: Any

    def sides(self) -> tuple[str, str]:
        """Both values as text: exact rationals, or enough digits to tell them apart."""
        return _text(self.expected), _text(self.actual)


@dataclass(frozen=True)
class Replayed:
    """A confirmed witness: making one replays it, and raises NotConfirmed where nothing differs."""

    witness: Point | Separation

    def __post_init__(self) -> None:
        if self.difference() is None:
            raise NotConfirmed("the two sides do not certainly differ")

    def difference(self) -> Difference | None:
        if isinstance(self.witness, Point):
            return difference_at(self.witness.pairs, self.witness.values)
        return first_difference(self.witness)

    def document(self) -> dict[str, Any]:
        """The counterexample as plain data: exact values as strings, with decimals beside."""
        found = self.difference()
        assert found is not None
        w = self.witness
        if isinstance(w, Point):
            shown: dict[str, Any] = {"values": _texts(w.values), "at": found.name}
        else:
            shown = {
                "hyperparameters": {"a": _texts(w.hyperparameters_a), "b": _texts(w.hyperparameters_b)},
                "initial": {"theta": _text(w.theta)},
                "gradients": [_text(g) for g in w.gradients],
                "step": found.step,
            }
        return {**shown, "expected": _text(found.expected), "actual": _text(found.actual)}

    def message(self) -> str:
        """One line a person can follow."""
        found = self.difference()
        assert found is not None
        both = f"{found.name} is {_text(found.expected)} on one side and {_text(found.actual)} on the other"
        if isinstance(self.witness, Point):
            return f"{both}, where {', '.join(f'{n} = {v}' for n, v in self.witness.values.items())}"
        return f"at step {found.step} {both}"


def difference_at(pairs: Pairs, values: Mapping[str, Any]) -> Difference | None:
    """The first pair whose sides certainly differ at this point; None where none does."""
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    for sides in _arithmetics(left, right, values):
        found = _compared([str(a) for a in left], *sides)
        if found is not None:
            return found
    return None


def first_difference(w: Separation) -> Difference | None:
    """The first step at which the queried points or the outputs of two runs certainly differ."""
    seen_a = _observed(w.a, w.hyperparameters_a, w)
    seen_b = _observed(w.b, w.hyperparameters_b, w)
    for (step, name, mine), (_, _, his) in zip(seen_a, seen_b, strict=True):
        found = difference_at(((mine, his),), {})
        if found is not None:
            return Difference(step, name, found.expected, found.actual)
    return None


def _observed(rule: Rule, hyperparameters: Mapping[str, Fraction], w: Separation) -> list[tuple[int, str, Expr]]:
    """What can be seen of a run, after how many steps: each queried point, and each output of an average."""
    if rule.is_average:
        steps = unrolled(rule, hyperparameters, w.theta, w.gradients)
        return [(t, name, step[name]) for t, step in enumerate(steps, 1) for name in rule.outputs]
    # One answer more: the point that the last step leads to is queried in the step after it.
    steps = unrolled(rule, hyperparameters, w.theta, (*w.gradients, Fraction(0)))
    if rule.query is not None:
        return [(t, "the queried point", step[QUERY]) for t, step in enumerate(steps)]
    points = [Number(w.theta), *(step["theta"] for step in steps)]
    return [(t, "theta", point) for t, point in enumerate(points[: len(steps)])]


def _arithmetics(left: Sequence[Expr], right: Sequence[Expr], values: Mapping[str, Any]) -> Any:
    yield exact(left, values), exact(right, values)
    for bits in PRECISIONS:
        yield ball(left, values, bits), ball(right, values, bits)


def _compared(names: Sequence[str], left: Sequence[Any], right: Sequence[Any]) -> Difference | None:
    """Definedness is that of the whole step; a value not decided proves nothing."""
    if any(isinstance(v, Undefined) for v in left) and all(_is_value(v) for v in right):
        return _first_undefined(names, left, right)
    if any(isinstance(v, Undefined) for v in right) and all(_is_value(v) for v in left):
        return _first_undefined(names, left, right)
    for name, a, b in zip(names, left, right, strict=True):
        if _is_value(a) and _is_value(b) and _certainly_different(a, b):
            # An undefined value elsewhere makes the whole step undefined: no difference then.
            if all(_is_value(v) for v in (*left, *right)):
                return Difference(0, name, a, b)
    return None


def _first_undefined(names: Sequence[str], left: Sequence[Any], right: Sequence[Any]) -> Difference:
    for name, a, b in zip(names, left, right, strict=True):
        if isinstance(a, Undefined) or isinstance(b, Undefined):
            return Difference(0, name, a, b)
    raise AssertionError("no undefined value")


def _is_value(value: Any) -> bool:
    return not isinstance(value, Undefined | Inexact)


def _certainly_different(a: Any, b: Any) -> bool:
    if isinstance(a, Fraction | bool) and isinstance(b, Fraction | bool):
        return a != b
    return not a.overlaps(b)


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return f"undefined: {value.reason}"
    if isinstance(value, Fraction):
        return decimal_text(value) if value.denominator == 1 else str(value)  # type: ignore[return-value]
    return str(value)


def _texts(values: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}
