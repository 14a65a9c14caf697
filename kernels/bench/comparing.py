"""Peers in turn: a process for each, a short batch of steps from each in every round."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from derive.errors import UserError


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
    """What is timed: for one rule, every peer on every list of sizes, in so many rounds of so many seconds."""

    rule: str
    peers: tuple[str, ...]
    sizes: tuple[tuple[int, ...], ...]
    dtype: str = "float32"
    threads: int = 0
    rounds: int = 7
    seconds: float = 0.05

    @property
    def turns(self) -> int:
        return len(self.peers) * len(self.sizes)


def compare(plan: Plan, on_turn: Callable[[str], object] = lambda said: None) -> Iterator[Timed]:
    """The times, peer by peer, as the rounds of one list of sizes are over; `on_turn` is told who has been timed."""
    from kernels.running.pool import workers

    threads = plan.threads or workers()
    with ExitStack() as stack:
        processes = {peer: stack.enter_context(_worker(plan, peer, threads)) for peer in plan.peers}
        for sizes in plan.sizes:
            skipped = {peer: _ask(process, {"sizes": sizes}).get("skipped", "") for peer, process in processes.items()}
            times: dict[str, list[float]] = {peer: [] for peer in plan.peers}
            for _ in range(plan.rounds):
                for peer, process in processes.items():
                    if not skipped[peer]:
                        times[peer] += _ask(process, {"seconds": plan.seconds})["times"]
            for peer, found in times.items():
                on_turn(f"{plan.rule}: {peer}")
                yield Timed(plan.rule, peer, sizes, statistics.median(found) if found else None,
                            min(found, default=None), skipped[peer])  # fmt: skip


@contextmanager
def _worker(plan: Plan, peer: str, threads: int) -> Iterator[subprocess.Popen[str]]:
    """A process that is over when the block is."""
    command = [sys.executable, "-m", "kernels.bench.worker"]
    path = os.pathsep.join(p for p in sys.path if p)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}) as process:  # fmt: skip
        try:
            _ask(process, {"start": {"peer": peer, "rule": plan.rule, "dtype": plan.dtype, "threads": threads}})
            yield process
        finally:
            process.kill()


def _ask(process: subprocess.Popen[str], request: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise UserError("a process that was timed has died", fix="try smaller --sizes, or fewer --peers")
    answer: dict[str, Any] = json.loads(line)
    return answer
