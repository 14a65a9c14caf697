"""Peers in turn: a process for each, a short batch of steps from each in every round."""

from __future__ import annotations

import json
import os
import select
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from derive.library.lookup import find_rule
from kernels.bench.room import available, needed

COMMAND = (sys.executable, "-m", "kernels.bench.worker")
ALIKE = 0.01  # of the furthest that a peer's parameters are moved: rounding stays below, another step does not
SAFE = 0.8  # of the memory that is available: estimates are rough


@dataclass(frozen=True)
class Timed:
    """What a peer took for one step on tensors of these sizes: seconds, the median and the least over all rounds."""

    rule: str
    peer: str
    sizes: tuple[int, ...]
    median: float | None
    least: float | None
    skipped: str = ""

    @property
    def elements(self) -> int:
        return sum(self.sizes)


@dataclass(frozen=True)
class Plan:
    """What is timed: for one rule, every peer on every list of sizes, in so many rounds of so many seconds.

    `limit` is how many seconds a peer may take to answer: to compile, and for its first steps.
    """

    rule: str
    peers: tuple[str, ...]
    sizes: tuple[tuple[int, ...], ...]
    dtype: str = "float32"
    threads: int = 0
    rounds: int = 7
    seconds: float = 0.05
    limit: float = 300.0

    @property
    def turns(self) -> int:
        """How often `compare` says what comes next."""
        return len(self.peers) * len(self.sizes) * (1 + self.rounds)


@dataclass
class Worker:
    """A peer's process. One that does not answer, or dies, is ended; `lost` says why, and is then its answer."""

    peer: str
    process: subprocess.Popen[bytes]
    limit: float
    lost: str = ""

    def ask(self, **request: Any) -> dict[str, Any]:
        self.tell(**request)
        return self.answer()

    def tell(self, **request: Any) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):  # the process is over: it will not answer
            os.write(self.process.stdin.fileno(), json.dumps(request).encode() + b"\n")

    def answer(self) -> dict[str, Any]:
        """The answer to what was told, or why there is none."""
        if self.lost:
            return {"skipped": self.lost}
        assert self.process.stdout is not None
        answered, _, _ = select.select([self.process.stdout], [], [], self.limit)
        line = self.process.stdout.readline() if answered else b""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.lost = "its process has died" if answered else f"no answer in {self.limit:g} seconds"
        self.end()
        return {"skipped": self.lost}

    def end(self) -> None:
        """End the process, and those that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class _Turns:
    """A peer's turns on one list of sizes."""

    worker: Worker
    skipped: str = ""
    times: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)


def compare(plan: Plan, on_turn: Callable[[str], object] = lambda said: None) -> Iterator[Timed]:
    """The times, peer by peer, as the rounds of one list of sizes are over; `on_turn` is told whose turn it is.

    All peers hold their tensors from the first round to the last, or, where memory does not suffice for all, each for
    its turn. Who makes another step than the kernel is skipped, and so is who needs more memory than there is.
    """
    from kernels.running.pool import workers

    threads = plan.threads or workers()
    with ExitStack() as stack:
        started = [stack.enter_context(_worker(plan, peer)) for peer in plan.peers]
        for each in started:
            each.tell(start={"peer": each.peer, "rule": plan.rule, "dtype": plan.dtype, "threads": threads})
        for each in started:
            each.answer()
        for sizes in plan.sizes:
            for turns in _turns(plan, started, sizes, on_turn):
                peer, times = turns.worker.peer, [] if turns.skipped else turns.times
                yield Timed(plan.rule, peer, sizes, statistics.median(times) if times else None,
                            min(times, default=None), turns.skipped)  # fmt: skip


def _turns(
    plan: Plan, workers: Sequence[Worker], sizes: tuple[int, ...], on_turn: Callable[[str], object]
) -> list[_Turns]:
    rule, free = find_rule(plan.rule), available()
    room = {worker.peer: needed(rule, plan.dtype, sizes, worker.peer) for worker in workers}
    held = free is None or sum(room.values()) <= SAFE * free
    table = [_Turns(worker) for worker in workers]
    for each in table:
        on_turn(f"{plan.rule}: {each.worker.peer} gets ready")
        if free is not None and room[each.worker.peer] > SAFE * free:
            each.skipped = f"needs some {room[each.worker.peer] / 1e9:.1f} GB of memory, {free / 1e9:.1f} are there"
            continue
        _prepare(each, sizes)
        if not held:
            each.worker.ask(release=True)
    _compare_steps(table)
    for turn in range(plan.rounds):
        for each in table:
            on_turn(f"{plan.rule}: {each.worker.peer}, round {turn + 1} of {plan.rounds}")
            if not held and not each.skipped:
                _prepare(each, sizes)
            if not each.skipped:
                answer = each.worker.ask(seconds=plan.seconds)
                each.skipped = answer.get("skipped", "")
                each.times += answer.get("times", [])
            if not held:
                each.worker.ask(release=True)
    for worker in workers:
        worker.ask(release=True)
    return table


def _prepare(each: _Turns, sizes: tuple[int, ...]) -> None:
    answer = each.worker.ask(sizes=sizes)
    each.skipped, each.moved = answer.get("skipped", ""), answer.get("moved", [])


def _compare_steps(table: Sequence[_Turns]) -> None:
    """Skip who moves the parameters otherwise than the kernel does; the floor does not move them at all."""
    expected = next((each.moved for each in table if each.worker.peer == "kernel" and not each.skipped), None)
    for each in table:
        if (
            expected is not None
            and each.worker.peer != "floor"
            and not each.skipped
            and not alike(each.moved, expected)
        ):
            each.skipped = "makes another step than the kernel"


def alike(moved: Sequence[float], expected: Sequence[float]) -> bool:
    """Whether parameters near 1 were moved equally far, up to rounding."""
    close = ALIKE * max(map(abs, expected), default=0.0) + 2e-6
    return len(moved) == len(expected) and all(abs(a - b) <= close for a, b in zip(moved, expected, strict=True))


@contextmanager
def _worker(plan: Plan, peer: str) -> Iterator[Worker]:
    """A process that is over when the block is. Ctrl-C on a terminal does not reach it, but ends the block."""
    path = os.pathsep.join(p for p in sys.path if p)
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env={**os.environ, "PYTHONPATH": path}, start_new_session=True) as process:  # fmt: skip
        worker = Worker(peer, process, plan.limit)
        try:
            yield worker
        finally:
            worker.end()
