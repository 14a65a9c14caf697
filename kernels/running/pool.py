"""Threads that share one step: the standard library's pool, kept alive, handed fixed chunks.

Numba's own parallel layers abort when two Python threads step at once or after a fork. The pool
is made anew in a forked child. Chunks do not depend on the number of threads, and no result
depends on the chunks.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from derive.errors import UserError
from kernels.checks import SUBNORMAL

CHUNK = 1 << 18  # elements: large enough to hide the call, small enough to share evenly


@dataclass(frozen=True)
class Pool:
    """The threads of one process."""

    executor: ThreadPoolExecutor
    crew: int
    process: int


_LOCK = threading.Lock()
_pool: Pool | None = None
_self = threading.local()  # the number of a thread of the pool


def workers() -> int:
    """How many threads may run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def crew() -> int:
    """How many threads share a step, this one included."""
    return _current().crew


def share(work: Callable[[int], object], done: Callable[[], bool]) -> None:
    """Call `work` in this thread, with 0, and in the pool's at once, with their numbers from 1; return when `done`.

    Each call takes what is left of the work, piece by piece, in compiled code: no piece is lost to an interrupt, and a
    helper that comes late finds nothing to do. Ctrl-C is raised when everything is done.
    """
    pool, futures, interrupted = _current(), list[Future[object]](), None
    while True:
        try:
            while len(futures) < pool.crew - 1:
                futures.append(pool.executor.submit(_numbered, work))
            work(0)
            while not done():
                _wait(futures)
            break
        except KeyboardInterrupt as signal:
            interrupted = signal
    if interrupted is not None:
        interrupted.add_note("the step that was interrupted is complete")
        raise interrupted


def _numbered(work: Callable[[int], object]) -> object:
    return work(_self.number)


def _wait(futures: list[Future[object]]) -> None:
    """For the helpers that have begun; and a moment, should one have begun whose submission was interrupted."""
    for future in futures:
        if not future.cancel():
            future.result()
    time.sleep(1e-4)


def over_chunks(part: Callable[[int, int], object], size: int, chunk: int = CHUNK) -> None:
    """Call part(lo, hi) for every chunk of 0 ... size in the pool's threads, and wait for all.

    Ctrl-C is raised when the step is complete: no array is left half stepped.
    """
    pool, starts, turn = _current(), iter(range(0, size, chunk)), threading.Lock()

    def share() -> None:
        # Each thread takes the next chunk, so that a slower core gets fewer.
        while True:
            with turn:
                lo = next(starts, None)
            if lo is None:
                return
            part(lo, min(lo + chunk, size))

    _finish([pool.executor.submit(share) for _ in range(pool.crew)])


def _finish(futures: list[Future[None]]) -> None:
    interrupted: KeyboardInterrupt | None = None
    for future in futures:
        while True:
            try:
                future.result()
                break
            except KeyboardInterrupt as signal:
                interrupted = signal
    if interrupted is not None:
        raise interrupted


def _current() -> Pool:
    global _pool
    with _LOCK:
        if _pool is None or _pool.process != os.getpid():
            _pool = _made()
        return _pool


def _made() -> Pool:
    """New threads, all started, each found to compute with subnormal numbers."""
    crew = workers()
    numbers = itertools.count(1)
    executor = ThreadPoolExecutor(crew, "derive-kernels", initializer=lambda: setattr(_self, "number", next(numbers)))
    together = threading.Barrier(crew)
    probes = [executor.submit(_keeps_subnormals, together) for _ in range(crew)]
    answers = [p.result() for p in probes]
    if not all(answers):
        executor.shutdown(wait=False)
        raise UserError("new threads flush subnormal numbers to zero", fix="a loaded library set that mode; clear it")
    return Pool(executor, crew, os.getpid())


def _keeps_subnormals(together: threading.Barrier) -> bool:
    together.wait()  # so that every thread is started, and answers for itself
    return bool(np.array([SUBNORMAL]) * 2 > 0)


def _after_fork() -> None:
    global _LOCK, _pool
    _LOCK, _pool = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
