"""The bound at given hyperparameters: certified numbers, a map for plots, and claims about it decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING

from derive.deriving.bounds.exceeding import exceeding
from derive.deriving.bounds.found import bound_of
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.structure import normalised_step
from derive.deriving.bounds.witnesses import at_step, values_of
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.evaluate import Exact, enclosed, exact
from derive.expr import Expr, Number, apply, substitute
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions, Verdict
from derive.proving.truth import truth
from derive.rule import COUNTER, Rule

if TYPE_CHECKING:
    from derive.evaluate import Ball

MOST_STEPS = 4_000


@coordinatewise
def bound_at(rule: Rule, values: Mapping[str, Fraction] | None = None, t: int | None = None) -> Exact | Ball | None:
    """The bound of |step|/lr at step t (None: in the limit) at the defaults or given values, enclosed with certainty.

    None where it is infinite, which only the limit can be. Raises UserError where no bound is derived.
    """
    found = step_bound(rule)
    known = values_of(rule, values)
    if found is None or "step_bound" not in found.quantities:
        raise UserError("no bound of its step is derived", where=rule.name, fix="take a rule with a bounded step")
    if t is not None:
        value = at_step(rule, found.quantities["step_bound"], known, t)
        # The closed form has no value where a ratio of its geometric sums is one: then term by term.
        return _by_terms(rule, known, t) if isinstance(value, Undefined) else value
    finite = found.quantities.get("step_bound_finite")
    if finite is not None and exact([finite], known)[0] is False:
        return None
    if "step_bound_limit" not in found.quantities:
        raise UserError("no limit of its bound is derived", where=rule.name, fix="give a step t")
    return enclosed([found.quantities["step_bound_limit"]], known)[0]


def _by_terms(rule: Rule, values: Mapping[str, Fraction], t: int) -> Exact | Ball:
    """The bound as the sum of its terms."""
    step = normalised_step(rule)
    found = bound_of(rule, step) if step is not None else None
    if found is None:
        return Undefined("no sum for the bound")
    dual = found.dual
    total: Expr = dual.term(dual.newest, dual.newest_size)
    for k in range(1, t):
        [term] = substitute([dual.term(dual.older, dual.size)], {AGE: Number(k)})
        total = total + term
    return at_step(rule, found.writing.unnamed(dual.bound(total)), values, t)


def bound_map(
    rule: Rule,
    across: tuple[str, Sequence[Fraction]],
    up: tuple[str, Sequence[Fraction]],
    t: int | None = None,
) -> list[list[float]]:
    """The bound for every pair of values of two hyperparameters, a row for each of `up`; infinite where it is."""
    rows = []
    for y in up[1]:
        values = [bound_at(rule, {across[0]: x, up[0]: y}, t) for x in across[1]]
        rows.append([inf if value is None else _number(value) for value in values])
    return rows


def _number(value: object) -> float:
    """A float, not a number where the bound has no value."""
    return float("nan") if isinstance(value, Undefined | Inexact) else float(value)  # type: ignore[arg-type]


def step_within(rule: Rule, factor: Fraction, values: Mapping[str, Fraction] | None = None) -> Verdict:
    """Whether no step is ever more than factor * lr at these hyperparameters, whatever the gradients.

    Refuted with gradients whose last step is larger; proved from the bound at every t; else unknown.
    """
    larger = exceeding(rule, factor, values)
    if larger is not None:
        return larger.verdict
    found = step_bound(rule)
    if found is None or "step_bound" not in found.quantities:
        return Verdict("unknown", message=f"no bound of the step of {rule.name} is derived")
    constants = {n: Number(v) for n, v in values_of(rule, values).items()}
    [bound] = substitute([found.quantities["step_bound"]], constants)
    return truth(apply("le", bound, factor), Assumptions({"t": COUNTER}))
