"""What a loop counts: the name that is the number of the step, and the first number it has.

    for t in range(1, n + 1)        for t, batch in enumerate(tqdm(loader), start=1)
    for t in itertools.count(1)     for t, x in zip(range(n), xs)

A count that does not go up by one, or that an inner loop begins again, is no number of the step.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from derive.reading.python.expressions import constant_value
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, dotted
from derive.reading.source import Definition

_RANGES = frozenset({"range", "arange", "trange"})
_WRAPPERS = frozenset({"tqdm", "track", "list", "tuple", "iter", "progress_bar"})


@dataclass(frozen=True)
class Count:
    """The loop's counter, `first` at the first step, and what else its head gives a value at each step.

    `numbers` are those of them that count, and so are no data.
    """

    counter: str | None = None
    first: int = 1
    items: frozenset[str] = field(default_factory=frozenset)
    numbers: frozenset[str] = field(default_factory=frozenset)


def counted(definition: Definition, loop: ast.For | ast.While | None, restarts: bool) -> Count:
    """What the loop counts; `restarts` where it is begun anew in an outer one. Raises UserError for an odd loop."""
    if loop is None:
        return Count()
    if loop.orelse:
        raise definition.error("'else' of a loop can't be read", loop, "leave it out")
    if isinstance(loop, ast.While):
        return Count()
    named = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    counts = list(_counts(definition, loop.target, loop.iter))
    for name, first in () if restarts else counts:
        return Count(name, first, frozenset(named - {name}))
    odd = named if isinstance(loop.iter, ast.Call) and dotted(loop.iter.func) in _RANGES else ()
    return Count(items=frozenset(named), numbers=frozenset({*odd, *(name for name, _ in counts)}))


def _counts(definition: Definition, target: ast.expr, over: ast.expr) -> Iterator[tuple[str, int]]:
    """The names of a loop's head that count its rounds, with their first numbers."""
    if not isinstance(over, ast.Call):
        return
    name = (dotted(over.func) or "").rsplit(".", 1)[-1]
    keywords = {k.arg: k.value for k in over.keywords}
    match target, over.args:
        case ast.Name(id=counter), [_, *_] if name in _RANGES:
            yield from _ranged(definition, counter, over.args)
        case ast.Name(id=counter), start if name == "count" and len(start) + len(keywords) < 2:
            yield counter, _whole(definition, [*start, *keywords.values()], over)
        case ast.Tuple(elts=[ast.Name(id=counter), _]), [_, *start] if name == "enumerate":
            yield counter, _whole(definition, [*start, *keywords.values()], over)
        case ast.Tuple(elts=targets), args if name == "zip" and len(targets) == len(args):
            for one, each in zip(targets, args, strict=True):
                yield from _counts(definition, one, each)
        case _, [inner, *_] if name in _WRAPPERS:
            yield from _counts(definition, target, inner)


def _ranged(definition: Definition, counter: str, args: list[ast.expr]) -> Iterator[tuple[str, int]]:
    start = args[:1] if len(args) > 1 else []
    if len(args) < 3 or constant_value(args[2], Scope(definition.file, outer=definition.outer)) == 1:
        yield counter, _whole(definition, start, args[0])


def _whole(definition: Definition, start: list[ast.expr], at: ast.expr) -> int:
    """The first number; 0 where none is said."""
    if not start:
        return 0
    value = constant_value(start[0], Scope(definition.file, outer=definition.outer))
    if value is None or value.denominator != 1:
        what = f"a loop that starts at '{text_of(start[0])}' can't be read"
        raise definition.error(what, at, "write a whole number, as in range(1, n)")
    return int(value)
