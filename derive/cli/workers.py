"""Work in processes of their own, with limits on time and memory.

Exact arithmetic in C cannot be interrupted and a compiler can crash; a process can be ended from
outside. Each worker does one task after another; one that exceeds a limit is ended, its task
reported as failed, and a new worker takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from inspect import isgeneratorfunction
from multiprocessing.connection import Connection, wait
from typing import Any

from derive.errors import UserError

TASK_SECONDS = 180.0
TASK_BYTES = 4 << 30
SPAWN = multiprocessing.get_context("spawn")

Task = tuple[Callable[..., Any], tuple[Any, ...]]


class LimitExceeded(Exception):
    """The task took too long or needed too much memory."""


class Defect(Exception):
    """The task failed in a way that no input should cause; the message ends with the worker's traceback."""


class Last(Enum):
    """Sent when nothing more comes; the same object in every process."""

    LAST = "last"


LAST = Last.LAST


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its value, or why there is none."""

    index: int
    value: Any = None
    error: UserError | LimitExceeded | Defect | None = None


def in_worker(function: Callable[..., Any], *arguments: Any, seconds: float = TASK_SECONDS) -> Any:
    """Call a module-level function in a worker; raise `UserError`, `LimitExceeded` or `Defect` where it fails."""
    [outcome] = run_tasks([(function, arguments)], processes=1, seconds=seconds)
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def parts_from_worker(function: Callable[..., Any], *arguments: Any, seconds: float) -> tuple[list[Any], bool]:
    """What a generator function of a module yields in a worker, and whether a limit ended it; raises as `in_worker`."""
    worker, parts = Worker(), list[Any]()
    worker.start(0, (function, arguments), seconds)
    try:
        while True:
            outcome = worker.finish(bool(wait([worker.pipe], timeout=worker.remaining())))
            if isinstance(outcome.error, LimitExceeded):
                return parts, True
            if outcome.error is not None:
                raise outcome.error
            if outcome.value is LAST:
                return parts, False
            parts.append(outcome.value)
            worker.busy = True
    finally:
        worker.end()


def run_tasks(
    tasks: Sequence[Task],
    *,
    processes: int = 0,
    seconds: float = TASK_SECONDS,
    on_start: Callable[[int], object] = lambda index: None,
) -> Generator[Outcome, None, None]:
    """Run the tasks, yielding outcomes as they come; `on_start` is told the index of each as it begins.

    `processes` 0: one for each core, at most eight.
    """
    waiting = list(enumerate(tasks))[::-1]
    workers = [Worker() for _ in range(min(processes or min(available_cores(), 8), len(tasks)))]
    try:
        while waiting or any(w.busy for w in workers):
            for worker in workers:
                if waiting and not worker.busy:
                    index, task = waiting.pop()
                    worker.start(index, task, seconds)
                    on_start(index)
            ready = set(wait([w.pipe for w in workers if w.busy], timeout=min(w.remaining() for w in workers)))
            for position, worker in enumerate(workers):
                if worker.busy and (worker.pipe in ready or worker.remaining() <= 0):
                    yield worker.finish(worker.pipe in ready)
                    if not worker.alive:
                        workers[position] = Worker()
    finally:
        for worker in workers:
            worker.end()


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Worker:
    """One process and the pipe to it."""

    def __init__(self) -> None:
        self.pipe, far_end = SPAWN.Pipe()
        self.process = SPAWN.Process(target=_serve, args=(far_end,), daemon=True)
        self.busy = False
        self.alive = True
        with _without_interrupts():
            self.process.start()
        far_end.close()

    def start(self, index: int, task: Task, seconds: float) -> None:
        """Hand over a task; the limit begins now."""
        self.index, self.busy, self.seconds = index, True, seconds
        self.deadline = time.monotonic() + seconds
        self.pipe.send(task)

    def remaining(self) -> float:
        """Seconds until the limit of the task at hand."""
        return max(0.0, self.deadline - time.monotonic()) if self.busy else TASK_SECONDS

    def finish(self, ready: bool) -> Outcome:
        """The outcome of the task: an answer, a dead process, or a limit exceeded."""
        self.busy = False
        if not ready:
            return self._failed(LimitExceeded(f"took longer than {self.seconds:g} s and was ended"))
        try:
            value, error = self.pipe.recv()
        except EOFError:
            self.process.join()
            return self._failed(Defect(f"the worker process ended unexpectedly ({_ending(self.process.exitcode)})"))
        return Outcome(self.index, value, error)

    def _failed(self, error: LimitExceeded | Defect) -> Outcome:
        self.end()
        return Outcome(self.index, error=error)

    def end(self) -> None:
        """End the process, whatever it does."""
        self.alive = False
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _ending(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Workers inherit a blocked Ctrl-C: only the command itself reacts to it, and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """What a worker does: tasks until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory()
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        if isgeneratorfunction(function):
            _send_parts(pipe, function, arguments)
        else:
            pipe.send(_attempt(function, arguments))


def _send_parts(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Each part as soon as it is made, and that it was the last."""
    parts = function(*arguments)
    while True:
        value, error = _attempt(next, (parts, LAST))
        pipe.send((value, error))
        if value is LAST or error is not None:
            return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = TASK_BYTES if hard == resource.RLIM_INFINITY else min(TASK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return function(*arguments), None
    except UserError as error:
        return None, error
    except MemoryError:
        return None, LimitExceeded(f"needed more than {TASK_BYTES >> 30} GiB of memory")
    except Exception as error:
        return None, Defect(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
