"""Threads that share one step: the standard library's, kept alive, handed fixed chunks.

Numba's own parallel layers abort when two Python threads step at once or after a fork. The threads
are made anew in a forked child. Chunks do not depend on the number of threads, and no result
depends on the chunks.

A thread that has helped with a step waits busily for the next one, some 50 microseconds and in compiled code, and then
sleeps: to be woken takes as long as a step of a million elements.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from derive.errors import UserError
from kernels.checks import SUBNORMAL

CHUNK = 1 << 18  # elements: large enough to hide the call, small enough to share evenly
PAUSE = 1e-5  # seconds, at least, between two looks at work that others have not finished

Task = Callable[[int], object]  # given the number of the thread that does it


@dataclass(frozen=True)
class Pool:
    """The threads of one process, by what they are handed; and how many steps have begun, for those who wait."""

    tasks: tuple[SimpleQueue[Task], ...]
    begun: np.ndarray[Any, Any]
    process: int

    @property
    def crew(self) -> int:
        return len(self.tasks)


_LOCK = threading.Lock()
_pool: Pool | None = None


def workers() -> int:
    """How many threads may run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def crew() -> int:
    """How many threads share a step, this one included."""
    return _current().crew


def begun() -> int:
    """The address of the number of steps that have begun."""
    return int(_current().begun.ctypes.data)


def share(work: Task, done: Callable[[], bool]) -> None:
    """Call `work` in this thread, with 0, and in the pool's at once, with their numbers from 1; return when `done`.

    Each call takes what is left of the work, piece by piece, in compiled code: no piece is lost to an interrupt, and a
    helper that comes late finds nothing to do. Ctrl-C is raised when everything is done.
    """
    left, interrupted = list(_current().tasks[1:]), None
    while True:
        try:
            _hand_out(work, left)
            work(0)
            while not done():
                time.sleep(PAUSE)
            break
        except KeyboardInterrupt as signal:
            interrupted = signal
    if interrupted is not None:
        interrupted.add_note("the step that was interrupted is complete")
        raise interrupted


def over_chunks(part: Callable[[int, int], object], size: int, chunk: int = CHUNK) -> None:
    """Call part(lo, hi) for every chunk of 0 ... size in the pool's threads, and wait for all.

    Ctrl-C is raised when the step is complete: no array is left half stepped.
    """
    starts, turn, left = iter(range(0, size, chunk)), threading.Lock(), list(_current().tasks)
    finished, failed, news = list[int](), list[BaseException](), SimpleQueue[None]()

    def work(mine: int) -> None:
        # Each thread takes the next chunk, so that a slower core gets fewer.
        while True:
            with turn:
                lo = next(starts, None)
            if lo is None:
                return
            try:
                part(lo, min(lo + chunk, size))
            except BaseException as error:
                failed.append(error)
            finished.append(lo)
            news.put(None)

    while len(finished) < -(-size // chunk):
        try:
            _hand_out(work, left)
            news.get()
        except KeyboardInterrupt as signal:
            failed.append(signal)
    if failed:
        raise failed[0]


def _hand_out(work: Task, left: list[SimpleQueue[Task]]) -> None:
    """To those who are left. Where Ctrl-C comes between, one may be asked twice, and finds nothing to do."""
    while left:
        left[-1].put(work)
        left.pop()


def _current() -> Pool:
    global _pool
    with _LOCK:
        if _pool is None or _pool.process != os.getpid():
            _pool = _made()
        return _pool


def _made() -> Pool:
    """New threads, all started, each found to compute with subnormal numbers."""
    tasks = tuple(SimpleQueue[Task]() for _ in range(workers()))
    answers, steps = SimpleQueue[bool](), np.zeros(1, np.int64)
    for number, given in enumerate(tasks):
        given.put(lambda mine: answers.put(_keeps_subnormals()))
        name = f"derive-kernels-{number}"
        threading.Thread(target=_help, args=(number, given, steps), name=name, daemon=True).start()
    fine = [answers.get() for _ in tasks]
    if not all(fine):
        for given in tasks:
            given.put(lambda mine: sys.exit())  # this thread
        raise UserError("new threads flush subnormal numbers to zero", fix="a loaded library set that mode; clear it")
    return Pool(tasks, steps, os.getpid())


def _help(number: int, tasks: SimpleQueue[Task], steps: object) -> None:
    """A thread's work, one task after the other. It holds what its tasks look at, and no task that is done."""
    while True:
        with suppress(Exception):  # who asked does the work himself, and meets the same
            tasks.get()(number)


def _keeps_subnormals() -> bool:
    return bool(np.array([SUBNORMAL]) * 2 > 0)


def _after_fork() -> None:
    global _LOCK, _pool
    _LOCK, _pool = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
