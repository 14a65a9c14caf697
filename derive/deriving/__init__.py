"""Properties of a rule, derived from the rule itself, every step checked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from derive.deriving.averages import of_averages, of_corrections
from derive.deriving.bounds import noise_step, step_bound
from derive.deriving.decay import coupled_decay, decayed_range, decoupled_decay, noise_equilibrium
from derive.deriving.derivation import Derivation
from derive.deriving.lengths import step_length
from derive.deriving.rates import rates
from derive.deriving.stability import on_quadratics
from derive.deriving.symmetries import invariances
from derive.rule import Rule

OF_STEPS = (step_bound, noise_step, step_length)
OF_DECAY = (decoupled_decay, decayed_range, noise_equilibrium, coupled_decay)


@lru_cache(maxsize=64)
def derivations(rule: Rule) -> tuple[Derivation, ...]:
    """Everything derived for the rule, in reading order."""
    return tuple(derivation for derivation in _all(rule) if derivation is not None)


def _all(rule: Rule) -> Iterator[Derivation | None]:
    yield from of_averages(rule)
    yield from of_corrections(rule)
    yield from rates(rule)
    yield from (derive(rule) for derive in (*OF_STEPS, *OF_DECAY))
    yield from on_quadratics(rule)
    yield from invariances(rule)


__all__ = ["Derivation", "derivations"]
