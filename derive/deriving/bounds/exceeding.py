"""Gradients that make a step larger than claimed: found by the duality or by trial, confirmed by running the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from derive.deriving.bounds.found import Bound, bound_of
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.structure import normalised_step
from derive.deriving.bounds.witnesses import at_step, attaining_gradients, values_of
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.undecayed import without_decay
from derive.evaluate import Exact, enclosed, unrolled
from derive.expr import Expr, Number, Symbol, apply
from derive.proving import Assumptions, Verdict
from derive.proving.truth import truth
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.evaluate import Ball

MOST_STEPS = 4_000


@dataclass(frozen=True)
class Exceeded:
    """Gradients under which the last step is more than `factor` times the learning rate, and the proof of it."""

    gradients: tuple[Fraction, ...]
    factor: Fraction
    ratio: Exact | Ball
    verdict: Verdict


@coordinatewise
def exceeding(rule: Rule, factor: Fraction, values: Mapping[str, Fraction] | None = None) -> Exceeded | None:
    """Simple gradients that make a step of more than factor * lr, at the first t at which there are any.

    Found by the duality, then confirmed by running the rule itself in exact or ball arithmetic. None where no step
    up to `MOST_STEPS` is larger.
    """
    step = normalised_step(rule)
    found = bound_of(rule, step) if step is not None else None
    known = values_of(rule, values)
    if step is None or found is None:
        return _by_trial(rule, factor, known)
    t = _first_above(rule, found, known, factor)
    if t is None:
        return None
    without = {**known, **dict.fromkeys(step.removed, Fraction(0))}
    for gradients in _simpler(attaining_gradients(rule, found, known, t)):
        ratio, verdict = _confirmed(rule, step.lr, without, gradients, factor)
        if verdict.status == "refuted":
            return Exceeded(gradients, factor, ratio, verdict)
    return None


def _by_trial(rule: Rule, factor: Fraction, values: Mapping[str, Fraction]) -> Exceeded | None:
    """Gradients that stay the same, or grow by a factor of ten or a thousand in every step."""
    derived, freed = step_bound(rule), without_decay(rule)
    lr = None if derived is None else derived.quantities.get("learning_rate")
    if freed is None or not isinstance(lr, Symbol):
        return None
    without = {**values, **dict.fromkeys(freed[1], Fraction(0))}
    for t in (1, 2, 4, 8, 16, 32, 64):
        for growth in (1, 10, 1000):
            gradients = tuple(Fraction(growth) ** k for k in range(1, t + 1))
            ratio, verdict = _confirmed(rule, lr.name, without, gradients, factor)
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
