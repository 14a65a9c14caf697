"""The effective rates along a short run with given numbers, as exact expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from derive.algebra.normal import readable
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import MOVED
from derive.deriving.rates.factor import EffectiveRate, after
from derive.evaluate import enclosed, unrolled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import Assumptions

HALF = Fraction(1, 2)
SMALL = 1e-3  # a direction to divide by is larger


@dataclass(frozen=True)
class Rates:
    """The rate at every step of a run with these gradients."""

    gradients: tuple[Fraction, ...]
    rates: tuple[Expr, ...]

    @property
    def said(self) -> str:
        return ", ".join(map(str, self.gradients))


def settings(found: EffectiveRate) -> dict[str, Fraction]:
    """Plain values of the hyperparameters: one half where that is allowed."""
    return {h.name: HALF if HALF in h.domain else h.default or Fraction(1) for h in found.rule.hyperparameters}


def rates_of_run(found: EffectiveRate, values: Mapping[str, Fraction], gradients: Sequence[Fraction]) -> Rates:
    """The rate at each step of the run from the rule's own start."""
    run = _along(found, values, gradients)
    rates = [readable(substitute([found.rate], here)[0], Assumptions()) for here in run]
    return Rates(tuple(gradients), tuple(rates))


def _along(
    found: EffectiveRate, values: Mapping[str, Fraction], gradients: Sequence[Fraction]
) -> Iterator[dict[str, Expr]]:
    """What every name of the rate and the direction stands for, at each step of the run."""
    rule = found.rule
    hypers: dict[str, Expr] = {n: Number(values[n]) for n in rule.hyperparameter_names}
    steps = unrolled(rule, hypers, 0, list(gradients))
    before: dict[str, Expr] = {s.name: substitute([s.initial], hypers)[0] for s in rule.states}
    for t, (g, step) in enumerate(zip(gradients, steps, strict=True), start=1):
        now = {after(n): step[n] for n in rule.state_names}
        yield {**hypers, **before, **now, "g": Number(g), "t": Number(t)}
        before = {n: step[n] for n in rule.state_names}


def watched(found: EffectiveRate, expr: Expr) -> Expr:
    """A formula in the states before and after a step, as an experiment observes it."""
    now = {after(n): Symbol(n) for n in found.rule.state_names}
    before = {n: Symbol(f"before.{n}") for n in found.rule.state_names}
    return substitute([expr], {**before, **now})[0]


def measured(
    found: EffectiveRate,
    what: str,
    rates: Mapping[int, Expr],
    gradients: tuple[Fraction, ...],
    values: Mapping[str, Fraction],
    relation: Literal["=", "≤"] = "=",
) -> tuple[Experiment, ...]:
    """The step over the direction, foretold wherever the direction is not zero; `values` are of the whole rule."""
    directions = [substitute([found.direction], here)[0] for here in _along(found, values, gradients)]
    numbers = dict(enumerate(enclosed(directions, {}), start=1))
    steps = [t for t in rates if _is_apart_from_zero(numbers[t])]
    expected = decimals(dict(zip(steps, enclosed([rates[t] for t in steps], {}), strict=True)))
    if not expected:
        return ()
    observed = MOVED / watched(found, found.direction)
    return (Experiment(what, observed, expected, gradients, dict(values), relation=relation),)


def defined_steps(
    found: EffectiveRate, values: Mapping[str, Fraction], gradients: Sequence[Fraction]
) -> tuple[int, ...]:
    """The steps up to the first that has no value: theta is none from there on."""
    moved = [substitute([found.rate * found.direction], here)[0] for here in _along(found, values, gradients)]
    known = [decimals({0: number}) is not None for number in enclosed(moved, {})]
    return tuple(range(1, known.index(False) + 1 if False in known else len(known) + 1))


def _is_apart_from_zero(number: object) -> bool:
    """Whether it is a number that is certainly not zero."""
    known = decimals({0: number})
    return known is not None and abs(known[0]) > SMALL
