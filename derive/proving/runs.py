"""A run of a rule line by line: what every assignment holds at every step, for a person to follow.

The values are closed expressions, evaluated as the replay evaluates them: exactly, else in balls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.evaluate import answers, enclosed
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.ops import Inexact, Undefined
from derive.proving.values import NOTHING
from derive.rule import Rule

PRECISIONS = (128, 512)
ASKED = "asked at"  # the name of the queried point in a run; not an identifier, so nothing else is called so


@dataclass(frozen=True)
class Entry:
    """What a name holds after one line: its closed value, the formula it was made by, and where that stands.

    `given`: no line made it, the step began with it.
    """

    name: str
    value: Expr
    formula: Expr
    line: int = 0
    given: bool = False


def line_by_line(
    rule: Rule,
    hyperparameters: Mapping[str, Expr],
    theta: Expr,
    gradients: Sequence[Expr],
    schedule: Sequence[Mapping[str, Expr]] = (),
) -> Iterator[tuple[Entry, ...]]:
    """The start, then each step: where the gradient is taken, the gradient, and every line of the body.

    `schedule` gives hyperparameters other values at step 1, 2, ...; its last entry holds from there on.
    """
    now = dict(hyperparameters) if rule.is_average else {**hyperparameters, "theta": theta}
    now.update(zip(rule.state_names, substitute([s.initial for s in rule.states], now), strict=True))
    kept = (*(() if rule.is_average else ("theta",)), *rule.state_names)
    yield tuple(Entry(name, now[name], Symbol(name)) for name in kept)
    for t, answered in enumerate(answers(rule, gradients), start=1):
        now |= schedule[min(t, len(schedule)) - 1] if schedule else {}
        made = tuple(_step(rule, {**now, **answered, "t": Number(t)}, answered))
        last = {entry.name: entry.value for entry in made}
        now.update((name, last[name]) for name in kept if name in last)
        yield made


def _step(rule: Rule, before: Mapping[str, Expr], answered: Mapping[str, Expr]) -> Iterator[Entry]:
    points = dict(rule.questions)
    for name, answer in answered.items():
        if name in points:
            yield Entry(ASKED, substitute([points[name]], before)[0], points[name], given=True)
        yield Entry(name, answer, answer, given=True)
    values = dict(before)
    for assignment in rule.body:
        [values[assignment.target]] = substitute([assignment.value], values)
        yield Entry(assignment.target, values[assignment.target], assignment.value, assignment.line)


def evaluated(exprs: Sequence[Expr], values: Mapping[str, Fraction] = NOTHING) -> list[Any]:
    """The value of each expression in the first precision that decides it."""
    coarse, *finer = PRECISIONS
    found: list[Any] = enclosed(exprs, values, coarse)
    for bits in finer:
        open_places = [i for i, value in enumerate(found) if isinstance(value, Inexact)]
        for index, value in zip(open_places, enclosed([exprs[i] for i in open_places], values, bits), strict=True):
            found[index] = value
    return found


def undefined_line(step: Sequence[Entry], place: int) -> int:
    """The line at which the undefined value at that place first came up in this step; 0 where no line made it."""
    undefined = [isinstance(value, Undefined) for value in evaluated([entry.value for entry in step])]
    while causes := [i for i in _used(step, place) if undefined[i]]:
        place = min(causes)
    return step[place].line


def _used(step: Sequence[Entry], place: int) -> list[int]:
    """The entries whose values the formula at that place uses."""
    last = {entry.name: index for index, entry in enumerate(step[:place])}
    return [last[name] for name in symbols(step[place].formula) if name in last]
