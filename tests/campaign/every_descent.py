"""Every rule of the library down every kind of problem, bit for bit as single operations go: some minutes.

`python -m pytest tests/campaign/every_descent.py`; it is no part of the suite, which does this for a rule of each sort.
"""

from __future__ import annotations

import numpy as np
import pytest

from derive.library import LIBRARY
from derive.rule import Rule
from kernels.driver import compile_descent
from kernels.grids import Problem, logistic, quadratic, rosenbrock
from kernels.grids.axes import grid_of
from kernels.measuring.descents import descend_by_oracle
from kernels.measuring.oracle import same_bits
from kernels.running.descent import Found, Points

RANDOM = np.random.default_rng(3)
SAMPLES, STARTS = RANDOM.standard_normal((20, 3)), RANDOM.standard_normal((5, 3))
PROBLEMS = [quadratic([1, 25, 0.1]), rosenbrock(3), logistic(SAMPLES, SAMPLES[:, 0] + SAMPLES[:, 1] ** 2 > 0.5, 0.01)]
DECAYS = ("beta", "beta1", "beta2")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.kind)
@pytest.mark.parametrize("rule", [r for r in LIBRARY if not r.is_average], ids=lambda r: r.name)
def test_bits_are_those_of_single_operations(rule: Rule, problem: Problem) -> None:
    first, *others = rule.hyperparameter_names
    axes = {first: np.geomspace(1e-3, 3, 9), **{name: [0.0, 0.3, 0.99] for name in others if name in DECAYS}}
    grid = grid_of(rule, problem, axes, STARTS, {})
    points = Points(grid.values, grid.places, problem.data, problem.minimum, 203, 1e-3)
    found = Found.empty(grid.size)
    compile_descent(rule, problem.kind).run(points, 0, grid.size, found)
    expected = descend_by_oracle(rule, problem.kind, points, grid.size)
    assert all(same_bits(a.astype(float), b.astype(float)) for a, b in zip(found.arrays, expected.arrays, strict=True))
