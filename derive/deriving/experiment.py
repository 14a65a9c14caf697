"""What a derivation foretells of a run: a compiled kernel makes the run and is compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from derive.expr import Expr
from derive.rule import Rule

PLAIN = Fraction(1, 2)
Numbers = Fraction | tuple[Fraction, ...]
"""A number, or one for each coordinate."""


@dataclass(frozen=True)
class Experiment:
    """One run of the rule, and what is foretold of it.

    The kernel starts at `start` with the given hyperparameters (those left out have their defaults) and is given
    `gradients`, or the inputs of an average. With a `curvature` h and no gradients it runs `steps` steps on
    h theta^2 / 2 instead: each gradient is h times the queried point. `observed` is an expression in the values
    after the step (`theta`, `output`, states), those before it under `before.NAME`, the gradient `g` (or `x`), `t`
    and the hyperparameters. `foretold` gives, for some steps, the number it has to have: `relation` "=" within
    `tolerance` (relative to max(1, |number|)), "≤" at most that up to the tolerance, "≥" at least that. With
    `averaged` it is the mean over all coordinates that is observed, as over an ensemble of runs.
    """

    what: str
    observed: Expr
    foretold: Mapping[int, float]
    gradients: tuple[Numbers, ...] = ()
    hyperparameters: Mapping[str, Fraction] | None = None
    start: Numbers = Fraction(0)
    coordinate: int = 0
    curvature: Fraction | None = None
    steps: int = 0
    relation: Literal["=", "≤", "≥"] = "="
    tolerance: float = 1e-9
    averaged: bool = False


def decimals(values: Mapping[int, Any]) -> dict[int, float] | None:
    """The values of some steps as floats; None where one of them is undefined, or not decided."""
    try:
        return {t: float(value) for t, value in values.items()}
    except (TypeError, ValueError, OverflowError):
        return None


def plain_values(rule: Rule) -> dict[str, Fraction]:
    """One half for every hyperparameter that can have it, so that each plays a part; else the default, or one."""
    return {h.name: PLAIN if PLAIN in h.domain else h.default or Fraction(1) for h in rule.hyperparameters}
