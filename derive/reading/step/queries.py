"""Where a step takes its gradients: its questions apart from its assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from derive.expr import Expr, Symbol, substitute, symbols
from derive.reading.python.scope import ASKED
from derive.reading.source import Definition
from derive.reading.step.flatten import Line, assignments, renamed
from derive.reading.step.statements import Query, fresh
from derive.rule import Assignment, inline

Questions = list[tuple[str, Expr]]


def separate_questions(
    definition: Definition, lines: Sequence[Line], given: Iterable[str], moving: set[str], g: str
) -> tuple[list[Assignment], Questions]:
    """The assignments, and the name of each answer with the point it is asked at, in the values before the step.

    The first answer is called `g`; `given` are the names that come from outside, `moving` those that change.
    """
    asked = [line for line in lines if isinstance(line, Query)]
    if not asked:
        return assignments(lines), []
    _refuse_two_in_one(definition, lines)
    answers = _answers(lines, asked, {*given}, g)
    body, points, met = list[Assignment](), list[Expr](), 0
    for line in lines:
        if isinstance(line, Assignment):
            body.append(line)
            continue
        points.append(substitute([line.point], inline(body))[0])
        if symbols(points[-1]).isdisjoint(moving):
            raise definition.error("the gradient is asked for at a point that never moves", line.line)
        if met and line.target != answers[met]:
            body.append(Assignment(line.target, Symbol(answers[met]), line.line))
        met += 1
    names = _local_names(definition, lines, asked, {*given}, g)
    new = {old: Symbol(name) for old, name in names.items()}
    questions = list(zip((g, *answers[1:]), substitute(points, new), strict=True))
    return assignments(renamed(body, names)), questions


def _refuse_two_in_one(definition: Definition, lines: Sequence[Line]) -> None:
    for one, other in pairwise(lines):
        if isinstance(one, Query) and isinstance(other, Query) and one.target == other.target:
            what, fix = "two gradients in one statement can't be read", "give each a line of its own: g2 = grad(...)"
            raise definition.error(what, other.line, fix)


def _answers(lines: Sequence[Line], asked: Sequence[Query], given: set[str], g: str) -> list[str]:
    """A name for each answer: its own where nothing else has it."""
    targets = [line.target for line in lines]
    used = {*targets, *given, g} | _names_in(assignments(lines))
    found: list[str] = []
    for place, question in enumerate(asked):
        name = question.target
        if name in (ASKED, g) or targets.count(name) > 1 or name in given:
            name = fresh(f"{g}{place + 1}", used)
        used.add(name)
        found.append(name)
    return found


def _local_names(
    definition: Definition, lines: Sequence[Line], asked: Sequence[Query], given: set[str], g: str
) -> dict[str, str]:
    """New names for the first answer, which is `g`, and for what else was called so."""
    first = next(i for i, line in enumerate(lines) if isinstance(line, Query))
    before, after = assignments(lines[:first]), assignments(lines[first + 1 :])
    question = asked[0]
    later = {q.target for q in asked[1:]} | {n for q in asked[1:] for n in symbols(q.point)}
    used = _names_in(before) | symbols(question.point)
    used |= _names_in(after) | later if question.target != g else set()
    names = {question.target: g}
    if question.target != g and g not in given:
        names[g] = fresh(f"{g}_new", used)  # a local name, no second gradient
    elif g in (used if question.target != g else _names_in(before) | symbols(question.point)):
        what, fix = f"the gradient {g!r} and another one can't be read", f"write {g} = grad(theta) where it is meant"
        raise definition.error(what, question.line, fix)
    if ASKED in later and question.target != ASKED:
        names[ASKED] = fresh(f"{g}_again", {*used, *later})
    return names


def _names_in(lines: Iterable[Assignment]) -> set[str]:
    return {name for a in lines for name in (a.target, *symbols(a.value))}
