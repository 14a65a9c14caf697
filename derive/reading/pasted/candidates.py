"""Candidates: every consistent assignment of roles to the names of a draft, the likeliest first.

What a name can be follows from what the step does with it: the parameter is carried, made from
itself and from the gradient, and no other state is made from it that it is not made from; the
gradient is only read; the counter stands in an exponent, a condition or a schedule. What a name is
called decides nothing but the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, product

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, nodes, substitute
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.flow import dependencies, reads
from derive.reading.roles import to_rule
from derive.reading.scope import ASKED
from derive.reading.statements import (
    Branch,
    Initialise,
    Parameter,
    Procedure,
    Query,
    Returned,
    Statement,
    Store,
    fresh,
    stored,
    substituted,
)
from derive.rule import WORDS, Rule

MOST = 200
FEWEST, NAMES = 12, 4_000  # of a text with many names fewer candidates: each costs as much as it has names


@dataclass(frozen=True)
class Candidate:
    """A rule the draft may be. `roles`: each name of the rule with the name in the text.

    `open_starts` are states whose first value the text doesn't show: their initial 0 is provisional.
    `assumed` says in words what else the text leaves open.
    """

    rule: Rule
    roles: Mapping[str, str]
    open_starts: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """Who is who: the parameter (or an average's output), the gradient (or its input), the counter."""

    theta: str
    g: str
    t: str | None
    average: bool = False


def candidates_of(draft: Draft, given: Mapping[str, str] | None = None) -> Iterator[Candidate]:
    """The candidates, at most `MOST`. `given` fixes roles, {"w": "theta", "alpha": "lr"}; other roles follow.

    Raises UserError where no assignment is consistent, with what stands against the likeliest.
    """
    problems: list[UserError] = []
    found = False
    names = len(draft.free) + len(stored(draft.step.statements))
    for candidate in islice(_all(draft, dict(given or {}), problems), min(MOST, max(FEWEST, NAMES // names))):
        found = True
        yield candidate
    if not found:
        what = "no name can be the parameter and another its gradient"
        raise problems[0] if problems else draft.step.definition.error(what, fix="say who is who: w=theta,dw=g")


def _all(draft: Draft, given: Mapping[str, str], problems: list[UserError]) -> Iterator[Candidate]:
    for reading in (draft, *draft.others):
        try:
            wanted = _wanted(reading, given)
        except UserError as error:
            problems.append(error)
            continue
        for part in islice(_parts(reading, wanted), MOST):
            try:
                yield _candidate(reading, part, wanted)
            except UserError as error:
                problems.append(error)


def _wanted(draft: Draft, given: Mapping[str, str]) -> dict[str, str]:
    """The given roles by the names of the draft. Raises UserError for a name the text does not have."""
    names = {n: n for n in (*draft.states, *draft.free, *stored(draft.step.statements))}
    names |= {draft.shown(n): n for n in list(names)} | {n.rsplit(".", 1)[-1]: n for n in list(names) if "." in n}
    if draft.step.counter:
        names[draft.step.counter] = draft.step.counter
    wanted: dict[str, str] = {}
    for name, role in given.items():
        if name not in names:
            there = ", ".join(sorted(draft.shown(n) for n in {*draft.states, *draft.free}))
            raise draft.step.definition.error(f"{name!r} is no name of the text", fix=f"the names are {there}")
        wanted[names[name]] = role
    if len(set(wanted.values())) < len(wanted):
        raise UserError("two names are given one role", where=draft.step.definition.file, fix="give each its own")
    return wanted


# Who can be what


def _parts(draft: Draft, wanted: Mapping[str, str]) -> Iterator[_Part]:
    questions = [q.target for q in draft.questions]
    inputs = questions or _inputs(draft)
    made = _made_over_steps(draft)
    counters = _counters(draft)
    for theta, g in product(_by_name(_thetas(draft), _PARAMETER), _by_name(_weights_last(inputs, draft), _GRADIENT)):
        if _is_parameter(theta, g, made, draft) and _allowed(wanted, {theta: "theta", g: "g"}):
            yield from (
                _Part(theta, g, t) for t in counters
                if t not in (theta, g) and _allowed(wanted, {theta: "theta", g: "g", **({t: "t"} if t else {})})
            )  # fmt: skip
    if not questions:
        yield from _averages(draft, wanted, counters)


def _inputs(draft: Draft) -> list[str]:
    """The names that may be given anew at each step: not those that hold one value through a loop."""
    step = draft.step
    fixed = {*step.starts, *((p.name for p in step.parameters) if step.looped else ())} - {*step.unknown}
    return [n for n in draft.free if n != step.counter and n not in fixed]


def _allowed(wanted: Mapping[str, str], roles: Mapping[str, str]) -> bool:
    """Whether an assignment gives every wanted role to its name, and to no other."""
    special = {n: r for n, r in wanted.items() if r in WORDS}
    return all(wanted.get(n, r) == r for n, r in roles.items()) and all(roles.get(n) == r for n, r in special.items())


def _averages(draft: Draft, wanted: Mapping[str, str], counters: Sequence[str | None]) -> Iterator[_Part]:
    made = dependencies(draft.step.statements)
    loose = [n for n in stored(draft.step.statements) if n not in draft.states
             and not any(n in reads(s) for s in draft.step.statements)]  # fmt: skip
    for output in [*loose, *draft.last]:
        for x in _by_name(_weights_last(_inputs(draft), draft), _INPUT):
            for t in counters:
                roles = {output: "output", x: "x", **({t: "t"} if t else {})}
                if t != x and x in made[output] and _allowed(wanted, roles):
                    yield _Part(output, x, t, average=True)


def _thetas(draft: Draft) -> list[str]:
    """The states that can be the parameter: the last ones, or those a question asks about."""
    asked = {n for q in draft.questions for n in reads(q)}
    before = dependencies(_before_first_question(draft))
    asked = {o for n in asked for o in before.get(n, frozenset({n}))} & set(draft.states)
    return [s for s in draft.states if s in asked] if asked else list(draft.last)


def _before_first_question(draft: Draft) -> list[Statement]:
    kept: list[Statement] = []
    for s in draft.step.statements:
        if isinstance(s, Query):
            break
        kept.append(s)
    return kept


def _made_over_steps(draft: Draft) -> dict[str, set[str]]:
    """For each state, all it is made from in any number of steps, answers of questions included."""
    opened = [s for s in draft.step.statements if not isinstance(s, Query)]
    made = {n: set(d) for n, d in dependencies(opened).items()}
    for _ in draft.states:
        for s in draft.states:
            for o in list(made.get(s, ())):
                made[s] |= made.get(o, set()) if o in draft.states else set()
    return made


def _is_parameter(theta: str, g: str, made: Mapping[str, set[str]], draft: Draft) -> bool:
    """Whether theta is made from itself and from g, and the values behind g only from parameters."""
    behind = draft.step.unknown.get(g, frozenset())
    return g in made[theta] and theta in made[theta] and behind <= draft.parameters | set(draft.last)


def _counters(draft: Draft) -> list[str | None]:
    if draft.step.counter:
        return [draft.step.counter if draft.step.counter in draft.free else None]
    found = [n for n in _inputs(draft) if n in _counting(draft)]
    likely = [n for n in found if _COUNTER.fullmatch(n)]
    return [*likely, None, *(n for n in found if n not in likely)]


def _counting(draft: Draft) -> set[str]:
    """The names in exponents, conditions, divisors and roots."""
    found: set[str] = set()
    for value in _values(draft.step.statements):
        for node in nodes([value]):
            if isinstance(node, Apply):
                inside = {"pow": node.args[1:], "div": node.args[1:], "sqrt": node.args}.get(node.op, ())
                if node.op in ("eq", "ne", "lt", "le", "gt", "ge"):
                    inside = node.args
                found |= {n.name for arg in inside for n in nodes([arg]) if isinstance(n, Symbol)}
    return found


def _values(statements: Sequence[Statement]) -> Iterator[Expr]:
    for s in statements:
        match s:
            case Store(value=value) | Query(point=value):
                yield value
            case Branch(condition=condition, then=then, otherwise=otherwise):
                yield condition
                yield from _values((*then, *otherwise))
            case Initialise(stores=stores):
                yield from _values(stores)


def _weights_last(names: Sequence[str], draft: Draft) -> list[str]:
    """The names, those that stand in `1 - name` or under a power that is no number last: they weigh."""
    weighing: set[Expr] = set()
    for value in _values(draft.step.statements):
        for node in nodes([value]):
            if isinstance(node, Apply) and (
                (node.op == "sub" and node.args[0] is Number(1))
                or (node.op == "pow" and not isinstance(node.args[1], Number))
            ):
                weighing |= set(node.args)
    return sorted(names, key=lambda n: Symbol(n) in weighing)


# What names suggest: the order only

_PARAMETER = re.compile(r"theta|params?(eters?)?|weights?|w|x|p|W|b")
_GRADIENT = re.compile(r".*grad.*|d[a-zA-Z]\w*|.*\.d\w+|g|g_.*|.*_g")
_COUNTER = re.compile(r"t|step|steps|iteration|iter|i|k|n|epoch|.*_step|.*step.*")
_INPUT = re.compile(r"x|value|.*grad.*|g|theta|y")


def _by_name(names: Sequence[str], likely: re.Pattern[str]) -> list[str]:
    return sorted(names, key=lambda n: likely.fullmatch(n.removeprefix("self.")) is None)


# The rule under one assignment


def _candidate(draft: Draft, part: _Part, wanted: Mapping[str, str]) -> Candidate:
    names = _names(draft, part, wanted)
    counts = _open_counters(draft)
    procedure = _procedure(draft, part, names, counts)
    rule = to_rule(procedure)
    as_shown: dict[str, Expr] = {n: Symbol(draft.shown(n)) for n in names}
    asked = {q.target: f"grad({substitute([q.point], as_shown)[0]})" for q in draft.questions if q.target == ASKED}
    roles = {new: asked.get(old) or draft.shown(old) for old, new in names.items() if new in _named(rule)}
    open_starts = [names[s] for s in draft.states if _is_open(draft, s) and names[s] in rule.state_names]
    assumed = [f"{draft.shown(n)} is {start} before the first step" for n, start in counts.items()]
    if part.t and not draft.step.counter:
        assumed.append(f"{draft.shown(part.t)} counts the steps from 1")
    return Candidate(rule, roles, tuple(open_starts), tuple(assumed))


def _named(rule: Rule) -> set[str]:
    return {*rule.inputs, *rule.outputs, *rule.state_names, *rule.hyperparameter_names}


def _names(draft: Draft, part: _Part, wanted: Mapping[str, str]) -> dict[str, str]:
    """A name of the rule language for each name of the draft, no two alike."""
    roles = ("output", "x") if part.average else ("theta", "g")
    names = {part.theta: roles[0], part.g: roles[1], **({part.t: "t"} if part.t else {})}
    if part.average and part.theta in draft.states:
        names = {part.g: "x", **({part.t: "t"} if part.t else {})}
    names |= {n: r for n, r in wanted.items() if n not in names}
    taken = {*WORDS, *names.values()}
    for name in dict.fromkeys((*draft.states, *draft.free, *stored(draft.step.statements))):
        if name not in names:
            names[name] = fresh(re.sub(r"\W", "_", name.rsplit(".", 1)[-1]), taken)
            taken.add(names[name])
    return names


def _procedure(draft: Draft, part: _Part, names: Mapping[str, str], counts: Mapping[str, int]) -> Procedure:
    step = draft.step
    values: dict[str, Expr] = {old: Symbol(new) for old, new in names.items()}
    if step.counter and step.counter == part.t and step.first != 1:
        values[step.counter] = Symbol("t") - (1 - step.first) if step.first < 1 else Symbol("t") + (step.first - 1)
    statements = tuple(_by_value(substituted(s, values)) if draft.by_value else substituted(s, values)
                       for s in step.statements)  # fmt: skip
    arguments = {p.name: p for p in step.parameters}
    states = [s for s in draft.states if part.average or s != part.theta]
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
            case Initialise(stores=stores) if name in stored(stores):
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
    return set(stored([s for s in draft.step.statements if isinstance(s, Initialise)]))


def _is_open(draft: Draft, state: str) -> bool:
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


def _open_counters(draft: Draft) -> dict[str, int]:
    """Counters whose first value the text doesn't show: such that the first step reads 1."""
    found: dict[str, int] = {}
    for state in draft.states:
        stores = [i for i, s in enumerate(draft.step.statements) if state in stored([s])]
        one = draft.step.statements[stores[0]] if len(stores) == 1 else None
        grown = (apply("add", Symbol(state), 1), apply("add", 1, Symbol(state)))
        if isinstance(one, Store) and one.value in grown and _is_open(draft, state):
            before = any(state in reads(s) for s in draft.step.statements[: stores[0]])
            found[state] = 1 if before else 0
    return found
