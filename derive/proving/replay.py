"""Counterexamples, and the one replay that confirms them. A verdict `refuted` needs its result.

A point gives values to the names of a one-step claim; a separation gives hyperparameters, a
start and gradients to two rules. Replaying computes both sides in exact rationals or, where a
value is irrational, in ball arithmetic: two disjoint balls, or one side defined and the other not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb, fmpq

from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, factored, generic_case
from derive.evaluate import QUERY, Arithmetic, ball, exact, unrolled
from derive.expr import Expr, Number, substitute, to_text
from derive.ops import Inexact, Undefined
from derive.proving.certificate import Pairs
from derive.rule import REAL, Domain, Rule

PRECISIONS = (128, 512)
LONGEST_FORM = 60
LONGEST_RATIONAL_BITS = 400


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

    An undefined value differs from one that is certainly defined. A value that is not decided proves nothing.
    """
    arithmetics: list[Arithmetic] = [exact, *(partial(ball, bits=bits) for bits in PRECISIONS)]
    for arithmetic in arithmetics:
        left = arithmetic([a for a, _ in pairs], values)
        right = arithmetic([b for _, b in pairs], values)
        for index, (a, b) in enumerate(pairs):
            if _tells_apart(left[index], right[index]):
                return Difference(0, str(a), _text(left[index], a, values), _text(right[index], b, values))
    return None


def first_difference(w: Separation) -> Difference | None:
    """The first step at which the queried points or the outputs of two runs certainly differ.

    A run ends with the first step in which anything is undefined. Where it is not decided whether a
    step is defined nothing is said of what comes after it.
    """
    runs = (_run(w.a, w.hyperparameters_a, w), _run(w.b, w.hyperparameters_b, w))
    for t, (mine, his) in enumerate(zip(*runs, strict=True)):
        for (name, a), (_, b) in zip(_seen(w.a, mine, t), _seen(w.b, his, t), strict=True):
            found = difference_at(((a, b),), {})
            if found is not None:
                return Difference(t, name, found.expected, found.actual)
        ends = _undefined(mine, t), _undefined(his, t)
        if None in ends or all(ends):
            return None
        if any(ends):
            return Difference(t, ends[0] or ends[1] or "", *("undefined" if end else "defined" for end in ends))
    return None


def _run(rule: Rule, hyperparameters: Mapping[str, Fraction], w: Separation) -> list[dict[str, Expr]]:
    """The values after 0, 1, ... steps, with the point queried next."""
    # One answer more: the point that the last step leads to is queried in the step after it.
    steps = unrolled(rule, hyperparameters, w.theta, (*w.gradients, Fraction(0)))
    start: dict[str, Expr] = {} if rule.is_average else {"theta": Number(w.theta)}
    found = []
    for now, later in zip((start, *steps[:-1]), steps, strict=True):
        asked = {QUERY: later[QUERY]} if QUERY in later else {}
        found.append({**now, **asked})
    return found


def _seen(rule: Rule, values: Mapping[str, Expr], t: int) -> list[tuple[str, Expr]]:
    """What can be seen of a run after t steps: the queried point, or the outputs of an average."""
    if rule.is_average:
        return [(name, values[name]) for name in rule.outputs] if t else []
    return [("the queried point", values[QUERY])] if QUERY in values else [("theta", values["theta"])]


def _undefined(values: Mapping[str, Expr], t: int) -> str | None:
    """The first value that is undefined, empty where all are defined, None where that is not decided."""
    names = [name for name in values if name != QUERY] if t else []
    for arithmetic in (exact, partial(ball, bits=PRECISIONS[-1])):
        found = arithmetic([values[name] for name in names], {})
        for name, value in zip(names, found, strict=True):
            if isinstance(value, Undefined):
                return name
        if all(map(_is_value, found)):
            return ""
    return None


def _tells_apart(a: Any, b: Any) -> bool:
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return (isinstance(a, Undefined) and _is_value(b)) or (isinstance(b, Undefined) and _is_value(a))
    return _is_value(a) and _is_value(b) and _certainly_different(a, b)


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
    if isinstance(value, Fraction):
        return _rational(value)
    if isinstance(value, bool):
        return str(value)
    decimal = value.str(8, radius=False)
    try:
        [closed] = substitute([expr], {name: Number(v) for name, v in values.items()})
        case, normal = generic_case(closed, Assumptions())
    except NoNormalForm:
        return str(decimal)
    if normal.constant() is not None:
        return _rational(normal.constant() or Fraction(0))
    form = to_text(factored(case, normal))
    return f"{form} = {decimal}" if len(form) <= LONGEST_FORM else str(decimal)


def _rational(value: Fraction) -> str:
    """As it is, or by its first digits where nobody would read all of them."""
    if max(abs(value.numerator), value.denominator).bit_length() <= LONGEST_RATIONAL_BITS:
        return str(value)
    return str(arb(fmpq(value.numerator, value.denominator)).str(8, radius=False))


def _texts(values: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
