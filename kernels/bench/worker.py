"""A peer in a process of its own: told what to do line by line on standard input, answering on standard output.

    {"start": {"peer": ..., "rule": ..., "dtype": ..., "threads": ...}}   then   {"sizes": [...]}, {"seconds": ...}, ...

It ends with its input. Pools of threads of several libraries in one process would wait for each other.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from typing import Any

from derive.errors import UserError

WARM = 3  # steps before anything is timed


def main() -> None:
    """Answer until there is no more input."""
    answers = answering()
    next(answers)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        out.write(json.dumps(answers.send(json.loads(line))) + "\n")
        out.flush()


def answering() -> Generator[dict[str, Any], dict[str, Any], None]:
    """The answers to the requests that are sent in.

    To sizes: how far the first steps have moved the parameters, or why the peer is skipped. To seconds: the times of
    the steps that were made in them, one at least. To a request to release its tensors: nothing.
    """
    from derive.library.lookup import find_rule

    first = yield {}
    asked = first["start"]
    _keep_to(asked["threads"])
    from kernels.bench.peers import PEERS, moved  # libraries count the cores when they are imported

    rule, make, ready, t = find_rule(asked["rule"]), PEERS[asked["peer"]], None, 0
    answer: dict[str, Any] = {}
    while True:
        request = yield answer
        answer = {}
        if "seconds" in request:
            assert ready is not None
            times: list[float] = []
            end = time.perf_counter() + request["seconds"]
            while not times or time.perf_counter() < end:
                t, begun = t + 1, time.perf_counter()
                ready.step(t)
                times.append(time.perf_counter() - begun)
            answer = {"times": times}
            continue
        ready = None  # the memory of the last sizes first
        if "sizes" in request:
            try:
                ready, t = make(rule, asked["dtype"], request["sizes"]), WARM
                answer = {"moved": moved(ready, WARM)}
            except UserError as error:
                answer = {"skipped": error.what}
            except Exception as error:  # a framework's own failure is no reason to leave out the others
                said = str(error).splitlines()[0] if str(error) else ""
                answer = {"skipped": f"{type(error).__name__}: {said}".removesuffix(": ")}


def _keep_to(threads: int) -> None:
    """This process on so many cores, the same for every peer."""
    cores = sorted(os.sched_getaffinity(0))[:threads] if hasattr(os, "sched_getaffinity") else []
    if cores:
        os.sched_setaffinity(0, cores)
    os.environ["OMP_NUM_THREADS"] = str(threads)


if __name__ == "__main__":
    main()
