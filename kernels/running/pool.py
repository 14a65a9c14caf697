"""Threads that share one step: the standard library's pool, kept alive, handed fixed chunks.

Numba's own parallel layers abort when two Python threads step at once or after a fork. The pool
is made anew in a forked child. Chunks do not depend on the number of threads, and no result
depends on the chunks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from derive.errors import UserError

CHUNK = 1 << 18  # elements: large enough to hide the call, small enough to share evenly

SUBNORMAL = 5e-324


@dataclass(frozen=True)
class Pool:
    """The threads of one process."""

    executor: ThreadPoolExecutor
    crew: int
    process: int


_LOCK = threading.Lock()
_pool: Pool | None = None


def workers() -> int:
    """How many threads may run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


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
    executor = ThreadPoolExecutor(crew, thread_name_prefix="derive-kernels")
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
