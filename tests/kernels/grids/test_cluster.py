"""A Dask cluster of processes, one of which is killed: the same bits, nothing lost; kernels on arrays in blocks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import kernels
from derive.errors import UserError
from derive.library.lookup import find_rule
from kernels.grids import quadratic, run, trajectories

distributed = pytest.importorskip("distributed")
dask_array = pytest.importorskip("dask.array")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster, distributed.Client(cluster, set_as_default=False) as client:  # fmt: skip
        yield client


def test_a_worker_killed_midway_loses_nothing(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BLOCK", 1 << 21)
    given: dict[str, Any] = {
        "grid": {"lr": np.linspace(0.01, 0.2, 60), "beta": np.linspace(0, 0.95, 50)},
        "steps": 4000,
    }
    expected = trajectories("momentum", quadratic([1, 25]), **given)
    victim, _ = client.run(os.getpid).values()
    done: list[int] = []

    def kill(made: int, points: int) -> None:
        done.append(made)
        if len(done) == 2:
            os.kill(victim, signal.SIGKILL)

    found = trajectories("momentum", quadratic([1, 25]), cluster=client.scheduler.address, on_progress=kill, **given)
    assert len(done) == len(set(done)) >= 5
    assert done[-1] == 3000
    for name in ("loss", "distance", "largest", "settled"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_workers_with_another_version_are_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.grids import spreading

    monkeypatch.setattr(spreading, "surroundings", lambda: {"source": "another"})
    with pytest.raises(UserError, match="a worker has another version of derive-kernels"):
        trajectories("momentum", quadratic([1, 25]), grid={"lr": [0.1]}, cluster=client)


X, G = np.random.default_rng(3).standard_normal((2, 50, 40))


def test_steps_of_arrays_in_blocks_are_those_of_the_whole() -> None:
    from kernels import dask

    kernel = kernels.compile("momentum", "float64")
    theta, g = (dask_array.from_array(a, chunks=(20, 17)) for a in (X, G))
    state, whole = dask.init(kernel, theta), X.copy()
    buffers = kernel.init(whole)
    for t, lr in ((1, 0.1), (2, 0.01)):
        theta, state = dask.step(kernel, theta, g * t, state, t, lr=lr)
        kernel.step(whole, G * t, buffers, t, lr=lr)
    assert theta.chunks == g.chunks
    expected = kernels.averages.over("ewma", G, 1, beta=0.5)
    with pytest.importorskip("dask").config.set(scheduler="synchronous"):
        assert np.array_equal(theta.compute(), whole)
        assert all(np.array_equal(state[name].compute(), buffers[name]) for name in buffers)
        assert np.array_equal(dask.over("ewma", g, 1, beta=0.5).compute(), expected)


def test_arrays_that_no_step_takes() -> None:
    from kernels import dask

    kernel, theta = kernels.compile("momentum", "float64"), dask_array.from_array(X, chunks=25)
    state = dask.init(kernel, theta)
    for wrong, message in (
        (X, "g is no Dask array"),
        (theta.astype("f4"), "g is float32"),
        (theta.rechunk(10), "g and theta differ in shape or blocks"),
    ):
        with pytest.raises(UserError, match=message):
            dask.step(kernel, theta, wrong, state, 1)
    with pytest.raises(UserError, match="state has no 'v'"):
        dask.step(kernel, theta, theta, {}, 1)
    with pytest.raises(UserError, match="takes a norm of the whole tensor"):
        dask.init(replace(kernel, rule=find_rule("lars")), theta)
