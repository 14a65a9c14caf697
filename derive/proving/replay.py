"""Counterexamples, and the one replay that confirms them. A verdict `refuted` needs its result.

A point gives values to the names of a one-step claim; a separation gives hyperparameters, a
start and gradients to two rules. Replaying computes both sides in exact rationals or, where a
value is irrational, in ball arithmetic: two disjoint balls, or one side defined and the other not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.algebra.facts import Assumptions
from derive.evaluate import QUERY, asked_points, enclosed, to_ball, unrolled
from derive.expr import Expr, Number
from derive.ops import Inexact, Undefined
from derive.proving.certificate import Pairs
from derive.proving.obligations import refuse_open
from derive.proving.runs import ASKED, PRECISIONS, Entry, evaluated, line_by_line, undefined_line
from derive.proving.values import Value, described, rational
from derive.rule import REAL, Domain, Rule

QUERIED = "the queried point"
Settings = Mapping[str, Fraction]


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
    """Two rules, their hyperparameters, the start and the gradients (or inputs) answered.

    `schedule_a` and `schedule_b` give some hyperparameters other values from step to step.
    """

    a: Rule
    b: Rule
    hyperparameters_a: Mapping[str, Fraction]
    hyperparameters_b: Mapping[str, Fraction]
    theta: Fraction
    gradients: tuple[Fraction, ...]
    schedule_a: tuple[Mapping[str, Fraction], ...] = ()
    schedule_b: tuple[Mapping[str, Fraction], ...] = ()


@dataclass(frozen=True)
class Difference:
    """Where two runs part: after how many steps (0 for a point), what was compared, both sides at `values`.

    `question` counts the queried points of the next step, where it is one of them that differs. Where no
    side is seen to differ and one run ends, the sides are the words "defined" and "undefined".
    """

    step: int
    name: str
    sides: tuple[Expr, Expr] | tuple[str, str]
    values: Mapping[str, Fraction]
    question: int | None = None

    def entry(self, step: Sequence[Entry]) -> int | None:
        """Its place among the entries of the step in which it shows, in one of the two runs."""
        name = self.name if self.question is None else ASKED
        places = [index for index, entry in enumerate(step) if entry.name == name]
        return next(iter(places[-1:] if self.question is None else places[self.question :]), None)

    @property
    def shows(self) -> int:
        """The step in whose entries it shows: a point is asked for at the beginning of the next."""
        return self.step + (self.question is not None)


class Counterexample(dict[str, Any]):
    """A counterexample as plain data, which remembers the witness it was made from."""

    def __init__(self, content: Mapping[str, Any], witness: Point | Separation) -> None:
        super().__init__(content)
        self.witness = witness

    def __reduce__(self) -> tuple[type[Counterexample], tuple[dict[str, Any], Point | Separation]]:
        return Counterexample, (dict(self), self.witness)


@dataclass(frozen=True)
class Replayed:
    """A confirmed witness: making one replays it, and raises NotConfirmed where nothing differs."""

    witness: Point | Separation

    def __post_init__(self) -> None:
        if self.difference is None:
            raise NotConfirmed("the two sides do not certainly differ")

    @cached_property
    def difference(self) -> Difference | None:
        w = self.witness
        if isinstance(w, Point):
            return difference_at(w.pairs, w.values) if _inside(w.values, w.assumptions.domains) else None
        _refuse_settings(w.a, w.hyperparameters_a, w.schedule_a)
        _refuse_settings(w.b, w.hyperparameters_b, w.schedule_b)
        return first_difference(w)

    @cached_property
    def sides(self) -> tuple[Value, Value]:
        """Both values at the difference, for a reader."""
        found, w = self.difference, self.witness
        assert found is not None
        left, right = (Value(word=s) if isinstance(s, str) else _shown(s, found.values) for s in found.sides)
        if isinstance(w, Point):
            return left, right
        mine, his = followed(w)
        return _with_line(left, mine, found), _with_line(right, his, found)

    def document(self) -> Counterexample:
        """The counterexample as plain data: exact values as text, with decimals beside."""
        found, w = self.difference, self.witness
        assert found is not None
        expected, actual = self.sides
        if isinstance(w, Point):
            shown: dict[str, Any] = {"values": _documents(w.values), "at": found.name}
        else:
            shown = {
                "hyperparameters": {"a": _documents(w.hyperparameters_a), "b": _documents(w.hyperparameters_b)},
                "initial": {} if w.a.is_average else _documents({"theta": w.theta}),
                "gradients": [rational(g).document() for g in w.gradients],
                **({"schedule": _schedules(w)} if w.schedule_a or w.schedule_b else {}),
                "step": found.step,
                "name": found.name,
            }
        return Counterexample({**shown, "expected": expected.document(), "actual": actual.document()}, w)

    def message(self) -> str:
        """One line a person can follow."""
        found, w = self.difference, self.witness
        assert found is not None
        expected, actual = self.sides
        if isinstance(w, Point):
            both = f"{found.name} is {expected} on one side and {actual} on the other"
            return f"{both}, where {', '.join(f'{n} = {v}' for n, v in w.values.items())}"
        a, b = (w.a.name, w.b.name) if w.a.name != w.b.name else ("A", "B")
        when = f"at step {found.step}" if found.step else "at the start"
        return f"{when} {found.name} is {_said(expected)} in {a} and {_said(actual)} in {b}"


def _shown(expr: Expr, values: Mapping[str, Fraction]) -> Value:
    [value] = evaluated([expr], values)
    return described(value, expr, values)


def _with_line(value: Value, run: Sequence[Sequence[Entry]], found: Difference) -> Value:
    """The value; one that is undefined, with the reason and the line that makes it so."""
    step = run[found.shows]
    place = found.entry(step)
    if not value.word.startswith("undefined") or place is None:
        return value
    [why] = evaluated([step[place].value])
    return described(why, Number(0), line=undefined_line(step, place)) if isinstance(why, Undefined) else value


def _said(value: Value) -> str:
    """A value inside a sentence."""
    kind, colon, reason = str(value).partition(": ")
    return f"{kind} ({reason})" if colon else kind


def _documents(values: Mapping[str, Fraction]) -> dict[str, Any]:
    return {name: rational(value).document() for name, value in values.items()}


def _schedules(w: Separation) -> dict[str, Any]:
    return {"a": [_documents(s) for s in w.schedule_a], "b": [_documents(s) for s in w.schedule_b]}


def _refuse_settings(rule: Rule, hyperparameters: Settings, schedule: Sequence[Settings]) -> None:
    """Raise NotConfirmed unless hyperparameters of the rule, and nothing else, have values, inside their domains."""
    try:
        refuse_open(rule)
    except ValueError as fault:
        raise NotConfirmed(str(fault)) from fault
    names = {*rule.hyperparameter_names}
    if hyperparameters.keys() != names or not all(values.keys() <= names for values in schedule):
        raise NotConfirmed(f"a run of {rule.name} gives its hyperparameters values, and nothing else")
    if not all(_inside(values, rule.domains) for values in (hyperparameters, *schedule)):
        raise NotConfirmed(f"a hyperparameter of {rule.name} lies outside its domain")


def _inside(values: Mapping[str, Fraction], domains: Mapping[str, Domain]) -> bool:
    return all(value in domains.get(name, REAL) for name, value in values.items())


def difference_at(pairs: Pairs, values: Mapping[str, Fraction]) -> Difference | None:
    """The first pair whose sides certainly differ at this point; None where none does.

    An undefined value differs from one that is certainly defined. A value that is not decided proves nothing.
    """
    for bits in PRECISIONS:
        sides = iter(enclosed([side for pair in pairs for side in pair], values, bits))
        found = list(zip(sides, sides, strict=True))
        for (a, b), (left, right) in zip(pairs, found, strict=True):
            if _tells_apart(left, right):
                return Difference(0, str(a), (a, b), values)
        pairs = tuple(pair for pair, known in zip(pairs, found, strict=True) if not all(map(_is_settled, known)))
        if not pairs:
            return None
    return None


def first_difference(w: Separation) -> Difference | None:
    """The first step at which the queried points or the outputs of two runs certainly differ.

    A run ends with the first step in which anything is undefined. Where it is not decided whether a
    step is defined nothing is said of what comes after it.
    """
    if len(w.a.questions) != len(w.b.questions):
        return None
    runs = (_run(w.a, w.hyperparameters_a, w.schedule_a, w), _run(w.b, w.hyperparameters_b, w.schedule_b, w))
    for t, (mine, his) in enumerate(zip(*runs, strict=True)):
        at_theta = QUERY not in mine and QUERY not in his
        for index, ((name, a), (_, b)) in enumerate(zip(_seen(w.a, mine, t), _seen(w.b, his, t), strict=True)):
            found = difference_at(((a, b),), {})
            if found is not None and (w.a.is_average or (at_theta and not index)):
                return Difference(t, name, found.sides, {})
            if found is not None:
                return Difference(t, QUERIED if not index else f"{QUERIED} of {name}", found.sides, {}, index)
        ends = _undefined(mine, t), _undefined(his, t)
        if None in ends or all(ends):
            return None
        if any(ends):
            words = ("undefined" if ends[0] else "defined", "undefined" if ends[1] else "defined")
            return Difference(t, ends[0] or ends[1] or "", words, {})
    return None


def followed(w: Separation) -> tuple[list[tuple[Entry, ...]], list[tuple[Entry, ...]]]:
    """The two runs line by line; one answer more, as in `_run`."""
    return (
        _followed(w.a, w.hyperparameters_a, w.schedule_a, w),
        _followed(w.b, w.hyperparameters_b, w.schedule_b, w),
    )


def _followed(
    rule: Rule, hyperparameters: Settings, schedule: tuple[Settings, ...], w: Separation
) -> list[tuple[Entry, ...]]:
    gradients = [Number(g) for g in (*w.gradients, Fraction(0))]
    changes = [_numbers(values) for values in schedule]
    return list(line_by_line(rule, _numbers(hyperparameters), Number(w.theta), gradients, changes))


def _numbers(values: Settings) -> dict[str, Expr]:
    return {name: Number(value) for name, value in values.items()}


def _run(rule: Rule, hyperparameters: Settings, schedule: tuple[Settings, ...], w: Separation) -> list[dict[str, Expr]]:
    """The values after 0, 1, ... steps, with the point queried next."""
    # One answer more: the point that the last step leads to is queried in the step after it.
    steps = unrolled(rule, hyperparameters, w.theta, (*w.gradients, Fraction(0)), schedule)
    start: dict[str, Expr] = {} if rule.is_average else {"theta": Number(w.theta)}
    found = []
    for now, later in zip((start, *steps[:-1]), steps, strict=True):
        asked = {name: value for name, value in later.items() if name.startswith(QUERY)}
        found.append({**now, **asked})
    return found


def _seen(rule: Rule, values: Mapping[str, Expr], t: int) -> list[tuple[str, Expr]]:
    """What can be seen of a run after t steps: the points queried next, or the outputs of an average."""
    if rule.is_average:
        return [(name, values[name]) for name in rule.outputs] if t else []
    further = [(name.removeprefix(QUERY).strip(), values[name]) for name in asked_points(rule) if name != QUERY]
    return [("theta", values.get(QUERY, values["theta"])), *further]


def _undefined(values: Mapping[str, Expr], t: int) -> str | None:
    """The first value that is undefined, empty where all are defined, None where that is not decided."""
    names = [name for name in values if not name.startswith(QUERY)] if t else []
    found = enclosed([values[name] for name in names], {}, PRECISIONS[-1])
    for name, value in zip(names, found, strict=True):
        if isinstance(value, Undefined):
            return name
    return "" if all(map(_is_value, found)) else None


def _tells_apart(a: Any, b: Any) -> bool:
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return (isinstance(a, Undefined) and _is_value(b)) or (isinstance(b, Undefined) and _is_value(a))
    return _is_value(a) and _is_value(b) and _certainly_different(a, b)


def _is_value(value: Any) -> bool:
    return not isinstance(value, Undefined | Inexact)


def _is_settled(value: Any) -> bool:
    """Whether more digits would tell no more: a value without a radius, or none for certain."""
    return not isinstance(value, Inexact) and (isinstance(value, Fraction | bool | Undefined) or bool(value.is_exact()))


def _certainly_different(a: Any, b: Any) -> bool:
    if isinstance(a, Fraction | bool) and isinstance(b, Fraction | bool):
        return a != b
    left, right = (to_ball(v, PRECISIONS[-1]) if isinstance(v, Fraction) else v for v in (a, b))
    return not left.overlaps(right)
