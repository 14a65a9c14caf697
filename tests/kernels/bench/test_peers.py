"""Every peer makes the kernel's step."""

from __future__ import annotations

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_by_norm, clip_grad_norm, ema_of_weights
from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.bench.comparing import alike
from kernels.bench.composed import base_of
from kernels.bench.frameworks import OPTAX, TORCH
from kernels.bench.network import gpt2
from kernels.bench.peers import PEERS, moved
from kernels.bench.written import c_source
from kernels.pipeline import programs
from tests.sample import sampled

STEPS, SIZES = 5, (40, 3)
WRITTEN = tuple(rule for rule in LIBRARY if not (rule.is_average or rule.norms or rule.query))


def same(rule: Rule, peer: str, dtype: str = "float32") -> bool:
    close = 3e-6 if dtype == "float32" else 1e-9
    found, expected = (moved(PEERS[who](rule, dtype, SIZES), STEPS) for who in (peer, "kernel"))
    assert len(found) == sum(SIZES)
    return bool(np.allclose(found, expected, rtol=close, atol=close))


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
    assert all(same(find_rule(rule), f"torch {how}", "float64") for how in ("single", "foreach"))


@pytest.mark.parametrize("rule", ["gradient_descent", "nesterov_torch", "adagrad", "amsgrad", "adamw"])
def test_pytorch_fused_makes_the_same_step(rule: str) -> None:
    pytest.importorskip("torch")
    assert same(find_rule(rule), "torch fused", "float64")


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
    expected, other = (moved(PEERS["kernel"](find_rule(name), "float32", SIZES), 3) for name in ("adam", "adamax"))
    rounded = moved(PEERS["numpy"](find_rule("adam"), "float32", SIZES), 3)
    assert alike(rounded, expected)
    assert not alike(other, expected)
    assert not alike(expected[1:], expected)


def test_c_reads_like_the_rule() -> None:
    source = c_source(programs(find_rule("gradient_descent"), "float32").final)
    assert "element theta_1 = (theta[i] - (lr_e * g[i]));" in source


def test_the_network_is_gpt2() -> None:
    assert (len(gpt2()), sum(gpt2())) == (148, 124_439_808)
    assert (len(gpt2(1000)), gpt2(1000)[0], min(gpt2(1000))) == (148, gpt2()[0] // 1000, 1)
