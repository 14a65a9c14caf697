"""A body without what only passes values on: copies into names that may be used at once, and what nothing reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from derive.expr import Symbol, substitute, symbols
from derive.rule import Assignment
from derive.transforms import without_unread


def tidy(body: Iterable[Assignment], kept: Collection[str]) -> tuple[Assignment, ...]:
    """The body with the same values of the names in `kept` at its end, and no more lines than before."""
    lines = [*without_unread(tuple(body), kept)]
    place = 0
    while place < len(lines):
        shorter = _without_copy(lines, place, kept)
        place, lines = (place + 1, lines) if shorter is None else (0, shorter)
    return tuple(lines)


def _without_copy(lines: list[Assignment], place: int, kept: Collection[str]) -> list[Assignment] | None:
    """The lines without `x = y` at this place, y being called x from its start; None where that would say otherwise."""
    name, value = lines[place].target, lines[place].value
    if not isinstance(value, Symbol) or value.name in kept or value.name == name:
        return None
    made = [k for k, a in enumerate(lines) if a.target == value.name]
    if not made or made[-1] > place or _reads(lines[: made[0] + 1], value.name):
        return None  # it is given, or means something else before
    between, after = lines[made[0] + 1 : place], lines[place + 1 :]
    if _reads(between, name) or any(a.target == name for a in between):
        return None
    if _reads(after, value.name) and any(a.target == name for a in after):
        return None
    renamed = {value.name: Symbol(name)}
    return [
        replace(a, target=name if a.target == value.name else a.target, value=substitute([a.value], renamed)[0])
        for a in (*lines[:place], *after)
    ]


def _reads(lines: Iterable[Assignment], name: str) -> bool:
    return any(name in symbols(a.value) for a in lines)
