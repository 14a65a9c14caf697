"""Where two runs part, as rows a person can follow: every line of both rules, step by step, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from derive.ops import Inexact, Undefined
from derive.proving.replay import Difference, Replayed, Separation, followed
from derive.proving.runs import ASKED, Entry, evaluated, undefined_line
from derive.proving.values import Value, described


@dataclass(frozen=True)
class Row:
    """What one name holds in both runs, or in the one that has it; `parts`: here they differ for the first time."""

    step: int
    name: str
    a: Value | None
    b: Value | None
    lines: tuple[int, int]
    parts: bool = False

    def document(self) -> dict[str, Any]:
        """The row as plain data."""
        sides = [None if value is None else value.document() for value in (self.a, self.b)]
        lines = [line or None for line in self.lines]
        return {
            "step": self.step, "name": self.name, "a": sides[0], "b": sides[1],
            "line": {"a": lines[0], "b": lines[1]}, "parts": self.parts,
        }  # fmt: skip


def rows(replayed: Replayed) -> tuple[Row, ...]:
    """Every line of both runs from the start to the step at which they part; none where the witness is a point."""
    w, found = replayed.witness, replayed.difference
    if found is None or not isinstance(w, Separation):
        return ()
    at_theta = all(rule.query is None and not rule.asked for rule in (w.a, w.b))
    hidden = {ASKED} if at_theta else set()
    made: list[Row] = []
    for t, (mine, his) in enumerate(zip(*followed(w), strict=True)):
        if t <= found.step:
            made += _step(t, _without(mine, hidden), _without(his, hidden))
        elif t == found.shows:  # what comes after the point asked for is not known
            made += _step(t, *(step[: (found.entry(step) or 0) + 1] for step in (mine, his)))
    return _marked(made, found)


def _without(step: Sequence[Entry], names: set[str]) -> list[Entry]:
    return [entry for entry in step if entry.name not in names]


def _step(t: int, mine: Sequence[Entry], his: Sequence[Entry]) -> Iterator[Row]:
    """One step's lines side by side: those that set the same name in the same order share a row."""
    left, right = _values(mine), _values(his)
    names, his_names = ([(e.name, e.given) for e in step] for step in (mine, his))
    matcher = SequenceMatcher(a=names, b=his_names, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            for n in range(i_end - i):
                lines = (mine[i + n].line, his[j + n].line)
                yield Row(t, mine[i + n].name, left[i + n], right[j + n], lines)
        else:
            yield from (Row(t, mine[n].name, left[n], None, (mine[n].line, 0)) for n in range(i, i_end))
            yield from (Row(t, his[n].name, None, right[n], (0, his[n].line)) for n in range(j, j_end))


def _values(step: Sequence[Entry]) -> list[Value]:
    found = evaluated([entry.value for entry in step])
    return [
        Value(word="not decided")
        if isinstance(value, Inexact)
        else described(value, entry.value, line=undefined_line(step, index) if isinstance(value, Undefined) else 0)
        for index, (entry, value) in enumerate(zip(step, found, strict=True))
    ]


def _marked(made: list[Row], found: Difference) -> tuple[Row, ...]:
    """The rows with the one marked at which the runs part: the last of its name."""
    name = found.name if found.question is None else ASKED
    places = [index for index, row in enumerate(made) if (row.step, row.name) == (found.shows, name)]
    return tuple(replace(row, parts=index in places[-1:]) for index, row in enumerate(made))
