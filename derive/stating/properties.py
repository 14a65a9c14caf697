"""The words for whole rules: each gives a derived formula with its parts, or a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from derive.deriving import bounds, stability, symmetries
from derive.deriving.averages import correction_multiplier as multiplier
from derive.deriving.derivation import Derivation
from derive.deriving.rates import constant, never
from derive.errors import UserError
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
    return _of(rule, bounds.step_bound, "bound of the step")


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
    return _of(rule, stability.stationary_variance, "stationary variance")


def cycle(rule: object) -> Quantity:
    """The two-cycle of an adaptive rule on h theta^2/2; `.cycle_amplitude` is how far from 0 it goes."""
    return _of(rule, stability.two_cycle, "cycle on a quadratic")


def convex_cycle(rule: object) -> Quantity:
    """The cycle in which the tuned rule ends on a convex function that is no quadratic: `.cycle_1`, `.cycle_2`, ..."""
    return _of(rule, stability.convex_cycle, "cycle on a convex function")


def correction_multiplier(rule: object, without: bool = False) -> Quantity:
    """The step over what it would be with corrected buffers; `without`: of the rule with its corrections removed."""
    derive = _without_corrections if without else multiplier
    return _of(rule, derive, "factor of missing corrections")


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


def _of(rule: object, derive: Callable[[Rule], Derivation | None], what: str) -> Quantity:
    found = as_rule(rule)
    return from_derivation(found, _derivation(derive, found), what)


@lru_cache(maxsize=64)
def _derivation(derive: Callable[[Rule], Derivation | None], rule: Rule) -> Derivation | None:
    return derive(rule)
