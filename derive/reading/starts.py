"""What each state holds before the first step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply
from derive.reading.source import Definition
from derive.reading.statements import Initialise, Statement, Store, stored

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
    starts, rest, changed = dict(declared), list[Statement](), set[str]()
    for statement in statements:
        if isinstance(statement, Initialise):
            _refuse_misplaced(definition, statement, starts, changed)
            for store in statement.stores:
                starts[store.target], choice = _start(store, simple - changed, counter)
                changed.add(store.target)
                rest += choice
        else:
            rest.append(statement)
            changed |= set(stored([statement]))
    for name, start in starts.items():
        if start is not None and not isinstance(start, Number) and start not in {Symbol(n) for n in simple}:
            fix = "start at a number, a hyperparameter or theta"
            raise definition.error(f"the state {name!r} starts at '{start}', which can't be read", fix=fix)
        if start is None:
            short = name.rsplit(".", 1)[-1]
            fix = f"give it an initial value: {short} = 0"
            raise definition.error(f"the state {short!r} is never initialised", fix=fix)
    return rest, {n: v for n, v in starts.items() if v is not None}


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

    targets = [s.target for s in statement.stores]
    guarded = [t for t in targets if t == statement.guard or t.startswith(f"{statement.guard}.")]
    if not guarded:
        raise error(f"this initialisation never gives {statement.guard!r} a value")
    for name in targets:
        if name not in starts:
            raise error(f"{name!r} is not a state")
        if starts[name] is not None or name in changed:
            raise error(f"{name!r} has a value already")
    if any(n == statement.guard or n.startswith(f"{statement.guard}.") for n in changed):
        raise error(f"{statement.guard!r} has a value already")
