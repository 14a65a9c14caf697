"""What each state holds before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply, symbols
from derive.reading.source import Definition
from derive.reading.step.statements import Branch, Initialise, Statement, Store, certainly_stored, stored

Starts = dict[str, Expr]


def resolve_starts(
    definition: Definition,
    statements: Sequence[Statement],
    declared: Mapping[str, Expr | None],
    simple: Iterable[str],
    counter: str,
) -> tuple[list[Statement], Starts]:
    """The statements without initialisations, and the initial value of every state.

    `declared` are the states with what their declaration says (None: nothing). A number or one of the
    `simple` names (the parameter, a hyperparameter) becomes an initial value; any other expression
    becomes a choice at t = 1. Raises UserError for a state that nothing initialises.
    """
    simple = frozenset(simple)
    starts, changed = dict(declared), set[str]()
    fixed = simple - set(stored(statements))
    fixed = _fixed(statements, fixed, declared)
    rest = _resolved(definition, statements, starts, changed, simple, fixed, counter)
    for name, start in starts.items():
        if start is not None and not isinstance(start, Number) and start not in {Symbol(n) for n in simple}:
            fix = "start at a number, a hyperparameter or theta"
            raise definition.error(f"the state {name!r} starts at '{start}', which can't be read", fix=fix)
        if start is None:
            short = name.rsplit(".", 1)[-1]
            fix = f"give it an initial value: {short} = 0"
            raise definition.error(f"the state {short!r} is never initialised", fix=fix)
    return rest, {n: v for n, v in starts.items() if v is not None}


def with_plain_guards(statements: Iterable[Statement], stored_before: Iterable[str] = ()) -> tuple[Statement, ...]:
    """The statements with the guard `not state` as that of one of its keys, where none is stored before.

    A key can be given another name; what is left as it is will be refused.
    """
    done, before = list[Statement](), set(stored_before)
    for s in statements:
        match s:
            case Branch(then=then, otherwise=otherwise):
                sides = [with_plain_guards(side, before) for side in (then, otherwise)]
                done.append(replace(s, then=sides[0], otherwise=sides[1]))
            case Initialise(guard=guard, stores=first):
                inside = f"{guard}."
                keys = [n for n in certainly_stored(first) if n.startswith(inside)]
                free = keys and not any(n.startswith(inside) for n in before)
                done.append(replace(s, guard=keys[0]) if free else s)
            case _:
                done.append(s)
        before |= set(stored([s]))
    return tuple(done)


def _fixed(statements: Sequence[Statement], fixed: frozenset[str], states: Iterable[str]) -> frozenset[str]:
    """Names that hold the same number at every step: `fixed` ones, and locals assigned once, from such numbers only."""
    names, all_stores = set(fixed), [*states, *(n for s in statements for n in stored([s]))]
    for s in statements:
        if isinstance(s, Store) and not s.in_place and all_stores.count(s.target) == 1 and symbols(s.value) <= names:
            names.add(s.target)
    return frozenset(names)


def _resolved(
    definition: Definition,
    statements: Iterable[Statement],
    starts: dict[str, Expr | None],
    changed: set[str],
    simple: frozenset[str],
    fixed: frozenset[str],
    counter: str,
) -> list[Statement]:
    """The statements without initialisations; `starts` and `changed` grow with them.

    A branch that is taken at every step or at none (its condition is of `fixed` names) may hold some.
    """
    rest = list[Statement]()
    for statement in statements:
        if isinstance(statement, Initialise):
            _refuse_misplaced(definition, statement, starts, changed)
            begun, choices = _begun(statement, starts, simple - changed, changed, counter)
            starts |= begun
            rest += choices
        elif isinstance(statement, Branch) and symbols(statement.condition) <= fixed:
            before, sides = set(changed), list[tuple[Statement, ...]]()
            for side in (statement.then, statement.otherwise):
                inside = set(before)
                sides.append(tuple(_resolved(definition, side, starts, inside, simple, fixed, counter)))
                changed |= inside
            rest.append(Branch(statement.condition, sides[0], sides[1], statement.line))
        else:
            rest.append(statement)
        changed |= set(stored([statement]))
    return rest


def _begun(
    statement: Initialise,
    states: Mapping[str, Expr | None],
    simple: frozenset[str],
    changed: set[str],
    counter: str,
) -> tuple[Starts, list[Statement]]:
    """What an initialisation starts states at, and what is left of it for every step."""
    empty = {n for n, start in states.items() if start is None} - changed
    stores = [s for s in statement.stores if isinstance(s, Store) and not s.in_place and s.target in empty]
    if len({s.target for s in stores}) < len(statement.stores) or statement.otherwise:
        first = apply("eq", Symbol(counter), 1)
        begun: Starts = {n: Number(0) for n in certainly_stored(statement.stores) if n in empty}
        return begun, [Branch(first, statement.stores, statement.otherwise, statement.line)]
    begun, choices = {}, list[Statement]()
    for store in stores:
        begun[store.target], choice = _start(store, simple - begun.keys(), counter)
        choices += choice
    return begun, choices


def _start(store: Store, simple: frozenset[str], counter: str) -> tuple[Expr, list[Statement]]:
    """A store at the first step as an initial value, or as an initial 0 that the first step replaces."""
    value, name = store.value, store.target
    if isinstance(value, Number) or (isinstance(value, Symbol) and value.name in simple):
        # The name keeps sharing the array it was made from.
        same = [Store(name, Symbol(name), store.line, shares=store.shares | {name})] if store.shares else []
        return value, list(same)
    choice = apply("where", apply("eq", Symbol(counter), 1), value, Symbol(name))
    return Number(0), [Store(name, choice, store.line, shares=store.shares | {name})]


def _refuse_misplaced(
    definition: Definition, statement: Initialise, starts: Mapping[str, Expr | None], changed: set[str]
) -> None:
    """The guard must be empty at the first step, and only then; what is initialised must not have a value yet."""

    def error(what: str) -> UserError:
        return definition.error(what, statement.line, "initialise each state once, at the top of the step")

    guarded = [
        t for t in certainly_stored(statement.stores) if t == statement.guard or t.startswith(f"{statement.guard}.")
    ]
    if not guarded:
        raise error(f"this initialisation never gives {statement.guard!r} a value")
    for name in guarded:
        if name not in starts:
            raise error(f"{name!r} is not a state")
        if starts.get(name) is not None or name in changed:
            raise error(f"{name!r} has a value already")
    if any(n == statement.guard or n.startswith(f"{statement.guard}.") for n in changed):
        raise error(f"{statement.guard!r} has a value already")
