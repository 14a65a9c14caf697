"""Roles: what the free names of a `Procedure` mean. The last stage of reading, and the only one that goes by names.

The parameter, its gradient, the counter and an average's input have the names `Roles` gives them;
state and hyperparameters follow from where an argument stands and what the step does to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.expr import Expr, Number, Symbol, is_truth, substitute, symbols
from derive.reading.python.scope import ASKED
from derive.reading.source import Definition
from derive.reading.step.aliases import refuse_shared_stores
from derive.reading.step.counters import replace_counters
from derive.reading.step.flatten import Line, assignments, flatten, renamed
from derive.reading.step.handles import followed
from derive.reading.step.outputs import with_outputs
from derive.reading.step.queries import Questions, separate_questions
from derive.reading.step.starts import resolve_starts
from derive.reading.step.statements import Parameter, Procedure, fresh, stored
from derive.rule import REAL, WORDS, Assignment, Hyperparameter, Rule, State, inline, refuse_word


@dataclass(frozen=True)
class Roles:
    """The names of a text that are neither state nor hyperparameter."""

    theta: str = "theta"
    g: str = "g"
    t: str = "t"
    x: str = "x"
    output: str = "output"


RULE_LANGUAGE = Roles()
COUNTED = "t()"  # the step counter where no argument is


@dataclass(frozen=True)
class Cast:
    """Who plays what in one procedure: the states with their declared start, and which of them are arguments.

    `counter` is the argument that counts the steps, or COUNTED: a local or a state called t is not it.
    """

    inputs: tuple[str, ...]
    output: str
    counter: str
    hyperparameters: tuple[Hyperparameter, ...]
    states: dict[str, Expr | None]
    arguments: tuple[str, ...]


def to_rule(procedure: Procedure, roles: Roles = RULE_LANGUAGE) -> Rule:
    """The rule a procedure is, under the given roles. Raises UserError where it breaks the language's conventions."""
    procedure, roles = followed(procedure), _with_its_gradient(procedure, roles)
    definition, cast = procedure.definition, assign_roles(procedure, roles)
    constants = {h.name for h in cast.hyperparameters}
    statements = with_outputs(procedure, cast.output, cast.arguments)
    statements, starts = resolve_starts(definition, statements, cast.states, {roles.theta, *constants}, cast.counter)
    kept = {cast.output, *cast.states, *constants}
    refuse_shared_stores(definition, statements, {*constants, cast.counter}, kept, {*cast.inputs} - kept)
    lines = flatten(statements, {*cast.inputs, *starts, *constants}, definition.file)
    _refuse_not_updated(definition, lines, cast)
    moving = {cast.output, *cast.states}
    body, questions = separate_questions(definition, lines, cast.inputs, moving, roles.g)
    _refuse_foreign_output(procedure, body, cast)
    body = _without_copies(body, constants)
    _refuse_truths(definition, body, cast)
    body, questions, starts = _counted(body, questions, starts, cast, roles)
    for name in starts:
        refuse_word("state", name, _where(procedure, name))
    names = _names(body, starts, cast, roles)
    body = assignments(renamed(body, names))
    asked = [(names.get(answer, answer), _rename(point, names)) for answer, point in questions]
    return Rule(
        name=definition.node.name,
        inputs=_inputs(procedure, cast, body, asked, roles),
        hyperparameters=tuple(
            Hyperparameter(names.get(h.name, h.name), h.default, h.domain) for h in cast.hyperparameters
        ),
        states=tuple(State(names.get(n, n), _rename(start, names)) for n, start in starts.items()),
        body=tuple(body),
        outputs=(names.get(cast.output, cast.output),),
        query=None if not asked or asked[0][1] is Symbol("theta") else asked[0][1],
        asked=tuple(asked[1:]),
        reference=procedure.reference,
        doc=definition.doc,
        source=definition.source,
        where=definition.where,
    )


def _with_its_gradient(procedure: Procedure, roles: Roles) -> Roles:
    """The roles, with `theta.grad` for the gradient where the text has that and no other."""
    names, gradient = {p.name for p in procedure.parameters}, f"{roles.theta}.grad"
    return replace(roles, g=gradient) if gradient in names and roles.g not in names else roles


# Who is who


def assign_roles(procedure: Procedure, roles: Roles) -> Cast:
    """The part each argument plays. Raises UserError for an argument that can play none."""
    changed = set(stored(procedure.statements))
    names = {p.name for p in procedure.parameters}
    is_average = roles.theta not in names
    if is_average and roles.theta in changed:
        raise procedure.definition.error(f"{roles.theta!r} is assigned to but is no argument", fix="add it")
    if is_average and roles.x not in names:
        what = f"there is neither an argument {roles.theta!r} nor an input {roles.x!r}"
        fix = f"call the parameter {roles.theta} and the gradient {roles.g}, or the input of an average {roles.x}"
        raise procedure.definition.error(what, fix=fix)
    given = {roles.x} if is_average else {roles.theta, roles.g}
    given |= {roles.t} - changed
    others = [p for p in procedure.parameters if p.name not in given]
    for p in procedure.parameters:
        if p.name in given:
            _refuse_fixed_input(p, procedure, roles)
    states = [p for p in others if _is_state(p, procedure, changed)]
    fixed = [_hyperparameter(p, procedure, changed) for p in others if p not in states]
    fixed += [Hyperparameter(place, None) for place in procedure.kept if place not in changed]
    kept = {place: start for place, start in procedure.kept.items() if place in changed}
    for name in {*(p.name for p in states), *kept} - {roles.t}:  # a state t may turn out to be the counter
        word = "output" if is_average and name == roles.output else name
        refuse_word("state", word, _where(procedure, name))
    return Cast(
        inputs=tuple(n for n in (roles.x, roles.theta, roles.g, roles.t) if n in given & names),
        output=roles.output if is_average else roles.theta,
        counter=roles.t if roles.t in given & names else COUNTED,
        hyperparameters=tuple(fixed),
        states={p.name: _declared_start(p, procedure, {roles.g} & given - names) for p in states} | kept,
        arguments=tuple(p.name for p in states),
    )


def _refuse_fixed_input(p: Parameter, procedure: Procedure, roles: Roles) -> None:
    """An input that is declared as a state or hyperparameter; plain code may let t start by itself."""
    given_start = p.default is not None and not (p.name == roles.t and p.default.denominator == 1)
    unlike = p.keyword_only or p.optional or p.default is not None
    if p.domain != REAL or given_start or (procedure.declared and unlike):
        word = next(w for w in ("theta", "g", "t", "x") if getattr(roles, w) == p.name)
        refuse_word("hyperparameter" if p.keyword_only else "state", word, _where(procedure, p.name))


def _where(procedure: Procedure, name: str) -> str:
    """The file and line of an argument, or of the definition where the name is none."""
    lines = {p.name: p.line for p in procedure.parameters}
    return f"{procedure.definition.file}:{lines.get(name, procedure.definition.node.lineno)}"


def _is_state(p: Parameter, procedure: Procedure, changed: set[str]) -> bool:
    returned = {r.name for r in procedure.returned}
    return not p.keyword_only and (procedure.declared or p.name in changed or p.name in returned)


def _hyperparameter(p: Parameter, procedure: Procedure, changed: set[str]) -> Hyperparameter:
    if p.name in changed:
        fix = f"use another name, such as {p.name}_t"
        raise procedure.definition.error(f"the hyperparameter {p.name!r} is assigned to", p.line, fix)
    refuse_word("hyperparameter", p.name, _where(procedure, p.name))
    return Hyperparameter(p.name, p.default, p.domain)


def _declared_start(p: Parameter, procedure: Procedure, missing: set[str]) -> Expr | None:
    if p.default is None and not p.optional:
        what, fix = f"the state {p.name!r} is never initialised", f"give it an initial value: {p.name}=0"
        gradient = "".join(f", or call it {name} if it is the gradient" for name in missing)
        raise procedure.definition.error(what, p.line, fix + gradient)
    return None if p.default is None else Number(p.default)


def _refuse_not_updated(definition: Definition, lines: Sequence[Line], cast: Cast) -> None:
    targets = {line.target for line in lines}
    for name in (cast.output, *cast.states):
        if name not in targets:
            kind = "output" if name == cast.output else "state"
            raise definition.error(f"the {kind} {name!r} is never updated", fix=f"assign it: {name} = ...")


def _refuse_foreign_output(procedure: Procedure, body: Sequence[Assignment], cast: Cast) -> None:
    """What is returned in theta's place under another name must be made from theta: it may be the bare update."""
    by_name = any(r.name == cast.output for r in procedure.returned)
    if cast.output in cast.inputs and not by_name and cast.output not in symbols(inline(body)[cast.output]):
        what, fix = f"what is returned first is not made from {cast.output!r}", f"return the new {cast.output}"
        raise procedure.definition.error(what, procedure.return_line, fix)


def _refuse_truths(definition: Definition, body: Sequence[Assignment], cast: Cast) -> None:
    """What is kept from step to step is a number."""
    values = inline(body)
    for name in (cast.output, *cast.states):
        if is_truth(values.get(name, Symbol(name))):
            fix = "write where(condition, 1, 0)"
            raise definition.error(f"{name!r} ends the step as a truth value", fix=fix)


# What is given


def _names_in(lines: Iterable[Assignment]) -> set[str]:
    return {name for a in lines for name in (a.target, *symbols(a.value))}


def _inputs(
    procedure: Procedure, cast: Cast, body: Sequence[Assignment], questions: Questions, roles: Roles
) -> tuple[str, ...]:
    used = _names_in(body) | symbols(*(point for _, point in questions))
    counted = ("t",) if cast.counter in cast.inputs or {"t", COUNTED} & used else ()
    if cast.output == roles.output:
        return ("x", *counted)
    if roles.g not in cast.inputs and not questions:
        fix = f"call the gradient {roles.g}, or write {roles.g} = grad({roles.theta})"
        raise procedure.definition.error("there is no gradient", fix=fix)
    return ("theta", "g", *counted)


# Names


def _names(body: Sequence[Assignment], starts: Mapping[str, Expr], cast: Cast, roles: Roles) -> dict[str, str]:
    """New names: the rule language's for the roles; `self.m` and `state["m"]` become m; a local m beside them m_new."""
    average = cast.output == roles.output
    names = {roles.x: "x", roles.output: "output"} if average else {roles.theta: "theta", roles.g: "g"}
    names[cast.counter] = "t"
    places = [*starts, *(h.name for h in cast.hyperparameters)]
    taken = {*names.values(), *(p for p in places if "." not in p)}
    for place in (p for p in places if "." in p):
        names[place] = fresh(place.rsplit(".", 1)[1], {*taken, *WORDS})
        taken.add(names[place])
    local = _names_in(body)
    for name in sorted(local - set(places) - set(names)):
        short = name.rsplit(".", 1)[-1]
        if name in taken or name != short:
            names[name] = fresh(f"{name}_new" if name == short else short, taken | local)
            taken.add(names[name])
    return {old: new for old, new in names.items() if old != new}


def _counted(
    body: Sequence[Assignment], questions: Questions, starts: Mapping[str, Expr], cast: Cast, roles: Roles
) -> tuple[list[Assignment], Questions, dict[str, Expr]]:
    """The body, the questions and the states without counters, nor `t = self.t`, which is one under its own name."""
    asked = [Assignment(f"{ASKED} {name}", point) for name, point in questions]
    lines, starts = replace_counters([*asked, *body], starts, cast.counter)
    copies = [a for a in lines if a.target == roles.t]
    if len(copies) == 1 and copies[0].value is Symbol(cast.counter):
        once = {roles.t: copies[0].value}
        lines = [Assignment(a.target, substitute([a.value], once)[0], a.line) for a in lines if a is not copies[0]]
    points = [line.value for line in lines[: len(asked)]]
    return lines[len(asked) :], list(zip((name for name, _ in questions), points, strict=True)), starts


def _without_copies(body: Sequence[Assignment], constants: set[str]) -> list[Assignment]:
    """The body without `lr = self.lr`: a hyperparameter under its own short name."""
    copies = {a.target: a.value for a in body if isinstance(a.value, Symbol) and a.value.name in constants
              and a.value.name.endswith(f".{a.target}")}  # fmt: skip
    once = {n: v for n, v in copies.items() if sum(a.target == n for a in body) == 1}
    return [Assignment(a.target, substitute([a.value], once)[0], a.line) for a in body if a.target not in once]


def _rename(value: Expr, names: Mapping[str, str]) -> Expr:
    return substitute([value], {old: Symbol(new) for old, new in names.items()})[0]
