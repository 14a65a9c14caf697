"""Roles: what the free names of a `Procedure` mean. The last stage of reading, and the only one that goes by names.

For now the parameter, its gradient, the counter and an average's input have their names of the
rule language (`Roles`); state and hyperparameters follow from where an argument stands and what
the step does to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.reading.aliases import refuse_shared_stores
from derive.reading.flatten import Line, flatten, renamed
from derive.reading.statements import (
    RETURNED,
    Initialise,
    Parameter,
    Procedure,
    Query,
    Statement,
    Store,
    fresh,
    parallel,
    stored,
)
from derive.rule import COUNTER, Assignment, Hyperparameter, Rule, State, inline


@dataclass(frozen=True)
class Roles:
    """The names that are neither state nor hyperparameter."""

    theta: str = "theta"
    g: str = "g"
    t: str = "t"
    x: str = "x"
    output: str = "output"


@dataclass(frozen=True)
class Cast:
    """Who plays what in one procedure: the places of its states (with their start), hyperparameters and output."""

    inputs: tuple[str, ...]
    hyperparameters: tuple[Hyperparameter, ...]
    states: dict[str, Expr | None]
    returned_states: tuple[str, ...]
    output: str


def to_rule(procedure: Procedure, roles: Roles = Roles()) -> Rule:  # noqa: B008 - frozen
    """The rule a procedure is, under the given roles. Raises UserError where it breaks the language's conventions."""
    cast = assign_roles(procedure, roles)
    statements, starts = _starts(procedure, cast, roles)
    scalars = {h.name for h in cast.hyperparameters} | {roles.t}
    refuse_shared_stores(procedure.definition, statements, scalars, (*cast.inputs[:1], *cast.states))
    lines = flatten(statements, {*cast.inputs, *cast.states, *(h.name for h in cast.hyperparameters)},
                    procedure.definition.file)  # fmt: skip
    lines = _with_outputs(lines, procedure, cast)
    _refuse_unused(lines, procedure, cast, roles)
    body, query = _query(lines, procedure, roles)
    body, starts, counted = _counters(body, starts, roles)
    names = _plain_names(body, starts, cast)
    return Rule(
        name=procedure.definition.node.name,
        inputs=_inputs(cast, query, body, counted, procedure, roles),
        hyperparameters=tuple(_renamed_hyperparameter(h, names) for h in cast.hyperparameters),
        states=tuple(State(names.get(n, n), _rename(v, names)) for n, v in starts.items()),
        body=tuple(Assignment(names.get(a.target, a.target), _rename(a.value, names), a.line) for a in body),
        outputs=(cast.output,),
        query=None if query is None or query is Symbol(roles.theta) else _rename(query, names),
        reference=procedure.reference,
        doc=procedure.definition.doc,
        source=procedure.definition.source,
        where=procedure.definition.where,
    )


# Who is who


def assign_roles(procedure: Procedure, roles: Roles) -> Cast:
    """The part each argument plays. Raises UserError for an argument that can play none."""
    changed = {*stored(procedure.statements), *(s.target for s in procedure.statements if isinstance(s, Initialise))}
    names = [p.name for p in procedure.parameters]
    is_average = roles.theta not in names and roles.theta not in changed
    if is_average and roles.x not in names:
        raise procedure.definition.error(
            "there is neither a parameter 'theta' nor an input 'x'", fix="a rule takes (theta, g), an average (x)"
        )
    inputs = tuple(n for n in ((roles.x,) if is_average else (roles.theta, roles.g)) if n in names)
    counter = next((p for p in procedure.parameters if p.name == roles.t and roles.t not in changed), None)
    inputs += (roles.t,) if counter else ()
    others = [p for p in procedure.parameters if p.name not in inputs]
    states = [p for p in others if _is_state(p, procedure, changed)]
    hyperparameters = [_hyperparameter(p, procedure, changed) for p in others if p not in states]
    hyperparameters += [Hyperparameter(k, None) for k in procedure.kept if k not in changed]
    starts = {p.name: _start(p, procedure) for p in states}
    starts |= {k: v for k, v in procedure.kept.items() if k in changed}
    output = roles.output if is_average else roles.theta
    return Cast(inputs, tuple(hyperparameters), starts, tuple(p.name for p in states), output)


def _is_state(p: Parameter, procedure: Procedure, changed: set[str]) -> bool:
    if p.keyword_only:
        return False
    return procedure.declared or p.name in changed or p.name in procedure.returned


def _hyperparameter(p: Parameter, procedure: Procedure, changed: set[str]) -> Hyperparameter:
    if p.name in changed:
        raise procedure.definition.error(
            f"the hyperparameter {p.name!r} is assigned to", p.line, f"use another name, such as {p.name}_t"
        )
    return Hyperparameter(p.name, p.default, p.domain)


def _start(p: Parameter, procedure: Procedure) -> Expr | None:
    if p.default is None and not p.optional:
        raise procedure.definition.error(
            f"the state {p.name!r} is never initialised", p.line, f"give it an initial value: {p.name}=0"
        )
    return None if p.default is None else Number(p.default)


# The start of each state


def _starts(procedure: Procedure, cast: Cast, roles: Roles) -> tuple[list[Statement], dict[str, Expr]]:
    """The statements without initialisations, and the initial value of every state.

    An initial value that is neither a constant, a hyperparameter nor `theta` is a choice at t = 1.
    """
    starts, rest, changed = dict(cast.states), list[Statement](), set[str]()
    simple = {roles.theta, *(h.name for h in cast.hyperparameters)}
    for statement in procedure.statements:
        if isinstance(statement, Initialise):
            name, value = statement.target, statement.value
            if name not in starts or name in changed:
                raise procedure.definition.error(f"{name!r} is not a state at its start", statement.line)
            if isinstance(value, Number) or (isinstance(value, Symbol) and value.name in simple - changed):
                starts[name] = value
                rest.append(statement)
            else:
                starts[name] = starts[name] or Number(0)
                choice = apply("where", apply("eq", Symbol(roles.t), 1), value, Symbol(name))
                rest.append(Store(name, choice, statement.line, shares=statement.shares | {name}))
        else:
            changed |= set(stored([statement]))
            rest.append(statement)
    for name, start in starts.items():
        if start is None:
            raise procedure.definition.error(f"the state {name!r} is never initialised", fix="give it an initial value")
    return rest, {n: v for n, v in starts.items() if v is not None}


# What is returned


def _with_outputs(lines: list[Line], procedure: Procedure, cast: Cast) -> list[Line]:
    """The lines, with what is returned under other names assigned to the output and the states."""
    slots = (cast.output, *cast.returned_states)
    places = procedure.returned
    whole = cast.output == "output" and len(places) == len(slots)
    named = {p for i, p in enumerate(places) if p in slots and not (whole and i == 0)}
    last: list[Assignment] = []
    for position, place in enumerate(places):
        if place in named and not (whole and position == 0):
            continue
        slot = slots[position] if position < len(slots) else None
        if slot is None or slot in named:
            raise procedure.definition.error(
                f"{_shown(place)} is returned in no one's place", procedure.return_line, _return_fix(slots)
            )
        value = next((a.value for a in lines if isinstance(a, Assignment) and a.target == place), Symbol(place))
        value = value if place.startswith("return[") else Symbol(place)
        if slot != place:
            last.append(Assignment(slot, value, procedure.return_line))
        named.add(slot)
    missing = [s for s in slots if s not in named]
    if missing:
        kind = "state" if missing[0] != cast.output else "output"
        raise procedure.definition.error(
            f"the {kind} {missing[0]!r} is not returned", procedure.return_line, _return_fix(slots)
        )
    kept = [a for a in lines if not a.target.startswith("return[")]
    done = [*kept, *parallel(last, {a.target for a in kept})]
    _refuse_foreign_output(done, last, procedure, cast)
    return done


def _refuse_foreign_output(lines: list[Line], last: list[Assignment], procedure: Procedure, cast: Cast) -> None:
    """An expression returned in theta's place must be made from theta: otherwise it may be the bare update."""
    if cast.output == "output" or cast.output not in {a.target for a in last}:
        return
    final = inline(a if isinstance(a, Assignment) else Assignment(a.target, a.point) for a in lines)[cast.output]
    if cast.output not in symbols(final):
        raise procedure.definition.error(
            f"what is returned first is not made from {cast.output!r}",
            procedure.return_line,
            f"return the new {cast.output}",
        )


def _shown(place: str) -> str:
    return "an expression" if place.startswith("return[") else repr(place)


def _return_fix(slots: tuple[str, ...]) -> str:
    return f"end with 'return {', '.join(slots)}'"


def _refuse_unused(lines: list[Line], procedure: Procedure, cast: Cast, roles: Roles) -> None:
    targets = {line.target for line in lines}
    for name in (cast.output, *cast.states):
        if name not in targets:
            kind = "state" if name != cast.output else "output"
            raise procedure.definition.error(f"the {kind} {name!r} is never updated", fix=f"assign it: {name} = ...")


# Where the gradient is taken


def _query(lines: list[Line], procedure: Procedure, roles: Roles) -> tuple[list[Assignment], Expr | None]:
    """The assignments without the query, and the point it asks at, in the values before the step."""
    asked = [i for i, line in enumerate(lines) if isinstance(line, Query)]
    if not asked:
        return [line for line in lines if isinstance(line, Assignment)], None
    if len(asked) > 1:
        raise procedure.definition.error("more than one gradient a step can't be read", lines[asked[1]].line)
    before = [a for a in lines[: asked[0]] if isinstance(a, Assignment)]
    query, after = lines[asked[0]], lines[asked[0] + 1 :]
    assert isinstance(query, Query)
    [point] = substitute([query.point], inline(before))
    read = {s for a in before for s in symbols(a.value)} | symbols(point) | {a.target for a in before}
    if query.target != roles.g:
        read |= {s for a in after if isinstance(a, Assignment) for s in symbols(a.value)} | {a.target for a in after}
    if roles.g in read:
        raise procedure.definition.error(
            "two gradients in one step can't be read", query.line, f"ask for one and call it {roles.g!r}"
        )
    body = renamed([*before, *after], {query.target: roles.g})
    return [a for a in body if isinstance(a, Assignment)], point


# Counters


def _counters(
    body: list[Assignment], starts: dict[str, Expr], roles: Roles
) -> tuple[list[Assignment], dict[str, Expr], bool]:
    """A state that starts at a whole number and grows by one each step is the counter t, shifted."""
    for name, start in starts.items():
        stores = [i for i, a in enumerate(body) if a.target == name]
        grows = len(stores) == 1 and body[stores[0]].value in (
            apply("add", Symbol(name), 1),
            apply("add", 1, Symbol(name)),
        )
        if grows and isinstance(start, Number) and start.value.denominator == 1:
            at, offset = stores[0], int(start.value)
            counted = _shifted(body[:at], name, offset - 1, roles) + _shifted(body[at + 1 :], name, offset, roles)
            others = {n: v for n, v in starts.items() if n != name}
            return (*_counters(counted, others, roles)[:2], True)
    return body, starts, False


def _shifted(lines: Iterable[Assignment], name: str, offset: int, roles: Roles) -> list[Assignment]:
    t = Symbol(roles.t)
    value = t if offset == 0 else t + offset if offset > 0 else t - (-offset)
    return [Assignment(a.target, substitute([a.value], {name: value})[0], a.line) for a in lines]


# Names


def _plain_names(body: list[Assignment], starts: dict[str, Expr], cast: Cast) -> dict[str, str]:
    """`self.m` and `state["m"]` become m; a local m beside them, m_new."""
    places = [*starts, *(h.name for h in cast.hyperparameters)]
    names: dict[str, str] = {}
    taken = {n for n in (*cast.inputs, *places) if "." not in n} | {"g", "t"}
    local = {a.target for a in body} | {s for a in body for s in symbols(a.value)}
    for place in (p for p in places if "." in p):
        names[place] = fresh(place.rsplit(".", 1)[1], taken)
        taken.add(names[place])
    for name in sorted(n for n in local if n not in places and n not in cast.inputs and n in names.values()):
        names[name] = fresh(f"{name}_new", taken | local)
        taken.add(names[name])
    return names


def _rename(value: Expr, names: dict[str, str]) -> Expr:
    return substitute([value], {old: Symbol(new) for old, new in names.items()})[0]


def _renamed_hyperparameter(h: Hyperparameter, names: dict[str, str]) -> Hyperparameter:
    return Hyperparameter(names.get(h.name, h.name), h.default, h.domain, h.meaning)


def _inputs(
    cast: Cast, query: Expr | None, body: list[Assignment], counted: bool, procedure: Procedure, roles: Roles
) -> tuple[str, ...]:
    used = {s for a in body for s in symbols(a.value)}
    inputs = [roles.x] if cast.output == roles.output else [roles.theta, roles.g]
    if roles.g in inputs and roles.g not in cast.inputs and query is None:
        raise procedure.definition.error("there is no gradient", fix="take 'g' as an argument, or write g = grad(theta)")
    return (*inputs, *([roles.t] if roles.t in cast.inputs or counted or roles.t in used else []))
