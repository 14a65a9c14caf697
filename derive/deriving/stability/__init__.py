"""Stability on quadratics: what a rule does on f = h theta^2 / 2, where each gradient is h times the queried point."""

from __future__ import annotations

from derive.deriving.derivation import Derivation
from derive.deriving.stability.adaptive import frozen_region
from derive.deriving.stability.cycle import two_cycle
from derive.deriving.stability.drift import drift
from derive.deriving.stability.frozen import frozen
from derive.deriving.stability.grid import radii_on_grid
from derive.deriving.stability.noise import stationary_variance
from derive.deriving.stability.nonquadratic import convex_cycle
from derive.deriving.stability.radius import spectral_radius
from derive.deriving.stability.region import stable_region
from derive.deriving.stability.scalar import scalar_iteration
from derive.deriving.stability.single import without_memory
from derive.deriving.stability.slow import slow_mode
from derive.deriving.stability.transient import transient
from derive.deriving.stability.tuning import tuned
from derive.deriving.stability.tuning_ahead import tuned_ahead
from derive.rule import Rule


def on_quadratics(rule: Rule) -> tuple[Derivation | None, ...]:
    """Everything said of the rule on quadratics, and where that fails beyond them, in reading order."""
    return (
        stable_region(rule),
        without_memory(rule),
        slow_mode(rule),
        tuned(rule) or tuned_ahead(rule),
        transient(rule),
        convex_cycle(rule),
        stationary_variance(rule),
        frozen_region(rule),
        two_cycle(rule),
    )


__all__ = [
    "convex_cycle",
    "drift",
    "frozen",
    "frozen_region",
    "on_quadratics",
    "radii_on_grid",
    "scalar_iteration",
    "slow_mode",
    "spectral_radius",
    "stable_region",
    "stationary_variance",
    "transient",
    "tuned",
    "tuned_ahead",
    "two_cycle",
    "without_memory",
]
