"""A test that compares running times has the machine alone; the others share it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from threading import Thread

import pytest

from tests.machine import MEETING, machine

A_WHILE = 0.1


def starts(folder: Path, alone: bool, order: list[str]) -> Thread:
    """Another that asks for the machine; threads stand for processes, since each opens the files anew."""

    def ask() -> None:
        with machine(folder, alone):
            order.append("alone" if alone else "shared")

    thread = Thread(target=ask, daemon=True)
    thread.start()
    return thread


def is_taken(path: Path, how: int) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_others_run_beside_each_other(tmp_path: Path) -> None:
    with machine(tmp_path, alone=False):
        other = starts(tmp_path, False, [])
        other.join(10)
        assert not other.is_alive()


@pytest.mark.parametrize("alone", [True, False])
def test_nothing_runs_beside_one_alone(tmp_path: Path, alone: bool) -> None:
    with machine(tmp_path, alone=True):
        other = starts(tmp_path, alone, [])
        other.join(A_WHILE)
        assert other.is_alive()
    other.join(10)
    assert not other.is_alive()


def test_none_comes_in_before_one_who_waits_to_be_alone(tmp_path: Path) -> None:
    order: list[str] = []
    with machine(tmp_path, alone=False):
        waiting = starts(tmp_path, True, order)
        while not is_taken(tmp_path / "door", fcntl.LOCK_EX):
            waiting.join(0.01)
        late = starts(tmp_path, False, order)
        late.join(A_WHILE)
        assert order == []
    waiting.join(10)
    late.join(10)
    assert order == ["alone", "shared"]


@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.speed)])
def test_every_test_of_the_suite_asks_for_the_machine(request: pytest.FixtureRequest, alone: bool) -> None:
    room = Path(request.config.stash[MEETING]) / "room"
    assert is_taken(room, fcntl.LOCK_EX)
    if alone:
        assert is_taken(room, fcntl.LOCK_SH)
