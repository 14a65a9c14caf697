"""Averages as filters: what a linear buffer remembers, how it smooths, how it lags, and what its start costs."""

from derive.deriving.averages.drift import drift
from derive.deriving.averages.frequency import cutoff, frequency_response
from derive.deriving.averages.multiplier import after_reset, correction_multiplier, overshoot, without_corrections
from derive.deriving.averages.noise import noise_gain
from derive.deriving.averages.windows import mean_age, newest_holding, windows

__all__ = [
    "after_reset",
    "correction_multiplier",
    "cutoff",
    "drift",
    "frequency_response",
    "mean_age",
    "newest_holding",
    "noise_gain",
    "overshoot",
    "windows",
    "without_corrections",
]
