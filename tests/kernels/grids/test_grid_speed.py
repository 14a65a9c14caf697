"""A million pairs of hyperparameters beside NumPy over whole arrays."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from kernels.grids import quadratic, trajectories

SIDE, STEPS = 1000, 6
LR, BETA = np.linspace(0.001, 0.2, SIDE), np.linspace(0, 0.99, SIDE)


def by_numpy(steps: int) -> Any:
    """What is the largest distance of each run; seconds are linear in the steps."""
    lr, beta = np.repeat(LR, SIDE), np.tile(BETA, SIDE)
    theta, v = np.ones((2, SIDE * SIDE)), np.zeros((2, SIDE * SIDE))
    curvatures, most, last = np.array([[1.0], [25.0]]), np.full(SIDE * SIDE, 2.0), np.zeros(SIDE * SIDE)
    for t in range(1, steps + 1):
        v = beta * v + lr * (curvatures * theta)
        theta = theta - v
        away = theta[0] ** 2 + theta[1] ** 2
        most = np.maximum(away, most)
        last = np.where(away > 1e-12, t, last)
    return np.sqrt(most)


@pytest.mark.speed
def test_a_million_pairs_take_a_small_part_of_numpy_s_time() -> None:
    grid, problem = {"lr": LR, "beta": BETA}, quadratic([1, 25])
    largest = trajectories("momentum", problem, grid=grid, steps=STEPS).largest
    ratios = []
    for _ in range(2):
        begun = time.perf_counter()
        expected = by_numpy(STEPS)
        between = time.perf_counter()
        trajectories("momentum", problem, grid=grid, steps=200)
        ratios.append((between - begun) / STEPS / (time.perf_counter() - between) * 200)
    assert np.allclose(expected.reshape(SIDE, SIDE), largest, rtol=1e-12)
    assert max(ratios) > 15
    print(f"{max(ratios):.1f} times as fast, a step")
