"""Properties of a rule, derived from the rule itself, every step checked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from derive.deriving.averages import correction_multiplier, drift, frequency_response, mean_age, noise_gain, windows
from derive.deriving.bias import bias_correction, corrected_step
from derive.deriving.bounds import step_bound
from derive.deriving.decay import coupled_decay, decayed_range, decoupled_decay, noise_equilibrium
from derive.deriving.derivation import Derivation
from derive.deriving.linear import linear_buffers
from derive.deriving.rates.constant import effective_lr
from derive.deriving.stability import on_quadratics
from derive.deriving.symmetries import invariances
from derive.deriving.weights import weights
from derive.rule import Rule

OF_MEMORY = (weights, mean_age, windows, noise_gain, frequency_response)  # of a buffer that remembers
FROM_ZERO = (bias_correction, drift)  # of one that starts at zero too
OF_STEPS = (corrected_step, correction_multiplier, effective_lr, step_bound)
OF_DECAY = (decoupled_decay, decayed_range, noise_equilibrium, coupled_decay)


@lru_cache(maxsize=64)
def derivations(rule: Rule) -> tuple[Derivation, ...]:
    """Everything derived for the rule, in reading order."""
    return tuple(derivation for derivation in _all(rule) if derivation is not None)


def _all(rule: Rule) -> Iterator[Derivation | None]:
    for buffer in linear_buffers(rule):
        if buffer.remembers:
            yield from (derive(rule, buffer) for derive in OF_MEMORY)
        if buffer.remembers and buffer.starts_at_zero:
            yield from (derive(rule, buffer) for derive in FROM_ZERO)
    yield from (derive(rule) for derive in OF_STEPS)
    yield correction_multiplier(rule, without=())
    yield from (derive(rule) for derive in OF_DECAY)
    yield from on_quadratics(rule)
    yield from invariances(rule)


__all__ = ["Derivation", "derivations"]
