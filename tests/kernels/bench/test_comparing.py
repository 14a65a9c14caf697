"""Peers in turn, each in a process that ends with the comparison; who fails is left out, and the others go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.bench import comparing, peers, room, worker
from kernels.bench.comparing import Plan, compare
from kernels.bench.peers import Ready, moved

QUICK = Plan("momentum", ("kernel", "floor", "numpy"), ((10,), (20, 5)), rounds=2, seconds=0.001)


def test_one_list_of_sizes_after_the_other() -> None:
    told: list[str] = []
    found = list(compare(QUICK, told.append))
    assert [(t.peer, t.elements) for t in found] == [
        (peer, size) for size in (10, 25) for peer in ("kernel", "floor", "numpy")
    ]
    assert all(t.median is not None and t.least is not None and 0 < t.least <= t.median for t in found)
    assert len(told) == QUICK.turns
    assert told[-1] == "momentum: numpy, round 2 of 2"


def test_where_memory_is_short_tensors_are_held_for_a_turn_only(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, asked = find_rule("adam"), list[str]()
    needs = [room.needed(rule, "float32", (10**7,), peer) for peer in ("kernel", "numpy")]
    assert needs[0] - room.PROCESS == 4 * 4 * 10**7
    ask = comparing.Worker.ask

    def listening(self: comparing.Worker, **request: object) -> dict[str, object]:
        asked.append(f"{self.peer} {next(iter(request))}")
        return ask(self, **request)

    monkeypatch.setattr(comparing.Worker, "ask", listening)
    monkeypatch.setattr(comparing, "needed", lambda rule, dtype, sizes, peer: {"kernel": 5, "floor": 4}.get(peer, 9))
    monkeypatch.setattr(comparing, "available", lambda: 10)
    plan = Plan("adam", ("kernel", "floor", "numpy"), ((10,),), rounds=1, seconds=0.001)
    found = list(compare(plan))
    assert [t.skipped for t in found] == ["", "", "needs some 0.0 GB of memory, 0.0 are there"]
    turns = [f"{peer} {what}" for peer in ("kernel", "floor") for what in ("sizes", "seconds", "release")]
    assert asked[4:11] == [*turns, "numpy release"]


def test_who_does_not_have_the_rule_is_skipped() -> None:
    found = list(compare(Plan("lamb", ("kernel", "c"), ((10,),), rounds=1, seconds=0.001)))
    assert [t.skipped for t in found] == ["", "lamb takes norms"]
    assert found[1].median is None


def test_who_makes_another_step_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that looks like Adam for one step, and a worker that says how far it went."""

    def other(rule: Rule, dtype: str, sizes: Sequence[int]) -> Ready:
        ready = peers.PEERS["kernel"](rule, dtype, sizes)
        return replace(ready, step=lambda t: ready.step(1))

    monkeypatch.setattr(peers, "PEERS", {**peers.PEERS, "numpy": other})
    monkeypatch.setattr(worker, "_keep_to", lambda threads: None)
    told = []
    for peer in ("kernel", "floor", "numpy", "c"):
        answers = worker.answering()
        next(answers)
        answers.send({"start": {"peer": peer, "rule": "adam", "dtype": "float32", "threads": 1}})
        told.append(answers.send({"sizes": [30, 2]})["moved"])
    assert told[0] == moved(peers.PEERS["kernel"](find_rule("adam"), "float32", (30, 2)), worker.WARM)
    turns = [comparing._Turns(comparing.Worker(peer, None, 1.0), moved=far)  # type: ignore[arg-type]
             for peer, far in zip(("kernel", "floor", "numpy", "c"), told, strict=True)]  # fmt: skip
    comparing._compare_steps(turns)
    assert [turn.skipped for turn in turns] == ["", "", "makes another step than the kernel", ""]


@pytest.mark.parametrize(
    ("code", "said"),
    [("import sys; sys.stdin.readline()", "its process has died"), ("import time; time.sleep(60)", "no answer in 0.2")],
)
def test_who_dies_or_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    monkeypatch.setattr(comparing, "COMMAND", (sys.executable, "-c", code))
    found = list(compare(replace(QUICK, limit=0.2 if "sleep" in code else 60)))
    assert all(t.median is None and t.skipped.startswith(said) for t in found)
    assert len(found) == 6


DRIVER = """
from kernels.bench import comparing
tell = comparing.Worker.tell
def telling(self, **request):
    if "start" in request:
        print(self.process.pid, flush=True)
    tell(self, **request)
comparing.Worker.tell = telling
plan = comparing.Plan("adam", ("kernel", "floor"), ((9,),), rounds=10**6)
list(comparing.compare(plan, lambda said: print(said, flush=True)))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    workers = [int(process.stdout.readline()) for _ in range(2)]
    while "round" not in process.stdout.readline():
        pass
    process.send_signal(how)
    process.stdout.close()
    assert process.wait(30) != 0
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(map(_runs, workers)):
        time.sleep(0.05)
    assert not any(map(_runs, workers))


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
