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
    grown = len(stores) == 1 and _behind(body[: stores[0]], body[stores[0]].value) in _grown(name)
    return stores[0] if grown else None


def _behind(before: Sequence[Assignment], value: Expr) -> Expr:
    """What a value is that has a name of its own first: `t = state.t + 1`, and later `state.t = t`."""
    made = [a.value for a in before if value is Symbol(a.target)]
    return made[0] if len(made) == 1 else value


def _grown(name: str) -> tuple[Expr, Expr]:
    return apply("add", Symbol(name), 1), apply("add", 1, Symbol(name))


def _shifted(lines: Sequence[Assignment], name: str, t: str, offset: int) -> list[Assignment]:
    return [Assignment(a.target, _in_steps(a.value, name, t, offset), a.line) for a in lines]


def _in_steps(value: Expr, name: str, t: str, offset: int) -> Expr:
    """The value with `name` written as t and what it exceeds t by."""
    if value in _grown(name):
        return _plus(t, offset + 1)
    return substitute([value], {name: _plus(t, offset)})[0]


def _plus(t: str, offset: int) -> Expr:
    return Symbol(t) if offset == 0 else Symbol(t) + offset if offset > 0 else Symbol(t) - (-offset)
