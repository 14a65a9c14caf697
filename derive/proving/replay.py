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

from derive.evaluate import ball, exact
from derive.expr import Expr, Symbol, decimal_text
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
    for bits in (0, *PRECISIONS):
        found = _run_both(w, bits)
        if found is not None:
            return found
    return None


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


def _run_both(w: Separation, bits: int) -> Difference | None:
    start_a = _start(w.a, w.theta, w.hyperparameters_a, bits)
    start_b = _start(w.b, w.theta, w.hyperparameters_b, bits)
    now_a, now_b = start_a, start_b
    for index, gradient in enumerate((*w.gradients, None)):
        seen = _compared(*_observed(w.a, w.b, now_a, now_b, index + 1, bits))
        if seen is not None:
            return Difference(index, seen.name, seen.expected, seen.actual)
        if gradient is None:
            return None
        now_a, now_b = _stepped(w.a, now_a, gradient, index + 1, bits), _stepped(w.b, now_b, gradient, index + 1, bits)
        outputs = [n for n in w.a.outputs if n != "theta"]
        found = _compared(outputs, [now_a[n] for n in outputs], [now_b[n] for n in w.b.outputs if n != "theta"])
        if found is not None:
            return Difference(index + 1, found.name, found.expected, found.actual)
    return None


def _evaluate(expressions: Sequence[Expr], values: Mapping[str, Any], bits: int) -> list[Any]:
    return ball(expressions, values, bits) if bits else exact(expressions, values)


def _start(rule: Rule, theta: Fraction, hyperparameters: Mapping[str, Fraction], bits: int) -> dict[str, Any]:
    known: dict[str, Any] = {**hyperparameters, "theta": theta}
    initial = _evaluate([s.initial for s in rule.states], known, bits)
    return {**known, **dict(zip(rule.state_names, initial, strict=True))}


def _stepped(rule: Rule, now: Mapping[str, Any], gradient: Fraction, t: int, bits: int) -> dict[str, Any]:
    names = list(rule.step)
    given = {**now, "x" if rule.is_average else "g": gradient, "t": Fraction(t)}
    return {**now, **dict(zip(names, _evaluate([rule.step[n] for n in names], given, bits), strict=True))}


def _observed(
    a: Rule, b: Rule, now_a: Mapping[str, Any], now_b: Mapping[str, Any], t: int, bits: int
) -> tuple[list[str], list[Any], list[Any]]:
    """The points at which the two ask for the gradient of step t."""
    if a.is_average:
        return [], [], []
    point_a, point_b = (rule.query if rule.query is not None else Symbol("theta") for rule in (a, b))
    plain = a.query is None and b.query is None
    values_a = _evaluate([point_a], {**now_a, "t": Fraction(t)}, bits)
    values_b = _evaluate([point_b], {**now_b, "t": Fraction(t)}, bits)
    return ["theta" if plain else "the queried point"], values_a, values_b


def _text(value: Any) -> str:
    if isinstance(value, Undefined):
        return f"undefined: {value.reason}"
    if isinstance(value, Fraction):
        return decimal_text(value) if value.denominator == 1 else str(value)  # type: ignore[return-value]
    return str(value)


def _texts(values: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items()}
