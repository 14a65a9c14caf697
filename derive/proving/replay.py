"""Counterexamples, and the one replay that confirms them. A verdict `refuted` needs its result.

A point gives values to the names of a one-step claim; a separation gives hyperparameters, a
start and gradients to two rules. Replaying computes both sides in exact rationals or, where a
value is irrational, in ball arithmetic: two disjoint balls, or one side defined and the other not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, factored, generic_case
from derive.evaluate import QUERY, Arithmetic, ball, exact, unrolled
from derive.expr import Expr, Number, substitute, to_text
from derive.ops import Inexact, Undefined
from derive.proving.certificate import Pairs
from derive.rule import REAL, Domain, Rule

PRECISIONS = (128, 512)
LONGEST_FORM = 60


class NotConfirmed(Exception):
    """The witness does not separate the two sides."""


@dataclass(frozen=True)
class Point:
    """Values of the names of a one-step claim, inside the domains it was made for."""

    pairs: Pairs
    values: Mapping[str, Fraction]
    assumptions: Assumptions


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
    """Where two runs part: after how many steps (0 for a point), what was compared, both values as text."""

    step: int
    name: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Replayed:
    """A confirmed witness: making one replays it, and raises NotConfirmed where nothing differs."""

    witness: Point | Separation

    def __post_init__(self) -> None:
        if self.difference() is None:
            raise NotConfirmed("the two sides do not certainly differ")

    def difference(self) -> Difference | None:
        w = self.witness
        if isinstance(w, Point):
            return difference_at(w.pairs, w.values) if _inside(w.values, w.assumptions.domains) else None
        settings = ((w.a, w.hyperparameters_a), (w.b, w.hyperparameters_b))
        return first_difference(w) if all(_inside(values, rule.domains) for rule, values in settings) else None

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
                "initial": {"theta": str(w.theta)},
                "gradients": [str(g) for g in w.gradients],
                "step": found.step,
            }
        return {**shown, "expected": found.expected, "actual": found.actual}

    def message(self) -> str:
        """One line a person can follow."""
        found = self.difference()
        assert found is not None
        both = f"{found.name} is {found.expected} on one side and {found.actual} on the other"
        if isinstance(self.witness, Point):
            return f"{both}, where {', '.join(f'{n} = {v}' for n, v in self.witness.values.items())}"
        return f"at step {found.step} {both}"


def _inside(values: Mapping[str, Fraction], domains: Mapping[str, Domain]) -> bool:
    return all(value in domains.get(name, REAL) for name, value in values.items())


def difference_at(pairs: Pairs, values: Mapping[str, Fraction]) -> Difference | None:
    """The first pair whose sides certainly differ at this point; None where none does.

    Definedness is that of the whole step: one undefined value makes it undefined, and it differs
    from one all of whose values are certainly defined. A value that is not decided proves nothing.
    """
    arithmetics: list[Arithmetic] = [exact, *(partial(ball, bits=bits) for bits in PRECISIONS)]
    for arithmetic in arithmetics:
        left = arithmetic([a for a, _ in pairs], values)
        right = arithmetic([b for _, b in pairs], values)
        for index, (a, b) in enumerate(pairs):
            if _tells_apart(left, right, index):
                return Difference(0, str(a), _text(left[index], a, values), _text(right[index], b, values))
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


def _tells_apart(left: Sequence[Any], right: Sequence[Any], index: int) -> bool:
    """Whether the values at this index show that the two steps are not the same."""
    defined_left, defined_right = all(map(_is_value, left)), all(map(_is_value, right))
    if defined_left and defined_right:
        return _certainly_different(left[index], right[index])
    return (isinstance(left[index], Undefined) and defined_right) or (
        isinstance(right[index], Undefined) and defined_left
    )


def _is_value(value: Any) -> bool:
    return not isinstance(value, Undefined | Inexact)


def _certainly_different(a: Any, b: Any) -> bool:
    if isinstance(a, Fraction | bool) and isinstance(b, Fraction | bool):
        return a != b
    return not a.overlaps(b)


def _text(value: Any, expr: Expr, values: Mapping[str, Fraction]) -> str:
    """A value for a reader: a rational as it is, a root as a formula with its decimal, or why there is none."""
    if isinstance(value, Undefined):
        return f"undefined: {value.reason}"
    if isinstance(value, Fraction | bool):
        return str(value)
    decimal = value.str(8, radius=False)
    try:
        [closed] = substitute([expr], {name: Number(v) for name, v in values.items()})
        case, normal = generic_case(closed, Assumptions())
    except NoNormalForm:
        return str(decimal)
    if normal.constant() is not None:
        return str(normal.constant())
    form = to_text(factored(case, normal))
    return f"{form} = {decimal}" if len(form) <= LONGEST_FORM else str(decimal)


def _texts(values: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
