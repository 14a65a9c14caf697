"""States that only count: one that starts at a whole number and grows by one each step is t, shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.rule import Assignment


def replace_counters(
    body: Sequence[Assignment], starts: Mapping[str, Expr], t: str
) -> tuple[list[Assignment], dict[str, Expr]]:
    """The body and the states without their counters, each written in the step counter `t` (from 1)."""
    lines, states = list(body), dict(starts)
    for name, start in starts.items():
        at = _increment(lines, name)
        if at is not None and isinstance(start, Number) and start.value.denominator == 1:
            after = int(start.value)  # what the counter exceeds t by, once it has grown
            lines = _shifted(lines[:at], name, t, after - 1) + _shifted(lines[at + 1 :], name, t, after)
            del states[name]
    return lines, states


def _increment(body: Sequence[Assignment], name: str) -> int | None:
    """Where the body adds one to `name`, if that is the only store to it."""
    stores = [i for i, a in enumerate(body) if a.target == name]
    grown = (apply("add", Symbol(name), 1), apply("add", 1, Symbol(name)))
    return stores[0] if len(stores) == 1 and body[stores[0]].value in grown else None


def _shifted(lines: Sequence[Assignment], name: str, t: str, offset: int) -> list[Assignment]:
    value = Symbol(t) if offset == 0 else Symbol(t) + offset if offset > 0 else Symbol(t) - (-offset)
    return [Assignment(a.target, substitute([a.value], {name: value})[0], a.line) for a in lines]
