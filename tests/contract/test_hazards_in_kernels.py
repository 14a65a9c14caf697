"""Thresholds found for a format are those of the compiled kernel in that format, where it has no other operations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from derive import hazards
from derive.precision.hazard import Threshold
from kernels import compile


def threshold(rule: str, dtype: str, kind: str, part: str, quantity: str) -> Threshold:
    [found] = [
        h.threshold
        for h in hazards(rule, dtype).found
        if h.kind == kind and h.part == part and h.threshold is not None and h.threshold.quantity == quantity
    ]
    return found


def neighbours(found: Threshold, dtype: str) -> np.ndarray:
    """The last value with the effect and the first without it."""
    assert found.beyond is not None
    return np.array([float(found.value), float(found.beyond)], dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_squares_vanish_in_the_kernel_where_they_do(dtype: str) -> None:
    kernel = compile("adagrad", dtype=dtype)
    g = neighbours(threshold("adagrad", dtype, "underflow", "g**2", "|g|"), dtype)
    theta = np.zeros(2, dtype)
    state = kernel.init(theta)
    kernel.step(theta, g, state)
    assert [s > 0 for s in state["s"]] == [False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("way", "sign"), [("towards zero", 1), ("away from zero", -1)])
def test_steps_are_lost_in_the_kernel_where_they_are(dtype: str, way: str, sign: int) -> None:
    kernel = compile("gradient_descent", dtype=dtype)
    found = threshold("gradient_descent", dtype, "step", "theta - lr * g", f"|step| {way} at theta = 1")
    theta = np.ones(2, dtype)
    kernel.step(theta, sign * neighbours(found, dtype), kernel.init(theta), lr=1)
    assert [x != 1 for x in theta] == [False, True]
    assert found.value == Fraction(2) ** -(np.finfo(dtype).nmant + (2 if sign > 0 else 1))
