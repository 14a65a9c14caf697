"""The words for whole rules: each gives a derived formula with its parts, or a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from derive.deriving import bounds, decay, stability, symmetries
from derive.deriving.averages import correction_multiplier as multiplier
from derive.deriving.derivation import Derivation
from derive.deriving.rates import constant, first, history, large, never, order, spike, steady
from derive.deriving.rates.compare import compare_rates
from derive.errors import UserError
from derive.expr import Symbol
from derive.library.lookup import as_rule
from derive.proving import Verdict
from derive.rule import Rule
from derive.stating.quantities import Operand, Quantity, Statement, quantity
from derive.stating.vocabulary import from_derivation


def effective_lr(rule: object) -> Quantity:
    """theta[t-1] - theta[t] over g, or output[t] over x, where every gradient is the same number g."""
    return _of(rule, constant.effective_lr, "effective learning rate")


def step_bound(rule: object) -> Quantity:
    """The largest |theta[t] - theta[t-1]| over the learning rate, over all gradients; `.limit` for late steps."""
    return _part(rule, bounds.step_bound, "bound of the step", "step_bound")


def stable_region(rule: object) -> Statement:
    """Where runs on h theta^2/2 die out: a condition on hyperparameters and the curvature `h`.

    For adaptive rules the preconditioner is held, as `P`. `stability(rule)` has the spectral radius and thresholds.
    """
    region = stability_of(rule).parts.get("condition")
    if not isinstance(region, Statement):
        raise UserError("no region of stability is derived for this rule", fix="'derive show' lists what is derived")
    return region


def stability_of(rule: object) -> Quantity:
    """The characteristic polynomial on h theta^2/2, with everything derived from it as parts."""
    return _of(rule, _region, "stability on quadratics")


def _region(rule: Rule) -> Derivation | None:
    return stability.stable_region(rule) or stability.frozen_region(rule)


def stationary_variance(rule: object) -> Quantity:
    """The variance theta keeps on h theta^2/2 where every gradient has an error of variance sigma2."""
    return _part(rule, stability.stationary_variance, "stationary variance", "stationary_variance")


def cycle(rule: object) -> Quantity:
    """The two-cycle of an adaptive rule on h theta^2/2; `.cycle_amplitude` is how far from 0 it goes."""
    return _of(rule, stability.two_cycle, "cycle on a quadratic")


def convex_cycle(rule: object) -> Quantity:
    """The cycle in which the tuned rule ends on a convex function that is no quadratic: `.cycle_1`, `.cycle_2`, ..."""
    return _of(rule, stability.convex_cycle, "cycle on a convex function")


def correction_multiplier(rule: object, without: bool = False) -> Quantity:
    """The step over what it would be with corrected buffers; `without`: of the rule with its corrections removed."""
    derive = _without_corrections if without else multiplier
    return _of(
        rule, derive, "factor of missing corrections" + ("" if without else " (without=True removes corrections)")
    )


def _without_corrections(rule: Rule) -> Derivation | None:
    return multiplier(rule, ())


def invariant(rule: object, scale: str | Mapping[str, int | Fraction] = "g") -> Verdict:
    """Whether a rule has a symmetry: "g", "theta", "units", "sign", "translation", "rotation", "permutation", "batch".

    A mapping asks for a joint scaling: {"g": 1, "eps": 1}. Raises UserError for other names.
    """
    return symmetries.invariant(as_rule(rule), scale)


def never_increases(rule: object) -> Verdict:
    """Whether the effective learning rate of every coordinate never grows, whatever the gradients."""
    return never.never_increases(as_rule(rule))


def effective_rate(rule: object) -> Quantity:
    """The factor of the direction in a step, by the states: `v[t]` after the step, `v` before it."""
    return _part(rule, history.rate_of_history, "effective rate", "rate")


def first_step(rule: object) -> Quantity:
    """What the first gradient `g` moves theta by; `.first_rate` over g, `.first_step_size` without small constants."""
    return _part(rule, first.first_step, "first step", "first_step")


def constant_step(rule: object) -> Quantity:
    """The size of a step under a constant gradient of size `a`; `.scale_free_step` where that does not count."""
    return _part(rule, steady.step_against_size, "step under a constant gradient", "constant_step")


def travel(rule: object) -> Quantity:
    """How far t steps under a constant gradient of size `a` lead at least, where they fall like 1/sqrt(t).

    `.travel_at_most` is how far at most.
    """
    return _part(rule, steady.decay_of_rate, "way covered under a constant gradient", "travel_at_least")


def lone_gradient(rule: object) -> Quantity:
    """The first step after a gradient that comes late among zeros.

    `.spike_ratio` is the share of each step that the next one is; `.spike_memory` the sum of all later steps, in
    shares of the first.
    """
    return _part(rule, spike.lone_gradient, "answer to a lone gradient", "spike_first_step")


def large_constant(rule: object) -> Quantity:
    """What the step tends to as epsilon grows and lr = c eps with it, by the states after the step."""
    return _part(rule, large.large_constant, "step for a large epsilon", "large_step")


def decoupled_decay(rule: object) -> Quantity:
    """What theta is multiplied by beside each step; `.decay_per_step` is the share taken, `.half_life` in steps."""
    return _part(rule, decay.decoupled_decay, "decay beside the step", "shrink_factor")


def decayed_range(rule: object) -> Quantity:
    """How far |theta| gets in the long run under a decay beside the step; `.theta_under_a_constant_gradient`."""
    return _part(rule, decay.decayed_range, "range of a decayed parameter", "theta_bound")


def rate_ratio(rule: object, other: object) -> Quantity:
    """The rate of one rule over that of another on the same gradients, at least, without small constants."""
    one, two = as_rule(rule), as_rule(other)
    what = f"ratio of its rate to that of {two.name}"
    found = _named(one, from_derivation(one, _compared(one, two), what), what, "rate_ratio")
    return replace(found, short=Symbol(f"rate_ratio({one.name}, {two.name})"))


@lru_cache(maxsize=64)
def _compared(rule: Rule, other: Rule) -> Derivation | None:
    return compare_rates(rule, other)


def rate_at_least(rule: object, other: object) -> Verdict:
    """Whether the rate of one rule is never below that of another on the same gradients; else a run that shows it.

    Hyperparameters of one name are equal, small constants positive.
    """
    return order.rate_at_least(as_rule(rule), as_rule(other))


def step_within(rule: object, factor: Operand, **hyperparameters: Operand) -> Verdict:
    """Whether no step is longer than `factor` times the learning rate; refuted with gradients that make it longer."""
    values = {name: _fraction(value) for name, value in hyperparameters.items()}
    return bounds.step_within(as_rule(rule), _fraction(factor), values or None)


def _fraction(value: Operand) -> Fraction:
    from derive.expr import Number

    expr = quantity(value).expr
    if not isinstance(expr, Number):
        raise UserError(f"{value!r} is no number", fix="give a number")
    return expr.value


def _part(rule: object, derive: Callable[[Rule], Derivation | None], what: str, name: str) -> Quantity:
    """The formula of that name, with the others of its derivation as parts."""
    return _named(as_rule(rule), _of(rule, derive, what), what, name)


def _named(rule: Rule, found: Quantity, what: str, name: str) -> Quantity:
    wanted = found.parts.get(name)
    if not isinstance(wanted, Quantity):
        raise UserError(f"no {what} is derived for {rule.name}", fix="'derive show' lists what is derived")
    return replace(wanted, parts=found.parts)


def _of(rule: object, derive: Callable[[Rule], Derivation | None], what: str) -> Quantity:
    found = as_rule(rule)
    return from_derivation(found, _derivation(derive, found), what)


@lru_cache(maxsize=64)
def _derivation(derive: Callable[[Rule], Derivation | None], rule: Rule) -> Derivation | None:
    return derive(rule)
