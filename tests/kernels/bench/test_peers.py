"""Every peer makes the kernel's step, in a process of its own that ends with the comparison."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_by_norm, clip_grad_norm, ema_of_weights
from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.bench.comparing import Plan, compare
from kernels.bench.composed import base_of
from kernels.bench.frameworks import OPTAX, TORCH
from kernels.bench.network import gpt2
from kernels.bench.peers import PEERS, Ready
from kernels.bench.written import c_source
from kernels.pipeline import programs
from tests.sample import sampled

STEPS, SIZES = 5, (40, 3)
WRITTEN = tuple(rule for rule in LIBRARY if not (rule.is_average or rule.norms or rule.query))


def ends(rule: Rule, peer: str, dtype: str = "float32", sizes: tuple[int, ...] = SIZES) -> list[Any]:
    ready: Ready = PEERS[peer](rule, dtype, sizes)
    for t in range(1, STEPS + 1):
        ready.step(t)
    return [np.asarray(theta, float) for theta in ready.theta()]


def same(rule: Rule, peer: str, dtype: str = "float32") -> bool:
    close = 3e-6 if dtype == "float32" else 1e-9
    found, expected = ends(rule, peer, dtype), ends(rule, "kernel", dtype)
    return all(np.allclose(a, b, rtol=close, atol=close) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("rule", sampled(WRITTEN), ids=lambda rule: rule.name)
@pytest.mark.parametrize("peer", ["numpy", "c"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of a branch that is not taken
def test_what_is_written_makes_the_same_step(rule: Rule, peer: str) -> None:
    assert same(rule, peer)


@pytest.mark.parametrize("rule", ["adam", "rprop"])
def test_a_plain_loop_makes_the_same_step(rule: str) -> None:
    assert same(find_rule(rule), "numba", "float64")


@pytest.mark.parametrize("rule", TORCH)
def test_pytorch_makes_the_same_step(rule: str) -> None:
    pytest.importorskip("torch")
    assert same(find_rule(rule), "torch single", "float64")  # foreach with Nesterov's momentum changes the gradients


@pytest.mark.parametrize("rule", OPTAX)
def test_optax_makes_the_same_step(rule: str) -> None:
    pytest.importorskip("optax")
    assert same(find_rule(rule), "optax")


@pytest.mark.parametrize(("peer", "needs"), [("torch single", "torch"), ("optax", "optax")])
def test_a_clipped_step_with_an_average_has_peers(peer: str, needs: str) -> None:
    pytest.importorskip(needs)
    assert same(compose(clip_by_norm(1.0), "adamw", ema_of_weights(0.999)), peer)  # but for 1e-6 in PyTorch's norm
    assert base_of(compose(clip_grad_norm(0.5), "adam", ema_of_weights(0.9), name="mine")) == "adam"
    assert not base_of(compose(clip_by_norm, "adamw"))
    with pytest.raises(UserError, match="has no mine"):
        PEERS[peer](compose(ema_of_weights, "adamw", name="mine"), "float32", SIZES)


def test_another_step_is_noticed() -> None:
    assert not np.allclose(ends(find_rule("adam"), "numpy")[0], ends(find_rule("adamax"), "kernel")[0], atol=1e-5)


def test_c_reads_like_the_rule() -> None:
    source = c_source(programs(find_rule("gradient_descent"), "float32").final)
    assert "element theta_1 = (theta[i] - (lr_e * g[i]));" in source


def test_one_list_of_sizes_after_the_other() -> None:
    plan = Plan("momentum", ("kernel", "floor", "numpy"), ((10,), (20, 5)), rounds=2, seconds=0.001)
    told: list[str] = []
    found = list(compare(plan, told.append))
    assert [(t.peer, t.elements) for t in found] == [
        (peer, size) for size in (10, 25) for peer in ("kernel", "floor", "numpy")
    ]
    assert all(t.median is not None and t.least is not None and 0 < t.least <= t.median for t in found)
    assert len(told) == plan.turns


def test_who_does_not_have_the_rule_is_skipped() -> None:
    found = list(compare(Plan("lamb", ("kernel", "c"), ((10,),), rounds=1, seconds=0.001)))
    assert [t.skipped for t in found] == ["", "lamb takes norms"]
    assert found[1].median is None


def test_a_worker_that_dies_is_told() -> None:
    plan = Plan("no_such_rule", ("kernel",), ((10,),), rounds=1)
    with pytest.raises(UserError, match="has died"):
        list(compare(plan))


def test_workers_end_with_their_driver() -> None:
    driver = (
        "import time; from kernels.bench.comparing import Plan, _worker\n"
        "with _worker(Plan('adam', ('kernel',), ((9,),)), 'kernel', 1) as w: print(w.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", driver], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _runs(worker):
        time.sleep(0.1)
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_network_is_gpt2() -> None:
    assert (len(gpt2()), sum(gpt2())) == (148, 124_439_808)
