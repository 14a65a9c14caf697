"""Kernels that keep numbers in 16 bits: beside the oracle, however they are called, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.precision.staircase import staircase
from kernels import compile
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.measuring.compare_bits import compare_bits
from kernels.measuring.compare_rounding import compare_rounding
from kernels.measuring.inputs import ordinary_arrays, types_of
from kernels.measuring.norms import norms_by_oracle
from kernels.measuring.oracle import interpret, same_bits
from kernels.pipeline import programs
from kernels.running.kernel import Kernel
from kernels.storage import Storage, numpy_dtype
from kernels.verification import verify_kernel

Array = np.ndarray[Any, Any]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
KEPT = (
    Storage("bfloat16", "bfloat16"),
    Storage("float16", "float16", "stochastic"),
    Storage("bfloat16", "float32", "stochastic"),
)


def given(kernel: Kernel, size: int) -> dict[str, Array]:
    program = programs(kernel.rule, kernel.storage).final
    return ordinary_arrays(program.arrays, types_of(program), size, kernel.rule.state_names)


def expected(kernel: Kernel, arrays: dict[str, Array], t: int, seed: int, tensor: int) -> dict[str, Array]:
    """The oracle's step, at the default hyperparameters."""
    scalars = {"t": float(t), **{h.name: float(h.default or 0) for h in kernel.rule.hyperparameters}}
    norms = norms_by_oracle(kernel.rule, kernel.storage, arrays, scalars)
    return interpret(programs(kernel.rule, kernel.storage).final, arrays, scalars | norms, seed=seed, tensor=tensor)


@pytest.mark.parametrize("storage", KEPT, ids=str)
def test_it_is_verified(storage: Storage) -> None:
    report = verify_kernel(find_rule("adam"), storage)
    assert report.program_proved, report.program_proved.message
    assert report.readback_proved, report.readback_proved.message
    for holds, words, *_ in (report.bits, report.rounding, report.special):
        assert holds, words


def test_another_rounding_is_no_longer_verified() -> None:
    """Bits that are not those of the rounding that is promised, and farther away than its half unit."""
    drawn = compile("adam", "float16", rounding="stochastic")
    promised = replace(drawn, storage=Storage("float16", "float16"))
    assert not compare_bits(promised)[0]
    holds, words, _ = compare_rounding(promised, ("v",))
    assert not holds
    assert "is farther than" in words


@pytest.mark.parametrize("size", [7, ENOUGH_FOR_THREADS + 5])
def test_lists_and_threads_have_the_oracles_bits(size: int) -> None:
    kernel, seed = compile("lars", "bfloat16", rounding="stochastic"), 2**40 + 3
    tensors = [given(kernel, n) for n in (size, 3)]
    wanted = [expected(kernel, a, 2, seed, k) for k, a in enumerate(tensors)]
    alone = {name: a.copy() for name, a in tensors[0].items()}
    kernel.step(alone["theta"], alone["g"], {n: alone[n] for n in kernel.rule.state_names}, t=2, seed=seed)
    rows = {name: [a[name].copy() for a in tensors] for name in tensors[0]}
    kernel.step(rows["theta"], rows["g"], {n: rows[n] for n in kernel.rule.state_names}, t=2, seed=seed)
    for name in ("theta", *kernel.rule.state_names):
        assert same_bits(alone[name], wanted[0][name])
        assert all(same_bits(a, w[name]) for a, w in zip(rows[name], wanted, strict=True))


def test_queries_and_averages() -> None:
    """The point of a gradient is rounded to nearest; the output of an average is kept as its input."""
    moved = compile("nesterov", "float16")
    assert moved.querying is not None
    arrays = given(moved, 50)
    state = {name: arrays[name] for name in moved.rule.state_names}
    out = np.zeros_like(arrays["theta"])
    moved.query(arrays["theta"], state, out, t=1)
    program = programs(moved.rule, moved.storage, "query").final
    scalars = {"t": 1.0, **{h.name: float(h.default or 0) for h in moved.rule.hyperparameters}}
    [point] = interpret(program, {**arrays, program.arrays[-1]: out}, scalars).values()
    assert same_bits(out, point)
    kernel = compile("ewma_debiased", "bfloat16", state="float32")
    x = np.ones(5, BFLOAT16)
    average, held = np.zeros_like(x), kernel.init(x)
    kernel.step(x, average, held, t=1)
    assert average.tolist() == [1.0] * 5
    assert {a.dtype.name for a in held.values()} == {"float32"}


def test_rounding_by_random_bits_is_unbiased_from_step_to_step() -> None:
    """Over many seeds the mean is the value, where rounding to nearest would never move it."""
    kernel = compile("gradient_descent", "bfloat16", rounding="stochastic")
    size, seeds, move = 1000, 300, 2.0**-11
    total, g = np.zeros(size), np.full(size, -move, BFLOAT16)
    for seed in range(seeds):
        theta = np.ones(size, BFLOAT16)
        kernel.step(theta, g, {}, t=1, seed=seed, lr=1.0)
        assert set(theta.tolist()) <= {1.0, 1.0 + 2.0**-7}
        total += theta.astype(np.float64) - 1
    deviation = np.sqrt(move * (2.0**-7 - move) / (size * seeds))
    assert abs(total.sum() / (size * seeds) - move) < 5 * deviation
    assert np.std(total / seeds) < 1.2 * np.sqrt(move * (2.0**-7 - move) / seeds)  # and each element for itself
    theta, nearest = np.ones(size, BFLOAT16), compile("gradient_descent", "bfloat16")
    nearest.step(theta, g, {}, lr=1.0)
    assert (theta == 1).all()


def test_a_buffer_falls_as_the_staircase_does() -> None:
    """What `derive hazards` foretells of a state in bfloat16, with arithmetic in float32, is what the kernel does."""
    rule, kernel = find_rule("adam"), compile("adam", "bfloat16")
    foretold = staircase(rule, "v", "bfloat16", arithmetic="float32", steps=300)
    theta, g = np.zeros(1, BFLOAT16), np.zeros(1, BFLOAT16)
    state = {"m": np.zeros(1, BFLOAT16), "v": np.ones(1, BFLOAT16)}
    for t in range(1, 301):
        kernel.step(theta, g, state, t)
        assert float(state["v"][0]) == foretold.held[t]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_guard_looks_at_their_exponents(dtype: str) -> None:
    kernel = compile("gradient_descent", dtype)
    largest = np.array([0x7F7F if dtype == "bfloat16" else 0x7BFF], np.uint16).view(numpy_dtype(dtype))[0]
    for bad, made in [(largest, True), (np.inf, False), (-np.inf, False), (np.nan, False)]:
        theta, g = np.zeros(9, numpy_dtype(dtype)), np.zeros(9, numpy_dtype(dtype))
        g[7] = bad
        assert kernel.step(theta, g, {}, guard=True, lr=0.5) is made
        assert (theta[7] != 0) == made


def mixed() -> tuple[Kernel, Array, Array, dict[str, Array]]:
    kernel = compile("adam", "bfloat16", state="float32", rounding="stochastic")
    theta = np.ones(4, BFLOAT16)
    return kernel, theta, np.ones_like(theta), kernel.init(theta)


def test_arrays_of_two_sizes_that_overlap_are_found() -> None:
    """A parameter of 8 bytes within the last elements of a state of 16."""
    kernel, _, g, state = mixed()
    buffer = np.zeros(32, np.uint8)
    inside, held = buffer[12:20].view(BFLOAT16), buffer[:16].view(np.float32)
    for a, b in [(inside, {"m": held, "v": state["v"]}), (inside, {"m": state["m"], "v": held})]:
        with pytest.raises(UserError, match=r"theta and [mv] share memory"):
            kernel.step(a, g, b, t=1, seed=1)
        with pytest.raises(UserError, match=r"theta\[0\] and [mv]\[0\] share memory"):
            kernel.step([a], [g], {n: [s] for n, s in b.items()}, t=1, seed=1)
    kernel.step(buffer[16:24].view(BFLOAT16), g, {"m": held, "v": state["v"]}, t=1, seed=1)  # which touch


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: step(), "adam: a kernel that rounds by random bits needs a seed; give seed=0, or another for other bits"),
    (lambda: step(seed=1.0), "seed must be a whole number from 0 to 2**63 - 1, not 1.0 (float); give seed=0, 1, ..."),
    (lambda: step(seed=2**63), "seed must be a whole number from 0 to 2**63 - 1"),
    (lambda: step(seed=True), "seed must be a whole number"),
    (lambda: step(np.float16, seed=1), "theta is float16, the kernel bfloat16; theta = theta.astype(ml_dtypes.bf"),
    (lambda: step(np.uint16, seed=1), "theta is uint16, the kernel bfloat16"),
    (lambda: compile("adam").step(np.ones(1, "f"), np.ones(1, "f"), {}, t=1, seed=1), "state has no 'm'"),
    (lambda: compile("gradient_descent").step(np.ones(1, "f"), np.ones(1, "f"), {}, seed=1),
     "gradient_descent: this kernel keeps everything in float32, and needs no seed; leave seed out"),
    (lambda: alone(seed=1),
     "gradient_descent rounds by random bits, others at every step; give t=1, 2, ..."),
    (lambda: compile("adam", "float64", state="float32"), "no kernels for float64, state float32: float64 goes with"),
    (lambda: compile("adam", rounding="stochastic"), "nothing is rounded where everything is float32"),
    (lambda: compile("adam", "float16", rounding="up"), "no kernels that round 'up'; use 'nearest' or 'stochastic'"),
]  # fmt: skip


def alone(**more: Any) -> None:
    one = np.ones(1, BFLOAT16)
    compile("gradient_descent", "bfloat16", rounding="stochastic").step(one, one.copy(), {}, **more)


def step(view: Any = BFLOAT16, **more: Any) -> None:
    kernel, theta, g, state = mixed()
    kernel.step(theta.view(view), g, state, t=1, **more)


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_errors(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        call()
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_known_of_them() -> None:
    kernel, *_ = mixed()
    assert repr(kernel) == "Kernel(adam, bfloat16, state float32, stochastic rounding, proved)"
    assert kernel.bytes_per_element == 2 * 3 + 4 * 4
    assert compile("adam", ml_dtypes.bfloat16).bytes_per_element == 14
    assert compile("nesterov", np.float16).dtype == "float16"
    assert compile("lars", "bfloat16", rounding="stochastic").bytes_per_element == 10 + 4
