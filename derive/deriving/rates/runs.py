"""The effective rates along a short run with given numbers, as exact expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.rates.factor import EffectiveRate, after
from derive.evaluate import unrolled
from derive.expr import Expr, Number, substitute
from derive.proving import Assumptions

PLAIN = Fraction(1, 2)


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
    return {h.name: PLAIN if PLAIN in h.domain else h.default or Fraction(1) for h in found.rule.hyperparameters}


def rates_of_run(found: EffectiveRate, values: Mapping[str, Fraction], gradients: Sequence[Fraction]) -> Rates:
    """The rate at each step of the run from the rule's own start."""
    rule = found.rule
    hypers = {n: Number(v) for n, v in values.items()}
    steps = unrolled(rule, hypers, 0, list(gradients))
    before: dict[str, Expr] = {s.name: substitute([s.initial], hypers)[0] for s in rule.states}
    rates = []
    for t, (g, step) in enumerate(zip(gradients, steps, strict=True), start=1):
        now = {after(n): step[n] for n in rule.state_names}
        [rate] = substitute([found.rate], {**hypers, **before, **now, "g": Number(g), "t": Number(t)})
        rates.append(readable(rate, Assumptions()))
        before = {n: step[n] for n in rule.state_names}
    return Rates(tuple(gradients), tuple(rates))
