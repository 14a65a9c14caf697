"""Stochastic rounding: the derivation holds, and so does a run."""

from __future__ import annotations

import numpy as np
import pytest

from derive.precision.stochastic import unbiased


def test_every_step_is_proved() -> None:
    derivation = unbiased()
    assert derivation.holds
    assert len(derivation.checked) == 4


def test_the_mean_of_many_roundings_is_the_value() -> None:
    lower, unit, p = 1.0, 2.0**-7, 0.1
    random = np.random.default_rng(0)
    rounded = lower + unit * (random.random(100_000) < p)
    assert rounded.mean() == pytest.approx(lower + p * unit, abs=4 * unit * np.sqrt(p * (1 - p) / 100_000))
