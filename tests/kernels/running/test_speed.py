"""Ratios of running times, interleaved in one process.

The machine may be busy with something else, so the least times count and an attempt may be repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from derive.library.lookup import find_rule
from kernels import compile
from kernels.bench.streams import streams
from kernels.storage import numpy_dtype

SIZE = 10**7
ROUNDS = 15
ATTEMPTS = 3


def best(**actions: Callable[[], object]) -> dict[str, float]:
    """The least seconds of each action, the actions taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(times) for name, times in seconds.items()}


def by_hand(theta: Any, g: Any, m: Any, v: Any, a: Any, b: Any) -> None:
    """Adam at t = 1 in place, as one writes it in NumPy: two temporaries, no copies."""
    f = np.float32
    m *= f(0.9)
    np.multiply(g, f(0.1), out=a)
    m += a
    v *= f(0.999)
    np.multiply(g, g, out=a)
    a *= f(0.001)
    v += a
    np.divide(v, f(0.001), out=a)
    np.sqrt(a, out=a)
    a += f(1e-8)
    np.divide(m, f(0.1), out=b)
    b *= f(1e-3)
    b /= a
    theta -= b


@pytest.mark.speed
@pytest.mark.slow
def test_adam_beside_numpy_and_the_memory_streams() -> None:
    """Four times NumPy's throughput, and within 1.3 of four reads and three writes by the same threads."""
    kernel, floor = compile("adam"), compile(streams(find_rule("adam")))
    random = np.random.Generator(np.random.PCG64(3))
    theta, g, m, a, b = (random.standard_normal(SIZE).astype(np.float32) for _ in range(5))
    v = random.random(SIZE).astype(np.float32)
    peers, walked = [x.copy() for x in (theta, m, v)], [x.copy() for x in (theta, m, v)]
    state = kernel.init(theta)
    kernel.step(theta, g, state, t=1)
    for _ in range(ATTEMPTS):
        found = best(
            kernel=lambda: kernel.step(theta, g, state, t=1),
            numpy=lambda: by_hand(peers[0], g, peers[1], peers[2], a, b),
            streams=lambda: floor.step(walked[0], g, {"m": walked[1], "v": walked[2]}),
        )
        print({name: f"{1e3 * seconds:.2f} ms" for name, seconds in found.items()})
        if found["numpy"] >= 4 * found["kernel"] and found["kernel"] <= 1.3 * found["streams"]:
            return
    pytest.fail(f"in none of {ATTEMPTS} attempts: {found}")


@pytest.mark.speed
def test_a_small_step_costs_a_few_microseconds() -> None:
    kernel = compile("adam")
    theta, g = np.ones(10, np.float32), np.ones(10, np.float32)
    state = kernel.init(theta)

    def many() -> None:
        for _ in range(2000):
            kernel.step(theta, g, state, t=1)

    seconds = best(many=many)["many"] / 2000
    print(f"{1e6 * seconds:.2f} microseconds a step")
    assert seconds < 8e-6


@pytest.mark.speed
def test_a_list_of_small_tensors_costs_little_more_than_their_elements() -> None:
    """A thousand tensors in one call: twice as fast as a call for each, and within five times one large tensor."""
    kernel = compile("adam")
    theta, g = ([np.ones(1000, np.float32) for _ in range(1000)] for _ in range(2))
    state, large, gradient = kernel.init(theta), np.ones(10**6, np.float32), np.ones(10**6, np.float32)
    each = [{name: buffers[k] for name, buffers in state.items()} for k in range(1000)]
    whole = kernel.init(large)

    def one_by_one() -> None:
        for k in range(1000):
            kernel.step(theta[k], g[k], each[k], t=1)

    kernel.step(theta, g, state, t=1)
    for _ in range(ATTEMPTS):
        found = best(
            listed=lambda: kernel.step(theta, g, state, t=1),
            one_by_one=one_by_one,
            large=lambda: kernel.step(large, gradient, whole, t=1),
        )
        print({name: f"{1e3 * seconds:.3f} ms" for name, seconds in found.items()})
        if found["one_by_one"] >= 2 * found["listed"] and found["listed"] <= 5 * found["large"]:
            return
    pytest.fail(f"in none of {ATTEMPTS} attempts: {found}")


@pytest.mark.speed
@pytest.mark.slow
def test_sixteen_bits_are_converted_many_at_once() -> None:
    """Beside a step in float32; conversions that are made one by one take twenty times as long."""
    random = np.random.Generator(np.random.PCG64(5))
    first, second = (random.standard_normal(10**5) for _ in range(2))
    steps: dict[str, Callable[[], object]] = {}
    for dtype in ("float32", "bfloat16", "float16"):
        kernel = compile("adam", dtype)
        theta, g = (a.astype(numpy_dtype(dtype)) for a in (first, second))
        steps[dtype] = partial(kernel.step, theta, g, kernel.init(theta), t=9)
    for _ in range(ATTEMPTS):
        seconds = best(**steps)
        if seconds["bfloat16"] < 3 * seconds["float32"] and seconds["float16"] < 6 * seconds["float32"]:
            return
    pytest.fail(str(seconds))
