"""What a step returns: outputs and states by their names; whatever has another name by its position."""

from __future__ import annotations

from collections.abc import Sequence

from derive.errors import UserError
from derive.expr import Symbol
from derive.reading.step.statements import Procedure, Returned, Statement, Store, parallel, stored
from derive.rule import Assignment


def with_outputs(procedure: Procedure, output: str, states: Sequence[str]) -> list[Statement]:
    """The statements, with every returned value stored in the output or state it stands for.

    `output` is the name of the output, `states` those of the states that have to be returned.
    Raises UserError for a value in no one's place, and for an output or state that is not returned.
    """
    slots = (output, *states)
    filled = _slots(procedure, slots)
    missing = [s for s in slots if s not in filled]
    if missing:
        kind = "output" if missing[0] == output else "state"
        raise _error(procedure, f"the {kind} {missing[0]!r} is not returned", slots)
    last = {slot: value for slot, value in filled.items() if value.name != slot}
    taken = {*slots, *(s for s in procedure.kept), *(p.name for p in procedure.parameters)}
    ordered = parallel([Assignment(slot, r.value, procedure.return_line) for slot, r in last.items()], taken)
    return [*procedure.statements, *(_store(a, last) for a in ordered)]


def _store(a: Assignment, last: dict[str, Returned]) -> Store:
    copied = frozenset({a.value.name}) if isinstance(a.value, Symbol) else frozenset[str]()
    return Store(a.target, a.value, a.line, shares=last[a.target].shares | copied if a.target in last else copied)


def _slots(procedure: Procedure, slots: tuple[str, ...]) -> dict[str, Returned]:
    """Each slot with the value returned for it."""
    values = procedure.returned
    names = [r.name for r in values]
    # A step that returns as many values as there are slots may return one of its states as the output too.
    doubled = len(values) == len(slots) and names[0] in slots[1:] and slots[0] not in names
    by_name = {i for i, name in enumerate(names) if name in slots and not (doubled and i == 0)}
    filled = {names[i] or "": values[i] for i in by_name}
    for position in sorted(set(range(len(values))) - by_name):
        slot = slots[position] if position < len(slots) else None
        if slot is None or slot in filled:
            shown = repr(names[position]) if names[position] else "an expression"
            raise _error(procedure, f"{shown} is returned in no one's place", slots)
        filled[slot] = values[position]
    return filled


def _error(procedure: Procedure, what: str, slots: tuple[str, ...]) -> UserError:
    output, end = slots[0], f"end with 'return {', '.join(slots)}'"
    there = {*stored(procedure.statements), *(p.name for p in procedure.parameters)}
    if output not in there:
        value = next((r.name for r in procedure.returned if r.name), "...")
        end = f"add '{output} = {value}' and {end}"
    return procedure.definition.error(what, procedure.return_line, end)
