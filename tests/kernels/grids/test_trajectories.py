"""Trajectories are the steps of the rule on the problem, to the bit, whatever the grid and the threads."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import kernels
from derive import compose
from derive.composing import clip_by_norm
from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import derived
from kernels.driver import compile, compile_descent
from kernels.grids import Problem, Trajectories, custom, logistic, quadratic, rosenbrock, trajectories
from kernels.grids.axes import grid_of
from kernels.measuring.descents import descend_by_oracle, gradient_of, loss_of
from kernels.measuring.oracle import same_bits
from kernels.running import descent
from kernels.running.descent import Found, Points

RANDOM = np.random.default_rng(5)
SAMPLES = RANDOM.standard_normal((30, 3))
STARTS = RANDOM.standard_normal((7, 3))


def bowl(theta: Any, out: Any) -> None:
    for j in range(theta.size):
        out[j] = (j + 1) * theta[j] + theta[(j + 1) % theta.size] ** 3


def problems() -> dict[str, Problem]:
    labels = (SAMPLES[:, 0] + SAMPLES[:, 1] ** 2 > 0.5).astype(int)
    return {
        "quadratic": quadratic([1, 25, -0.125]),
        "rosenbrock": rosenbrock(3),
        "logistic": logistic(SAMPLES, labels, 0.01),
        "given": custom(bowl, [0.0, 0.0, 0.0]),
    }


# A rule for each: with a branch on t, with a query and a norm, whose scalars never settle, and the plainest.
CASES = {
    "quadratic": find_rule("adopt"),
    "rosenbrock": compose(clip_by_norm(8.0), "nesterov"),
    "logistic": find_rule("adam"),
    "given": find_rule("momentum"),
}


@pytest.mark.parametrize("kind", CASES)
def test_bits_are_those_of_single_operations(kind: str) -> None:
    rule, problem = CASES[kind], problems()[kind]
    first, second = rule.hyperparameter_names[:2]
    axes = {first: np.geomspace(1e-3, 3, 5), "theta[1]": [-1.0, 2.0], second: [0.0, 0.5, 0.99]}
    grid = grid_of(rule, problem, axes, STARTS, {})
    points = Points(grid.values, grid.places, problem.data, problem.minimum, 43, 1.5, problem.functions)
    found, made = Found.empty(grid.size), compile_descent(rule, kind)
    made.run(points, 0, grid.size, found)
    expected = descend_by_oracle(rule, kind, points, grid.size)
    assert all(same_bits(a.astype(float), b.astype(float)) for a, b in zip(found.arrays, expected.arrays, strict=True))
    assert len(np.unique(found.settled)) > 1
    assert np.isinf(found.loss).any() == (kind == "given")

    part = Found.empty(70)  # not from the beginning, no whole number of lanes, and by one thread
    made.run(points, 9, 79, part, threads=False)
    assert all(np.array_equal(a, b[9:79]) for a, b in zip(part.arrays, found.arrays, strict=True))


def test_norms_of_many_coordinates_have_the_sums_of_kernels() -> None:
    rule, problem = CASES["rosenbrock"], rosenbrock(4700)
    grid = grid_of(rule, problem, {"lr": [1e-4, 1e-3], "max_norm": [0.5, 700.0]}, RANDOM.standard_normal(4700), {})
    points = Points(grid.values, grid.places, problem.data, problem.minimum, 3, 1.0)
    found = Found.empty(grid.size)
    compile_descent(rule, problem.kind).run(points, 0, grid.size, found)
    expected = descend_by_oracle(rule, problem.kind, points, grid.size)
    assert all(np.array_equal(a, b) for a, b in zip(found.arrays, expected.arrays, strict=True))
    assert np.unique(found.distance).size == 4


def test_bits_are_those_of_the_kernel_s_steps_and_of_any_division(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {"lr": np.linspace(0.01, 0.1, 20), "beta": np.linspace(0, 0.95, 15)}
    found = trajectories("momentum", quadratic([1, 25]), grid=grid, steps=37, start=[3.0, -1.0])
    kernel = compile("momentum", "float64")
    for a, b in [(0, 0), (7, 3), (19, 14)]:
        theta = np.array([3.0, -1.0])
        state = kernel.init(theta)
        for t in range(1, 38):
            kernel.step(theta, np.array([1.0, 25.0]) * theta, state, t, lr=grid["lr"][a], beta=grid["beta"][b])
        assert found.distance[a, b] == np.abs(theta).max() * np.sqrt(((theta / np.abs(theta).max()) ** 2).sum())
    monkeypatch.setattr(descent, "WORK", 1)
    monkeypatch.setattr("kernels.grids.run.BLOCK", 1)
    again = trajectories("momentum", quadratic([1, 25]), grid=grid, steps=37, start=[3.0, -1.0])
    assert_same(again, found)


def test_an_axis_is_where_it_was_given_however_points_are_counted() -> None:
    problem, rates, decays = problems()["logistic"], [0.01, 0.1, 0.3], [0.0, 0.9]
    found = trajectories("adam", problem, grid={"lr": rates, "beta1": decays}, start=STARTS, steps=12)
    assert found.shape == (3, 2, 7)
    for a, b in ((0, 1), (2, 0)):
        one = trajectories("adam", problem, grid={}, lr=rates[a], beta1=decays[b], start=STARTS[4], steps=12)
        assert (one.distance, one.largest) == (found.distance[a, b, 4], found.largest[a, b, 4])
    assert np.unique(found.distance).size == found.distance.size


def assert_same(a: Trajectories, b: Trajectories) -> None:
    for name in ("loss", "distance", "largest", "settled"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def test_runs_die_out_below_the_derived_threshold_and_grow_above() -> None:
    grid = {"lr": np.linspace(0.002, 0.2, 67), "beta": np.linspace(0, 0.9, 31)}
    found = trajectories("momentum", quadratic([1, 25]), grid=grid)
    curvature = derived(find_rule("momentum")).parts["threshold_curvature"]
    assert isinstance(curvature, Quantity)
    assert str(curvature.expr) == "2 * (beta + 1) / lr"
    over = 25 * found.along("lr") / (2 * (1 + found.along("beta")))
    near = np.abs(over - 1) < 0.02
    assert np.array_equal((found.growth < 1) | near, (over < 1) | near)
    assert near.mean() < 0.1
    assert found.diverged[~near].sum() == (found.largest[~near] > 1e6).sum() > 100


def test_what_is_found_is_what_it_says() -> None:
    """Without momentum, on x²/2, lr = 1/2 halves x in every step, and lr = 3 doubles it."""
    found = trajectories(
        "momentum", quadratic(1), grid={"lr": [0.5, 3.0, 1.0]}, start=8.0, steps=20, within=1.0, beta=0
    )
    assert found.distance.tolist() == [8 * 2.0**-20, 8 * 2.0**20, 0.0]
    assert found.largest.tolist() == [8.0, 8 * 2.0**20, 8.0]
    assert found.settled.tolist() == [3, -1, 1]
    assert found.loss is not None
    assert found.loss.tolist() == [32 * 2.0**-40, 32 * 2.0**40, 0.0]
    assert found.growth.tolist() == pytest.approx([0.5, 2.0, 0.0])
    assert found.diverged.tolist() == [False, True, False]
    assert found.best == {"lr": 1.0}
    beyond = trajectories("momentum", quadratic(1), grid={"lr": [3.0]}, steps=3000, beta=0)
    assert (beyond.distance.item(), beyond.largest.item(), beyond.settled.item()) == (np.inf, np.inf, -1)
    there = trajectories("momentum", quadratic(1), grid={"lr": [0.1]}, start=1e-9)
    assert there.settled.item() == 0


def test_problems_have_the_gradients_of_their_losses() -> None:
    for problem in problems().values():
        if problem.has_loss:
            points = Points(STARTS, STARTS, problem.data, problem.minimum, 1, 1.0)
            x = np.ascontiguousarray(STARTS.T)
            gradient = gradient_of(problem.kind, x, points)
            for j, there in enumerate(1e-5 * np.eye(3)[:, :, None]):
                rise = loss_of(problem.kind, x + there, points) - loss_of(problem.kind, x - there, points)
                assert rise / 2e-5 == pytest.approx(gradient[j], rel=1e-6, abs=1e-7)
            assert gradient_of(problem.kind, problem.minimum[:, None], points) == pytest.approx(0.0, abs=1e-12)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"problem": 3}, "3 is no problem"),
    ({"steps": 0}, "steps must be a whole number"),
    ({"within": 0.0}, "within must be a positive number"),
    ({"grid": {"rate": [1.0]}}, "no hyperparameter 'rate'"),
    ({"grid": {"lr": []}}, "the values of lr must be finite numbers"),
    ({"grid": {"beta": [0.5, 1.0]}}, "beta must be a finite number in [0, 1)"),
    ({"grid": {"theta[2]": [1.0]}}, "there is no coordinate theta[2]"),
    ({"grid": {"lr": [0.1]}, "lr": 0.1}, "lr is on an axis of the grid and given besides"),
    ({"start": [1.0]}, "the start has shape (1,)"),
    ({"alpha": 1.0}, "no hyperparameter 'alpha'"),
    ({"cluster": 7}, "int is neither an address nor a client"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[w[1] for w in WRONG])
def test_bad_input_is_one_line(change: dict[str, Any], message: str) -> None:
    if "cluster" in change:
        pytest.importorskip("distributed")
    given: dict[str, Any] = {"rule": "momentum", "problem": quadratic([1, 25]), "grid": {"lr": [0.1]}, **change}
    with pytest.raises(UserError) as refused:
        kernels.trajectories(given.pop("rule"), given.pop("problem"), **given)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def returning(theta: Any, out: Any) -> Any:
    return theta[0]


def untyped(theta: Any, out: Any) -> None:
    out[0] = theta["key"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: quadratic([1, np.nan]), "the spectrum must be finite numbers"),
        (lambda: rosenbrock(1), "two coordinates or more"),
        (lambda: logistic(SAMPLES, np.zeros(30)), "30 labels of 1 values"),
        (lambda: logistic(SAMPLES, SAMPLES[:, 0] > 0, l2=0.0), "no minimum in reach"),
        (lambda: custom(returning, 0.0), "returning returns float64"),
        (lambda: custom(untyped, 0.0), "untyped can't be compiled as gradient(theta, out)"),
    ],
)
def test_problems_that_are_none(make: Any, message: str) -> None:
    with pytest.raises(UserError) as refused:
        make()
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_nothing_is_kept_but_the_results() -> None:
    grid = {"lr": np.linspace(0.01, 0.1, 512), "beta": np.linspace(0, 0.95, 512)}
    trajectories("momentum", quadratic([1, 25]), grid=grid, steps=1)
    tracemalloc.start()
    found = trajectories("momentum", quadratic([1, 25]), grid=grid, steps=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.05 * 4 * 8 * found.distance.size
