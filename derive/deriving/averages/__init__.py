"""Averages as filters: what a linear buffer remembers, how it smooths, how it lags, and what its start costs."""

from derive.deriving.averages.cascades import cascades, combined_weights
from derive.deriving.averages.corrected import corrected_average
from derive.deriving.averages.drift import drift
from derive.deriving.averages.first_input import first_input
from derive.deriving.averages.frequency import cutoff, frequency_response
from derive.deriving.averages.multiplier import after_reset, correction_multiplier, overshoot, without_corrections
from derive.deriving.averages.noise import noise_gain
from derive.deriving.averages.overview import of_averages, of_buffer, of_corrections
from derive.deriving.averages.schedules import varying_buffers
from derive.deriving.averages.several import all_that_was_held, several_steps
from derive.deriving.averages.varying import varying_weights
from derive.deriving.averages.windows import mean_age, newest_holding, windows

__all__ = [
    "after_reset",
    "all_that_was_held",
    "cascades",
    "combined_weights",
    "corrected_average",
    "correction_multiplier",
    "cutoff",
    "drift",
    "first_input",
    "frequency_response",
    "mean_age",
    "newest_holding",
    "noise_gain",
    "of_averages",
    "of_buffer",
    "of_corrections",
    "overshoot",
    "several_steps",
    "varying_buffers",
    "varying_weights",
    "windows",
    "without_corrections",
]
