"""A draft under one assignment of roles, as the procedure the reader makes a rule of."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.flow import carried, reads
from derive.reading.pasted.parts import Part, first_count
from derive.reading.python.bindings import names_bound
from derive.reading.step.aliases import refuse_shared_stores
from derive.reading.step.starts import with_plain_guards
from derive.reading.step.statements import (
    Branch,
    Initialise,
    Parameter,
    Procedure,
    Query,
    Returned,
    Statement,
    Store,
    stored,
    substituted,
)


def procedure(draft: Draft, part: Part, names: Mapping[str, str], counts: Mapping[str, int]) -> Procedure:
    step = draft.step
    values: dict[str, Expr] = {old: Symbol(new) for old, new in names.items()}
    first = first_count(draft, part.t) if part.t else 1
    if part.t and first != 1:
        values[part.t] = Symbol("t") - (1 - first) if first < 1 else Symbol("t") + (first - 1)
    statements = tuple(_by_value(substituted(s, values)) if draft.by_value else substituted(s, values)
                       for s in with_plain_guards(step.statements))  # fmt: skip
    arguments = {p.name: p for p in step.parameters}
    states = [s for s in draft.states if part.average or s != part.theta]
    refuse_hidden(draft, states)
    _refuse_shared(draft, part)
    _refuse_varying(draft, part)
    starts = {s: _start(draft, s, values, counts) for s in states}
    returned = tuple(Returned(substitute([r.value], values)[0], frozenset(names.get(n, n) for n in r.shares))
                     for r in step.returned or ())  # fmt: skip
    passed = [
        s
        for s in states
        if s in arguments and s not in step.kept and not step.looped and not _in_place(s, step.statements)
    ]
    parameters = [_argument(arguments[s], names[s]) for s in passed]
    parameters += [Parameter(names[n], step.definition.node.lineno) for n in (part.theta, part.g, part.t)
                   if n and n not in stored(step.statements if n != part.theta or part.average else ())]  # fmt: skip
    parameters += [_constant(draft, n, arguments.get(n), names[n]) for n in draft.free
                   if n not in (part.theta, part.g, part.t)]  # fmt: skip
    output = names[part.theta]
    # An array that the step writes into may be handed out as well; it is what the caller has already.
    own = {names[s] for s in states if s in arguments and s not in passed}
    returned = tuple(r for r in returned if r.name not in own)
    if step.looped or not returned:
        _refuse_lost(draft, [*passed, *([] if part.average else [part.theta])])
        returned = (Returned(Symbol(output)),)
    kept = {names[s]: starts[s] for s in states if s not in passed}
    if part.average and part.theta in draft.states:  # a state is itself what the average gives out
        statements = (*statements, Store("output", Symbol(output), step.return_line))
        returned = (Returned(Symbol("output")),)
    return Procedure(step.definition, tuple(parameters), kept, statements, returned, step.return_line)


def _argument(p: Parameter, name: str) -> Parameter:
    """An argument that is a state: where it says no first value, a provisional 0."""
    default = p.default if p.default is not None or p.optional else Fraction(0)
    return replace(p, name=name, default=default, keyword_only=False)


def _constant(draft: Draft, old: str, argument: Parameter | None, name: str) -> Parameter:
    if argument is not None:
        return replace(argument, name=name, keyword_only=True, optional=False)
    start = draft.step.starts.get(old)
    value = start.value if isinstance(start, Number) else None
    return Parameter(name, draft.step.definition.node.lineno, value, keyword_only=True)


def refuse_hidden(draft: Draft, states: Sequence[str]) -> None:
    """What a state is at first is part of the rule: where the text says it, nothing else is put in its place."""
    for name in states:
        if name in draft.step.hidden and is_open(draft, name):
            what = f"{draft.shown(name)!r} is '{draft.step.hidden[name]}' before the first step, which can't be read"
            raise draft.step.definition.error(what, fix=f"say it as a number, as in {draft.shown(name)} = 0")


def _refuse_shared(draft: Draft, part: Part) -> None:
    """A store through a name that no other needs may still change the array of one that does."""
    if draft.by_value or len(draft.whole) == len(draft.step.statements):
        return
    changed = {*stored(draft.whole), part.theta, part.g}
    scalars = {n for s in draft.whole for n in reads(s)} - changed
    kept = {*carried(draft.whole), part.theta, *scalars}
    refuse_shared_stores(draft.step.definition, draft.whole, scalars, kept, {part.g})


def _refuse_varying(draft: Draft, part: Part) -> None:
    """What the loop's head gives a value at each step is no hyperparameter, and neither is what is made of that."""
    heads = {*draft.step.items, draft.step.counter} - {None}
    for node in ast.walk(draft.step.definition.node):
        if isinstance(node, ast.Assign) and heads & {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}:
            for name in names_bound([node]) & draft.step.unknown.keys() & set(draft.free) - {part.theta, part.g}:
                what = f"{draft.shown(name)!r} changes from step to step and is not looked into"
                raise draft.step.definition.error(what, node, "write its formula out")
    for name in draft.free:
        if name in draft.step.items and name not in (part.theta, part.g, part.t):
            what = f"{draft.shown(name)!r} changes from step to step and is no count of the steps from the first"
            raise draft.step.definition.error(what, fix="count them in one loop, as in for t in range(1, n)")


def _refuse_lost(draft: Draft, names: Sequence[str]) -> None:
    """A function that returns nothing leaves only what it stores in place."""
    step = draft.step
    for name in names:
        outside = name in step.kept or "." in name  # an attribute, a dictionary's key
        if not (step.looped or outside or _in_place(name, step.statements)):
            what = f"the new {draft.shown(name)!r} never leaves the function"
            raise step.definition.error(what, step.return_line, f"return {draft.shown(name)}")


def _in_place(name: str, statements: Sequence[Statement]) -> bool:
    """Whether every store to a name writes into its array."""
    for s in statements:
        match s:
            case Store(target=target, in_place=in_place) if target == name and not in_place:
                return False
            case Query(target=target) if target == name:
                return False
            case Branch(then=then, otherwise=otherwise) if not _in_place(name, (*then, *otherwise)):
                return False
            case Initialise(stores=stores, otherwise=otherwise) if name in stored(stores) or not _in_place(
                name, otherwise
            ):
                return False
    return True


def _by_value(s: Statement) -> Statement:
    """The statement where names share nothing: mathematics has no arrays."""
    match s:
        case Store():
            return replace(s, in_place=False, shares=frozenset())
        case Branch(then=then, otherwise=otherwise):
            return replace(s, then=tuple(map(_by_value, then)), otherwise=tuple(map(_by_value, otherwise)))
    return s


# First values


def _started_inside(draft: Draft) -> set[str]:
    return {n for s in _initialisations(draft.step.statements) for n in stored(s.stores)}


def _initialisations(statements: Sequence[Statement]) -> Iterator[Initialise]:
    for s in statements:
        match s:
            case Initialise():
                yield s
            case Branch(then=then, otherwise=otherwise):
                yield from _initialisations((*then, *otherwise))


def is_open(draft: Draft, state: str) -> bool:
    """Whether the text does not say what a state is before the first step."""
    argument = next((p for p in draft.step.parameters if p.name == state), None)
    said = argument is not None and (argument.default is not None or argument.optional)
    return not said and draft.step.starts.get(state) is None and state not in _started_inside(draft)


def _start(draft: Draft, state: str, values: Mapping[str, Expr], counts: Mapping[str, int]) -> Expr | None:
    if state in _started_inside(draft):
        return None
    start = draft.step.starts.get(state)
    if start is None:
        argument = next((p.default for p in draft.step.parameters if p.name == state), None)
        return Number(argument if argument is not None else counts.get(state, 0))
    return substitute([start], values)[0]


def open_counters(draft: Draft) -> dict[str, int]:
    """Counters whose first value the text doesn't show: such that the first step reads 1."""
    found: dict[str, int] = {}
    statements = draft.step.statements
    for state in draft.states:
        stores = [i for i, s in enumerate(statements) if state in stored([s])]
        if len(stores) == 1 and is_open(draft, state):
            before = statements[: stores[0]]
            made = [s for s in before if _grows(s, state)]
            copied = len(made) == 1 and _copies(statements[stores[0]], made[0])
            if copied or _grows(statements[stores[0]], state):
                found[state] = int(any(state in reads(s) for s in before if not (copied and s is made[0])))
    return found


def _grows(s: Statement, state: str) -> bool:
    """Whether a statement stores what is one more than the state."""
    return isinstance(s, Store) and s.value in (apply("add", Symbol(state), 1), apply("add", 1, Symbol(state)))


def _copies(s: Statement, made: Statement) -> bool:
    """Whether a statement stores the value that another has made."""
    return isinstance(s, Store) and isinstance(made, Store) and s.value is Symbol(made.target)
