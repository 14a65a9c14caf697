"""A grid that is interrupted goes on where it stopped, to the same bits; what is kept is taken up by nothing else."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.errors import UserError
from kernels.grids import Trajectories, load, quadratic, run, saving, trajectories
from kernels.grids.problems import _described
from kernels.running.descent import Descent

OFFSET = 1.0
GRID = {"lr": np.linspace(0.01, 0.1, 30), "beta": np.linspace(0, 0.95, 20)}
BOWL = quadratic([1, 25])


def made(**changed: Any) -> Trajectories:
    given: dict[str, Any] = {"problem": BOWL, "grid": GRID, "steps": 50, **changed}
    return trajectories("momentum", **given)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BLOCK", 2 * 50 * 64)  # one block for 64 points


def arrays_of(found: Trajectories) -> list[Any]:
    return [found.loss, found.distance, found.largest, found.settled, *found.axes.values()]


def assert_same(a: Trajectories, b: Trajectories) -> None:
    assert all(np.array_equal(x, y) for x, y in zip(arrays_of(a), arrays_of(b), strict=True))
    assert (a.rule, a.problem, a.steps, a.settings, [*a.axes]) == (b.rule, b.problem, b.steps, b.settings, [*b.axes])


def stopped(path: Path, after: int) -> list[Path]:
    """The blocks that are kept of a run that Ctrl-C ends after so many."""
    seen = 0

    def stop(done: int, points: int) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        made(save=path, on_progress=stop)
    return sorted(saving.folder_of(path).glob("*.block"))


def test_what_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, expected, calls = tmp_path / "map.npz", made(), list[tuple[int, int]]()
    assert len(stopped(path, 4)) == 4
    assert not path.exists()
    ran = Descent.run

    def counted(self: Descent, points: Any, lo: int, hi: int, *more: Any) -> Any:
        calls.append((lo, hi))
        return ran(self, points, lo, hi, *more)

    monkeypatch.setattr(Descent, "run", counted)
    damaged = saving.folder_of(path) / "64-128.block"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert_same(made(save=path), expected)
    assert calls == [(64, 128), *((lo, min(lo + 64, 600)) for lo in range(256, 600, 64))]
    assert not saving.folder_of(path).exists()
    assert_same(load(path), expected)
    calls.clear()
    assert_same(made(save=path, escape=10.0), expected)  # read, and not run again
    assert made(save=path, escape=10.0).escape == 10
    assert calls == []


def test_ctrl_c_within_a_block_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised once the block is done and kept."""
    path, expected, began = tmp_path / "map.npz", made(), threading.Event()
    enter = Descent._enter

    def interrupted(self: Descent, *given: Any) -> None:
        if not began.is_set():
            began.set()
            os.kill(os.getpid(), signal.SIGINT)
        enter(self, *given)

    monkeypatch.setattr(run, "BLOCK", 1 << 62)
    monkeypatch.setattr(Descent, "_enter", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(save=path)
    assert [file.name for file in saving.folder_of(path).glob("*.block")] == ["0-600.block"]
    assert_same(made(save=path), expected)


@pytest.mark.parametrize(
    "change",
    [
        {"problem": quadratic([1, 26])},
        {"grid": {**GRID, "lr": GRID["lr"] + 1e-9}},
        {"grid": {"beta": GRID["beta"], "lr": GRID["lr"]}},
        {"steps": 51},
        {"within": 1e-7},
        {"start": [1.0, 1.0 + 1e-15]},
    ],
    ids=["problem", "values", "order", "steps", "within", "start"],
)
def test_another_grid_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    beginning, whole = tmp_path / "beginning.npz", tmp_path / "whole.npz"
    stopped(beginning, 1)
    made(save=whole)
    for path, message in ((beginning, "the beginning of another grid"), (whole, "it holds another grid")):
        with pytest.raises(UserError, match=message):
            made(save=path, **change)


def test_own_functions_are_told_apart_by_what_they_do() -> None:
    def of(scale: float, power: Any = None) -> str:
        power = (lambda x: x * x) if power is None else power

        def slope(theta: Any, out: Any) -> None:
            out[0] = scale * power(theta[0])

        return repr(_described(slope))

    assert of(2.0) == of(2.0)
    assert len({of(2.0), of(3.0), of(2.0, lambda x: x * x * x), of(2.0, lambda x: x * x + OFFSET)}) == 4


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "map.npz"
    with saving.blocks_of(path, {}), pytest.raises(UserError, match="another process is at this grid"):
        made(save=path)


def test_what_is_no_file_of_trajectories(tmp_path: Path) -> None:
    for data in (b"", b"PK\x03\x04 nothing", np.arange(3.0).tobytes()):
        (tmp_path / "map.npz").write_bytes(data)
        with pytest.raises(UserError, match="these are no trajectories"):
            made(save=tmp_path / "map.npz")
    with pytest.raises(UserError, match="can't be"):
        made(save=tmp_path / "nowhere" / "map.npz")
