"""Parameters updated in parallel: the statements of a step in groups that no state joins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.expr import Apply, Number, Symbol, nodes
from derive.reading.pasted.flow import carried, dependencies, needed, reads
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, stored, substituted


@dataclass(frozen=True)
class Group:
    """The statements that make the `last` states, which no other state is made from."""

    last: tuple[str, ...]
    statements: tuple[Statement, ...]


def groups(statements: Sequence[Statement]) -> tuple[Group, ...]:
    """One group for each set of states that only itself is made from; a buffer nobody reads goes with its like."""
    states = carried(statements)
    made = dependencies(statements)
    reach = _reach({s: made[s] & set(states) for s in states})
    lasts: list[tuple[str, ...]] = []
    for s in states:
        mutual = tuple(o for o in states if o == s or (o in reach[s] and s in reach[o]))
        if all(o in mutual for o in states if s in reach[o]) and mutual not in lasts:
            lasts.append(mutual)
    lasts = [last for last in lasts if not _only_counts(last, statements)] or lasts
    inputs = {
        last: frozenset[str]().union(*(made[s] for r in last for s in {r, *reach[r]})) - set(states) for last in lasts
    }
    averaged = {s for s in states if _weighs(needed(statements, [s]))}
    idle = {last: _like(last, lasts, inputs, made, states) for last in lasts if last[0] in averaged}
    found = []
    for last in (each for each in lasts if idle.get(each) is None):
        riders = [s for each in lasts if idle.get(each) == last for s in each]
        loose = [n for n in _loose(statements) if made[n] & set(states) and made[n] & set(states) <= _all(last, reach)]
        found.append(Group(last, tuple(needed(statements, [*last, *riders, *loose]))))
    return tuple(found)


def _reach(edges: Mapping[str, frozenset[str]]) -> dict[str, set[str]]:
    """For each state, those it is made from in any number of steps."""
    reach = {s: set(direct) for s, direct in edges.items()}
    for middle in edges:
        for s in edges:
            if middle in reach[s]:
                reach[s] |= reach[middle]
    return reach


def _all(last: Sequence[str], reach: Mapping[str, set[str]]) -> set[str]:
    return {*last, *(o for s in last for o in reach[s])}


def _like(
    last: tuple[str, ...],
    lasts: Sequence[tuple[str, ...]],
    inputs: Mapping[tuple[str, ...], frozenset[str]],
    made: Mapping[str, frozenset[str]],
    states: Sequence[str],
) -> tuple[str, ...] | None:
    """The group an unread average belongs to: one made from states, that shares an input with it."""
    if len(last) > 1 or made[last[0]] & set(states) - set(last):
        return None
    for other in lasts:
        several = frozenset[str]().union(*(made[s] for s in other)) & set(states) - set(other)
        if other != last and several and inputs[last] & inputs[other]:
            return other
    return None


def _weighs(statements: Sequence[Statement]) -> bool:
    """Whether the statements weigh old against new, as averages do: `1 - beta` stands in them."""
    values = [s.value for s in statements if isinstance(s, Store)]
    return any(isinstance(n, Apply) and n.op == "sub" and n.args[0] is Number(1) for n in nodes(values))


def _loose(statements: Sequence[Statement]) -> list[str]:
    """The names given a value that nothing reads and nothing keeps: what an average gives out.

    Where the step asks for gradients there are none: what is made beside them is the loss, or a prediction.
    """
    if any(isinstance(s, Query) for s in statements):
        return []
    read = {n for s in statements for n in reads(s)}
    return [n for n in stored(statements) if n not in read and n not in carried(statements)]


def _only_counts(last: tuple[str, ...], statements: Sequence[Statement]) -> bool:
    """Whether the one state is made from numbers alone: a step counter that nothing reads."""
    return len(last) == 1 and dependencies(statements)[last[0]] <= set(last)


def shape(statements: Sequence[Statement]) -> str:
    """The statements with their names numbered in the order they occur: equal for groups that differ in names only."""
    numbers: dict[str, Symbol] = {}
    return "\n".join(_shape(s, numbers) for s in statements)


def _shape(s: Statement, numbers: dict[str, Symbol]) -> str:
    names = stored([s]) + re.findall(r"[^\W\d][\w.]*", _written(s))
    for name in (n for n in names if n in reads(s) or n in stored([s])):
        numbers.setdefault(name, Symbol(f"n{len(numbers)}"))
    return _written(substituted(s, numbers))


def _written(s: Statement) -> str:
    match s:
        case Store(target=target, value=value):
            return f"{target} = {value}"
        case Query(target=target, point=point):
            return f"{target} = grad({point})"
        case Branch(condition=condition, then=then, otherwise=otherwise):
            return f"if {condition}: {[_written(x) for x in then]} {[_written(x) for x in otherwise]}"
        case Initialise(guard=guard, stores=stores, otherwise=otherwise):
            return f"start {guard}: {[_written(x) for x in stores]} {[_written(x) for x in otherwise]}"
