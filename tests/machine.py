"""The machine, shared by tests that run beside each other, or kept by one that compares running times."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEETING = pytest.StashKey[str]()  # of the folder where the processes of a run meet


@contextmanager
def machine(folder: Path, alone: bool) -> Iterator[None]:
    """The machine, until the block ends; `alone`, nothing else that asks for it in the same folder runs meanwhile.

    One process waits for another by two locks of the kernel, which a process that dies gives back. Who wants the
    machine alone keeps the door while the others leave the room, so that none comes in before.
    """
    with (folder / "door").open("w") as door, (folder / "room").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # also where a forked child has the file open too
