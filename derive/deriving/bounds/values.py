"""The bound at given hyperparameters: certified numbers, a map for plots, and claims about it decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, lcm
from typing import TYPE_CHECKING

from derive.deriving.bounds.found import Bound, bound_of
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.structure import normalised_step
from derive.deriving.bounds.witnesses import at_step, attaining_gradients, values_of
from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.evaluate import Exact, enclosed, exact, unrolled
from derive.expr import Expr, Number, apply, substitute
from derive.ops import Inexact, Undefined
from derive.proving import Assumptions, Verdict
from derive.proving.truth import truth
from derive.rule import COUNTER, Rule

if TYPE_CHECKING:
    from derive.evaluate import Ball

MOST_STEPS = 4_000


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


@dataclass(frozen=True)
class Exceeded:
    """Gradients under which the last step is more than `factor` times the learning rate, and the proof of it."""

    gradients: tuple[Fraction, ...]
    factor: Fraction
    ratio: Exact | Ball
    verdict: Verdict


def exceeding(rule: Rule, factor: Fraction, values: Mapping[str, Fraction] | None = None) -> Exceeded | None:
    """Simple gradients that make a step of more than factor * lr, at the first t at which there are any.

    Found by the duality, then confirmed by running the rule itself in exact or ball arithmetic. None where no step
    up to `MOST_STEPS` is larger.
    """
    step = normalised_step(rule)
    found = bound_of(rule, step) if step is not None else None
    if step is None or found is None:
        return None
    known = values_of(rule, values)
    t = _first_above(rule, found, known, factor)
    if t is None:
        return None
    without = {**known, **dict.fromkeys(step.removed, Fraction(0))}
    for gradients in _simpler(attaining_gradients(rule, found, known, t)):
        ratio, verdict = _confirmed(rule, step.lr, without, gradients, factor)
        if verdict.status == "refuted":
            return Exceeded(gradients, factor, ratio, verdict)
    return None


def _first_above(rule: Rule, found: Bound, values: Mapping[str, Fraction], factor: Fraction) -> int | None:
    """A step whose bound is above the factor, the first where the bound grows with t: by doubling and halving."""
    formula = found.writing.unnamed(found.value)

    def above(t: int) -> bool:
        larger = at_step(rule, apply("gt", formula, factor), values, t)
        return larger is True

    if above(1):
        return 1
    below, high = 1, 2
    while not above(high):
        below, high = high, 2 * high
        if high > MOST_STEPS:
            return None
    while high - below > 1:
        middle = (below + high) // 2
        below, high = (below, middle) if above(middle) else (middle, high)
    return high


def _simpler(gradients: Sequence[Fraction]) -> Iterator[tuple[Fraction, ...]]:
    """The gradients as ever finer rounded ratios to the newest, in whole numbers; then larger, against an epsilon."""
    newest = gradients[-1]
    for power in range(1, 40):
        rounded = [(g / newest).limit_denominator(2**power) for g in gradients]
        scale = lcm(*(g.denominator for g in rounded))
        yield tuple(g * scale for g in rounded)
    for power in (6, 12, 18):
        yield tuple(g * 10**power for g in gradients)


def _confirmed(
    rule: Rule, lr: str, values: Mapping[str, Fraction], gradients: Sequence[Fraction], factor: Fraction
) -> tuple[Exact | Ball, Verdict]:
    """The last step over lr in a run of the rule, and the verdict on its being at most the factor."""
    states = unrolled(rule, values, Fraction(0), gradients)
    before: Expr = states[-2]["theta"] if len(states) > 1 else Number(0)
    moved = apply("abs", before - states[-1]["theta"])
    [ratio] = enclosed([moved / Number(values[lr])], {})
    return ratio, truth(apply("le", moved, factor * Number(values[lr])), Assumptions({}))


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
    if not found.holds:
        return Verdict("unknown", message="a step to the bound is not proved")
    constants = {n: Number(v) for n, v in values_of(rule, values).items()}
    [bound] = substitute([found.quantities["step_bound"]], constants)
    return truth(apply("le", bound, factor), Assumptions({"t": COUNTER}))
