"""Grids of trajectories that pages show, run when the site is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kernels.grids import quadratic, rosenbrock, trajectories
from kernels.plots import bands, basins, stability_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def stability(rule: str) -> Figure:
    """The learning rate and the decay, on a bowl."""
    grid = {"lr": np.linspace(0.001, 0.2, 200), "beta": np.linspace(0, 0.995, 150)}
    return stability_map(trajectories(rule, quadratic([1, 25]), grid=grid))


def valley(rule: str, lr: float) -> Figure:
    """Starts around Rosenbrock's valley."""
    grid = {"theta[0]": np.linspace(-2, 2, 240), "theta[1]": np.linspace(-1.5, 3, 200)}
    return basins(trajectories(rule, rosenbrock(), grid=grid, steps=5000, within=1e-3, lr=lr))


def around(rule: str) -> Figure:
    """Learning rates, over starts on a circle."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    starts = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    grid = {"lr": np.geomspace(1e-4, 1, 100)}
    return bands(trajectories(rule, quadratic([1, 25]), grid=grid, start=starts, steps=100))
