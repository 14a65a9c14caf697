"""The effective learning rate: what it is made of, how it moves with the gradients, and what follows."""

from __future__ import annotations

from derive.deriving.derivation import Derivation
from derive.deriving.linear import linear_buffers
from derive.deriving.rates.compare import compare_rates
from derive.deriving.rates.constant import effective_lr
from derive.deriving.rates.factor import factored_step
from derive.deriving.rates.first import first_step
from derive.deriving.rates.history import monotone_rate, rate_of_history
from derive.deriving.rates.large import large_constant
from derive.deriving.rates.never import never_increases, never_increasing
from derive.deriving.rates.order import rate_at_least
from derive.deriving.rates.oscillation import oscillation
from derive.deriving.rates.rest import rate_at_rest, vanishing_gradients
from derive.deriving.rates.slow import average_near_mean
from derive.deriving.rates.spike import lone_gradient
from derive.deriving.rates.steady import decay_of_rate, step_against_size
from derive.rule import Rule


def rates(rule: Rule) -> tuple[Derivation, ...]:
    """Everything about the effective rate of the rule, in reading order."""
    found: list[Derivation | None] = [
        rate_of_history(rule),
        monotone_rate(rule),
        never_increasing(rule),
        first_step(rule),
        effective_lr(rule),
        step_against_size(rule),
        decay_of_rate(rule),
        vanishing_gradients(rule),
        *(oscillation(rule, buffer) for buffer in linear_buffers(rule)),
        lone_gradient(rule),
        large_constant(rule),
    ]
    return tuple(derivation for derivation in found if derivation is not None)


__all__ = [
    "average_near_mean",
    "compare_rates",
    "decay_of_rate",
    "effective_lr",
    "factored_step",
    "first_step",
    "large_constant",
    "lone_gradient",
    "monotone_rate",
    "never_increases",
    "never_increasing",
    "oscillation",
    "rate_at_least",
    "rate_at_rest",
    "rate_of_history",
    "rates",
    "step_against_size",
    "vanishing_gradients",
]
