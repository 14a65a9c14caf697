"""Drafts: what a pasted text does to each parameter, before anything is said about who is who.

read_drafts(text, file)  ->  a Draft for each parameter updated in parallel
candidates(draft, given) ->  every rule it is under a consistent assignment of roles
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType

from derive.errors import UserError
from derive.reading.bindings import Function, bindings
from derive.reading.limits import parse
from derive.reading.pasted.alternatives import is_self_contained, with_computed_gradients, with_returned_values
from derive.reading.pasted.candidates import Candidate, candidates_of
from derive.reading.pasted.coordinates import without_coordinates
from derive.reading.pasted.draft import Draft
from derive.reading.pasted.flow import carried
from derive.reading.pasted.groups import groups, shape
from derive.reading.pasted.normalise import Normalised, normalise
from derive.reading.pasted.overwritten import with_inputs
from derive.reading.pasted.steps import Step, bare_definition, read_body
from derive.reading.read import read_definition, with_settings
from derive.reading.source import Definition, definitions, find_named
from derive.reading.statements import Procedure
from derive.reading.tuples import with_items

__all__ = ["Candidate", "Draft", "candidates", "read_drafts"]

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
    step = _step(normalised, file, name, settings)
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
    for each in (returned for given in with_inputs(step) for returned in with_returned_values(given)):
        computed = with_computed_gradients(each)
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
        others = {n for g in found if g is not group for n in g.last} - set(group.last)
        returned = step.returned and tuple(r for r in step.returned if r.name not in others)
        own = replace(step, statements=group.statements, returned=returned)
        drafts.append(Draft(own, group.last, tuple(text.splitlines()), normalised.spelled,
                            not normalised.is_code, like, parameters, whole=step.statements))  # fmt: skip
    return tuple(drafts)


def _step(normalised: Normalised, file: str, name: str | None, settings: Mapping[str, bool]) -> Step:
    tree, _ = without_coordinates(parse(normalised.text, file), file)
    if name is not None:
        return _defined(with_settings(find_named(normalised.text, file, name), settings), file)
    defined = [n for n in tree.body if isinstance(n, Function | ast.ClassDef)]
    bare = [n for n in tree.body if isinstance(n, ast.For | ast.While | ast.AugAssign)]
    if defined and not bare:
        return _only(normalised.text, file, settings)
    return read_body(bare_definition(tree, normalised.text, file, bindings(tree.body)), free=True)


def _only(text: str, file: str, settings: Mapping[str, bool]) -> Step:
    """The step of the one definition of a text that can be read as one."""
    found = [d for d in definitions(text, file) if not d.is_method]
    steps, errors = list[tuple[str, Step]](), list[UserError]()
    for definition in found:
        try:
            step = _defined(with_settings(definition, settings), file)
            if any(groups(each.statements) for each in _readings(step)):
                steps.append((definition.node.name, step))
        except UserError as error:
            errors.append(error)
    if len(steps) == 1:
        return steps[0][1]
    if not steps and len(errors) == 1:
        raise errors[0]
    names = [n for n, _ in steps] or [d.node.name for d in found]
    what = "more than one definition could be meant" if steps else "no definition can be read as one step"
    raise UserError(what, where=file, fix=f"name one: {file}::{names[0]}" if names else "give the update")


def _defined(definition: Definition, file: str) -> Step:
    tree, kept = without_coordinates(ast.Module([deepcopy(definition.node)], []), file)
    definition = with_items(replace(definition, node=tree.body[0]))  # type: ignore[arg-type]
    if isinstance(definition.node, ast.ClassDef):
        return _of_procedure(read_definition(definition))
    step = read_body(definition, free=False)
    return replace(step, kept=step.kept | kept)


def _of_procedure(procedure: Procedure) -> Step:
    """A class's step; what `self` keeps is carried by itself."""
    return Step(procedure.definition, procedure.statements, procedure.parameters, dict(procedure.kept),
                returned=procedure.returned or None, return_line=procedure.return_line,
                kept=frozenset(procedure.kept))  # fmt: skip
