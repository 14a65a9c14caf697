"""Drafts: what a pasted text does to each parameter, before anything is said about who is who.

read_drafts(text, file)  ->  a Draft for each parameter updated in parallel
candidates(draft, given) ->  every rule it is under a consistent assignment of roles
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from derive.errors import UserError
from derive.reading.pasted.alternatives import is_self_contained, with_computed_gradients, with_returned_values
from derive.reading.pasted.candidates import Candidate, candidates_of
from derive.reading.pasted.casting import refuse_hidden
from derive.reading.pasted.code.definitions import step_of
from derive.reading.pasted.code.steps import Step
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.flow import carried, last_stores
from derive.reading.pasted.groups import groups, shape
from derive.reading.pasted.overwritten import with_change, with_inputs
from derive.reading.pasted.text.normalise import Normalised, normalise
from derive.reading.step.statements import stored

__all__ = ["Candidate", "Draft", "candidates", "read_drafts", "refuse_hidden"]

candidates = candidates_of

STATEMENTS = 200
STATES = 24


def read_drafts(
    text: str, file: str, name: str | None = None, settings: Mapping[str, bool] = MappingProxyType({})
) -> tuple[Draft, ...]:
    """What the text does at each step, one draft for each parameter it updates.

    `name` picks a function or class, `settings` say which way its switches are set. Raises UserError,
    with the line, for what can't be read.
    """
    normalised = normalise(text, file)
    step = step_of(normalised.text, file, name, settings, lambda s: any(groups(r.statements) for r in _readings(s)))
    _refuse_large(step)
    readings = [_drafts(r, text, normalised) for r in _readings(step)]
    drafts = next((r for r in readings if r), ())
    if not drafts:
        what = "nothing is carried from one step to the next"
        raise UserError(what, where=file, fix="give the whole update, as in w = w - lr * dw")
    others = [d for r in readings if r is not drafts for d in r]
    return tuple(replace(d, others=tuple(o for o in others if set(o.last) & set(d.last) or len(drafts) == 1))
                 for d in drafts)  # fmt: skip


def _refuse_large(step: Step) -> None:
    """What comes after grows with the square of what is carried."""
    for what, count, most in (
        ("statements", len(step.statements), STATEMENTS),
        ("names kept from step to step", len(carried(step.statements)), STATES),
    ):
        if count > most:
            raise step.definition.error(f"{count} {what} are too many to read (at most {most})", fix="cut out the rule")


def _readings(step: Step) -> Iterator[Step]:
    """The step as it may be meant, the likeliest first."""
    change = with_change(step)
    if change is not None:
        yield change
    written = frozenset(stored(step.statements))
    for each in (returned for given in with_inputs(step) for returned in with_returned_values(given)):
        computed = with_computed_gradients(each, written)
        if computed is not None and is_self_contained(each):
            yield computed
        else:
            yield each
            if computed is not None:
                yield computed


def _drafts(step: Step, text: str, normalised: Normalised) -> tuple[Draft, ...]:
    found = groups(step.statements)
    drafts: list[Draft] = []
    parameters = frozenset(s for group in found for s in group.last)
    for group in found:
        key = shape(group.statements)
        like = next((d.parameter for d in drafts if shape(d.step.statements) == key), None)
        kept = last_stores(group.statements)
        others = {n for n, last in last_stores(step.statements).items() if kept.get(n) != last}
        returned = step.returned and tuple(r for r in step.returned if r.name not in others)
        own = replace(step, statements=group.statements, returned=returned)
        drafts.append(Draft(own, group.last, tuple(text.splitlines()), {**step.spelled, **normalised.spelled},
                            not normalised.is_code, like, parameters, whole=step.statements))  # fmt: skip
    return tuple(drafts)
