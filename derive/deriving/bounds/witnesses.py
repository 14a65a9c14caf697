"""The bound and the gradients that attain it as numbers: exact rationals and certified enclosures."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

from derive.deriving.bounds.found import Bound
from derive.deriving.bounds.names import steady_states
from derive.deriving.bounds.sums import simplified
from derive.deriving.experiment import Experiment
from derive.deriving.linear import AGE
from derive.evaluate import Exact, enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.rule import Rule

if TYPE_CHECKING:
    from derive.evaluate import Ball

FAINT = Fraction(1, 10**9)  # for a gradient of zero, where zero before any other gradient would be 0/0
STEPS = 30


def size_of_step(lr: str) -> Expr:
    """|theta[t] - theta[t-1]|/lr, as an experiment observes it."""
    return apply("abs", Symbol("before.theta") - Symbol("theta")) / Symbol(lr)


def values_of(rule: Rule, values: Mapping[str, Fraction] | None = None) -> dict[str, Fraction]:
    """The rule's defaults, and the given values instead of some."""
    return {**rule.defaults, **(values or {})}


def at_step(rule: Rule, expr: Expr, values: Mapping[str, Fraction], t: int) -> Exact | Ball:
    """A formula in hyperparameters, t and states that no gradient reaches (as before the step), enclosed."""
    constants: dict[str, Expr] = {name: Number(value) for name, value in values.items()}
    now = dict(zip(rule.state_names, substitute([s.initial for s in rule.states], constants), strict=True))
    steady = sorted(steady_states(rule))
    for step in range(1, t if steady else 1):
        [*after] = substitute([rule.step[n] for n in steady], {**constants, **now, "t": Number(step)})
        now.update(zip(steady, after, strict=True))
    kept = {n: now[n] for n in steady}
    [written] = substitute([expr], {**constants, **kept, "t": Number(t)})
    return enclosed([written], {})[0]


def at_defaults(rule: Rule, expr: Expr, t: int) -> float | None:
    """The same at the rule's defaults, as a float; None where that has none."""
    if any(h.default is None for h in rule.hyperparameters):
        return None
    try:
        return float(at_step(rule, expr, values_of(rule), t))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def attaining_gradients(rule: Rule, found: Bound, values: Mapping[str, Fraction], t: int) -> tuple[Fraction, ...]:
    """Gradients g[1] .. g[t] that attain the bound at step t, the newest one; whole numbers where they can be.

    Only their ratios count. Where these are irrational they are rounded, and the bound is nearly attained.
    """
    dual, writing = found.dual, found.writing
    newest = dual.gradient(dual.newest, dual.newest_size)
    older = dual.gradient(dual.older, dual.size)
    ratio = writing.unnamed(simplified(older / newest, writing.assumed))
    ages = [substitute([ratio], {AGE: Number(k)})[0] for k in range(1, t)]
    found_values = [_rational(at_step(rule, age, values, t)) for age in ages]
    gradients = (*reversed(found_values), Fraction(1))
    scale = lcm(*(g.denominator for g in gradients))
    return tuple(g * scale for g in gradients) if scale < 10**12 else gradients


def _rational(value: object) -> Fraction:
    return value if isinstance(value, Fraction) else Fraction(float(value))  # type: ignore[arg-type]


def experiments(rule: Rule, found: Bound) -> tuple[Experiment, ...]:
    """A run under the attaining gradients, at the defaults without small constants and decay."""
    step = found.writing.step
    value = found.writing.unnamed(found.value)
    # With one decay, and nothing of the gradient itself, the same gradients attain the bound at every step.
    geometric = step.direct is Number(0) and len({share.buffer.decay for share in step.shares}) == 1
    foretold = {
        t: v for t in ((1, 2, 10, STEPS) if geometric else (STEPS,)) if (v := at_defaults(rule, value, t)) is not None
    }
    if not foretold:
        return ()
    zero = dict.fromkeys((*step.removed, *step.small), Fraction(0))
    values = {**values_of(rule), **zero}
    gradients = tuple(g or FAINT for g in attaining_gradients(rule, found, values, STEPS))
    scale = Fraction(max(abs(g) for g in gradients))
    shown = tuple(Fraction(float(g / scale)) for g in gradients)
    what = "the attaining gradients make the largest step"
    return (Experiment(what, size_of_step(step.lr), foretold, shown, zero or None),)
