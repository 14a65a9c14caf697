"""Properties of a rule, derived from the rule itself, every step checked."""

from __future__ import annotations

from functools import lru_cache

from derive.deriving.bias import bias_correction, corrected_step
from derive.deriving.derivation import Derivation
from derive.deriving.linear import linear_buffers
from derive.deriving.rates import rates
from derive.deriving.symmetries import invariances
from derive.deriving.weights import weights
from derive.rule import Rule


@lru_cache(maxsize=64)
def derivations(rule: Rule) -> tuple[Derivation, ...]:
    """Everything derived for the rule, in reading order."""
    found: list[Derivation | None] = []
    buffers = linear_buffers(rule)
    for buffer in buffers:
        if buffer.remembers:
            found.append(weights(rule, buffer))
        if buffer.remembers and buffer.starts_at_zero:
            found.append(bias_correction(rule, buffer))
    found += [corrected_step(rule), *rates(rule), *invariances(rule)]
    return tuple(d for d in found if d is not None)


__all__ = ["Derivation", "derivations"]
