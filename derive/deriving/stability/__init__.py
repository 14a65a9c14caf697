"""Stability on quadratics: what a rule does on f = h theta^2 / 2, where each gradient is h times the queried point."""

from __future__ import annotations

from derive.deriving.derivation import Derivation
from derive.deriving.stability.adaptive import frozen_region
from derive.deriving.stability.cycle import two_cycle
from derive.deriving.stability.frozen import frozen
from derive.deriving.stability.noise import stationary_variance
from derive.deriving.stability.radius import spectral_radius
from derive.deriving.stability.region import stable_region
from derive.rule import Rule


def on_quadratics(rule: Rule) -> tuple[Derivation | None, ...]:
    """Everything said of the rule on quadratics, in reading order."""
    return stable_region(rule), stationary_variance(rule), frozen_region(rule), two_cycle(rule)


__all__ = [
    "frozen",
    "frozen_region",
    "spectral_radius",
    "on_quadratics",
    "stable_region",
    "stationary_variance",
    "two_cycle",
]
