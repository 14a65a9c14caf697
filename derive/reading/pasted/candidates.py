"""Candidates: every consistent assignment of roles to the names of a draft, the likeliest first.

What a name can be follows from what the step does with it: the parameter is carried, made from
itself and from the gradient, and no other state is made from it that it is not made from; the
gradient is only read; the counter stands in an exponent, a condition or a schedule. What a name is
called decides nothing but the order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, substitute, to_text
from derive.reading.pasted.casting import is_open, open_counters, procedure
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.parts import Part, first_count, parts
from derive.reading.pasted.powers import with_powers
from derive.reading.python.scope import ASKED
from derive.reading.step.roles import to_rule
from derive.reading.step.statements import fresh, stored, substituted
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


def candidates_of(draft: Draft, given: Mapping[str, str | Fraction] | None = None) -> Iterator[Candidate]:
    """The candidates, at most `MOST`. `given` fixes roles, {"w": "theta", "alpha": "lr"}; other roles follow.
    What is given as a number is that number wherever the text reads it.

    Raises UserError where no assignment is consistent, with what stands against the likeliest.
    """
    problems: list[UserError] = []
    found = False
    _refuse_moving(draft, given or {})
    names = len(draft.free) + len(stored(draft.step.statements))
    for candidate in islice(_all(draft, dict(given or {}), problems), min(MOST, max(FEWEST, NAMES // names))):
        found = True
        yield candidate
    if not found:
        what = "no name can be the parameter and another its gradient"
        raise problems[0] if problems else draft.step.definition.error(what, fix="say who is who: w=theta,dw=g")


def _all(draft: Draft, given: Mapping[str, str | Fraction], problems: list[UserError]) -> Iterator[Candidate]:
    for reading in (draft, *draft.others):
        try:
            said = _by_the_drafts_names(reading, given)
            reading = _with_numbers(reading, {n: v for n, v in said.items() if isinstance(v, Fraction)})
            wanted = {n: role for n, role in said.items() if isinstance(role, str)}
            chosen = list(islice(parts(reading, wanted), MOST))
        except UserError as error:
            problems.append(error)
            continue
        for part in chosen:
            try:
                yield _candidate(reading, part, wanted)
            except UserError as error:
                problems.append(error)


def _by_the_drafts_names(draft: Draft, given: Mapping[str, str | Fraction]) -> dict[str, str | Fraction]:
    """What is given, by the names of the draft. Raises UserError for a name the text does not have."""
    found: dict[str, str | Fraction] = {}
    for name, role in given.items():
        meant = _meant(draft, name)
        if not meant:
            there = ", ".join(sorted(draft.shown(n) for n in {*draft.states, *draft.free}))
            raise draft.step.definition.error(f"{name!r} is no name of the text", fix=f"the names are {there}")
        if len(meant) > 1:
            what = f"{name!r} may be any of {', '.join(map(draft.shown, meant))}"
            raise draft.step.definition.error(what, fix="give the whole name")
        found[meant[0]] = role
    roles = [role for role in found.values() if isinstance(role, str)]
    if len(set(roles)) < len(roles):
        raise UserError("two names are given one role", where=draft.step.definition.file, fix="give each its own")
    return found


def _meant(draft: Draft, name: str) -> list[str]:
    """The names of the draft that a person may mean: that very one, the one shown so, or one by its last part."""
    counter = [draft.step.counter] if draft.step.counter else []
    names = list(dict.fromkeys([*draft.states, *draft.free, *stored(draft.step.statements), *counter]))
    ways: tuple[Callable[[str], str], ...] = (str, draft.shown, lambda n: n.rpartition(".")[2])
    return next(filter(None, ([n for n in names if way(n) == name] for way in ways)), [])


def _refuse_moving(draft: Draft, given: Mapping[str, str | Fraction]) -> None:
    for name, role in _by_the_drafts_names(draft, given).items():
        if isinstance(role, Fraction) and name not in draft.free:
            what = f"{draft.shown(name)!r} changes from step to step and can't be a number"
            raise draft.step.definition.error(what, fix="give numbers to constants only")


def _with_numbers(draft: Draft, numbers: Mapping[str, Fraction]) -> Draft:
    """The draft with these constants as numbers."""
    if not numbers:
        return draft
    values = {name: Number(value) for name, value in numbers.items()}
    step = draft.step
    statements = tuple(substituted(s, values) for s in step.statements)
    returned = step.returned and tuple(replace(r, value=substitute([r.value], values)[0]) for r in step.returned)
    starts = {n: e and substitute([e], values)[0] for n, e in step.starts.items() if n not in numbers}
    said = tuple(f"{draft.shown(name)} = {to_text(value)}, as given" for name, value in values.items())
    return replace(
        draft,
        step=replace(step, statements=statements, returned=returned, starts=starts, assumed=(*step.assumed, *said)),
    )


# The rule under one assignment


def _candidate(draft: Draft, part: Part, wanted: Mapping[str, str]) -> Candidate:
    names = _names(draft, part, wanted)
    counts = open_counters(draft)
    made = procedure(draft, part, names, counts)
    rule = with_powers(to_rule(made))
    as_shown: dict[str, Expr] = {n: Symbol(draft.shown(n)) for n in names}
    asked = {q.target: f"grad({substitute([q.point], as_shown)[0]})" for q in draft.questions if q.target == ASKED}
    roles = {new: asked.get(old) or draft.shown(old) for old, new in names.items() if new in _named(rule)}
    open_starts = [names[s] for s in draft.states if is_open(draft, s) and names[s] in rule.state_names]
    assumed = [
        *draft.step.assumed,
        *(f"{draft.shown(n)} is {start} before the first step" for n, start in counts.items()),
    ]
    constants = {names.get(n): n for n, made in draft.step.unknown.items() if not made and n not in (part.g, part.t)}
    assumed += [
        f"{draft.shown(constants[h])} is the same at every step" for h in rule.hyperparameter_names if h in constants
    ]
    if part.t and not draft.step.counter:
        assumed.append(f"{draft.shown(part.t)} counts the steps from {first_count(draft, part.t)}")
    return Candidate(rule, roles, tuple(open_starts), tuple(assumed))


def _named(rule: Rule) -> set[str]:
    return {*rule.inputs, *rule.outputs, *rule.state_names, *rule.hyperparameter_names, *(a.target for a in rule.body)}


def _names(draft: Draft, part: Part, wanted: Mapping[str, str]) -> dict[str, str]:
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
