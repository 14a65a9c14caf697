"""Figures of grids show what was run, with the derived threshold where it belongs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from derive.errors import UserError
from kernels.grids import Trajectories, quadratic, trajectories
from kernels.plots import bands, basins, picture, stability_map

LR, BETA = np.linspace(0.01, 0.2, 39), np.linspace(0, 0.9, 19)


def run(**given: Any) -> Trajectories:
    return trajectories("momentum", quadratic([1, 25]), steps=200, **given)


def test_a_stability_map_has_the_derived_threshold_where_runs_begin_to_grow() -> None:
    found = run(grid={"lr": LR, "beta": BETA})
    [axes, _] = stability_map(found).axes
    shades, edge = axes.collections
    shown: Any = shades.get_array()
    grey = np.ma.getmaskarray(shown).reshape(len(BETA), len(LR))
    assert np.array_equal(grey, ~(found.growth.T < 1))
    [path] = edge.get_paths()
    lr, beta = np.asarray(path.vertices).T
    assert np.allclose(lr, 2 * (1 + beta) / 25, rtol=0.01)
    assert picture(found).axes[0].get_xlabel() == "lr"


def test_basins_and_bands() -> None:
    basin = run(grid={"theta[0]": np.linspace(-1, 1, 9), "theta[1]": np.linspace(-2, 2, 7)}, lr=0.05)
    assert picture(basin).axes[0].get_ylabel() == basins(basin).axes[0].get_ylabel() == "theta[1]"
    starts = np.random.default_rng(1).standard_normal((9, 2))
    over = run(grid={"lr": np.geomspace(1e-3, 1, 20)}, start=starts)
    assert over.loss is not None
    line = bands(over).axes[0].lines[0]
    middle = np.sort(over.loss, axis=1)[:, 4]
    assert np.array_equal(np.asarray(line.get_ydata())[:9], middle[:9])
    assert picture(over).axes[0].get_xscale() == "log"


def test_no_picture_of_other_axes() -> None:
    with pytest.raises(UserError, match="take two axes"):
        picture(run(grid={"lr": LR, "theta[0]": [1.0, 2.0], "theta[1]": [1.0, 2.0], "beta": BETA}))
    with pytest.raises(UserError, match="a map has two axes, not 1"):
        stability_map(run(grid={"lr": LR}))
    with pytest.raises(UserError, match="there is no axis 'beta'"):
        bands(run(grid={"lr": LR}), over="beta")
