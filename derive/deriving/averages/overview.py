"""Everything derived about the averages of a rule, in reading order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from derive.deriving.averages.bias import bias_correction, corrected_step
from derive.deriving.averages.cascades import cascades, combined_weights
from derive.deriving.averages.corrected import corrected_average
from derive.deriving.averages.drift import drift
from derive.deriving.averages.first_input import first_input
from derive.deriving.averages.frequency import frequency_response
from derive.deriving.averages.multiplier import correction_multiplier
from derive.deriving.averages.noise import noise_gain
from derive.deriving.averages.schedules import varying_buffers
from derive.deriving.averages.several import all_that_was_held
from derive.deriving.averages.varying import varying_weights
from derive.deriving.averages.weights import weights
from derive.deriving.averages.windows import mean_age, windows
from derive.deriving.derivation import Derivation
from derive.deriving.linear import LinearBuffer, linear_buffers
from derive.rule import Rule

FILTERS = (weights, mean_age, windows, noise_gain, frequency_response, all_that_was_held)
STARTS = (bias_correction, corrected_average, drift)


def of_averages(rule: Rule) -> tuple[Derivation, ...]:
    """What the linear buffers of the rule remember, one after another, those with varying decays last."""
    return tuple(d for d in _of_buffers(rule) if d is not None)


@lru_cache(maxsize=128)
def of_buffer(rule: Rule, buffer: LinearBuffer) -> tuple[Derivation, ...]:
    """What one linear buffer remembers; nothing where it holds the last input only."""
    derived = (*FILTERS, *(STARTS if buffer.starts_at_zero else ())) if buffer.remembers else ()
    return tuple(d for derive in derived if (d := derive(rule, buffer)) is not None)


def of_corrections(rule: Rule) -> tuple[Derivation, ...]:
    """What bias, or its correction, does to the step: as the rule is, and without the corrections it has."""
    found = (corrected_step(rule), correction_multiplier(rule), correction_multiplier(rule, without=()))
    return tuple(d for d in found if d is not None)


def _of_buffers(rule: Rule) -> Iterator[Derivation | None]:
    for buffer in linear_buffers(rule):
        yield from of_buffer(rule, buffer)
    yield from (combined_weights(rule, cascade) for cascade in cascades(rule))
    for varying in varying_buffers(rule):
        yield varying_weights(rule, varying)
        yield first_input(rule, varying)
