"""One answer for every division of the work, under threads, after a fork, and in any floating-point mode."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import compile
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.running import pool
from kernels.running.kernel import Kernel

LARGE = ENOUGH_FOR_THREADS + 1237


def data(n: int, dtype: str = "float32") -> dict[str, Any]:
    random = np.random.Generator(np.random.PCG64(1))
    columns = {name: random.standard_normal(n).astype(dtype) for name in ("theta", "g", "m")}
    return columns | {"v": random.random(n).astype(dtype)}


def stepped(kernel: Kernel, n: int = LARGE) -> dict[str, Any]:
    a = data(n)
    kernel.step(a["theta"], a["g"], {"m": a["m"], "v": a["v"]}, t=3)
    return a


def alone(kernel: Kernel, n: int = LARGE) -> dict[str, Any]:
    a = data(n)
    kernel.stepping.entry(a["theta"], a["g"], a["m"], a["v"], 3, 1e-3, 0.9, 0.999, 1e-8, 0, n, pool.SUBNORMAL)
    return a


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(np.array_equal(a[k], b[k]) for k in a)


def test_threads_give_the_bits_of_one_loop() -> None:
    kernel = compile("adam")
    assert same(stepped(kernel), alone(kernel))


@settings(max_examples=30)
@given(n=st.integers(0, 300), chunk=st.integers(1, 100))
def test_no_chunking_changes_a_bit(n: int, chunk: int) -> None:
    kernel = compile("adam")
    a = data(n)
    arrays = [a["theta"], a["g"], a["m"], a["v"]]

    def part(lo: int, hi: int) -> None:
        kernel.stepping.entry(*arrays, 3, 1e-3, 0.9, 0.999, 1e-8, lo, hi, pool.SUBNORMAL)

    pool.over_chunks(part, n, chunk)
    assert same(a, alone(kernel, n))


@given(size=st.integers(0, 10_000), chunk=st.integers(1, 3000))
def test_every_element_is_in_exactly_one_chunk(size: int, chunk: int) -> None:
    seen = np.zeros(size, int)

    def part(lo: int, hi: int) -> None:
        assert 0 <= lo < hi <= size
        assert lo % chunk == 0
        seen[lo:hi] += 1

    pool.over_chunks(part, size, chunk)
    assert np.all(seen == 1)


def test_python_threads_may_step_at_once() -> None:
    kernel = compile("adam")
    expected = alone(kernel)
    with ThreadPoolExecutor(4) as several:
        results = list(several.map(lambda _: stepped(kernel), range(8)))
    assert all(same(r, expected) for r in results)


def test_an_error_in_a_chunk_is_raised() -> None:
    def part(lo: int, hi: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool.over_chunks(part, 10, 3)


def test_ctrl_c_waits_for_the_whole_step() -> None:
    done = []

    def part(lo: int, hi: int) -> None:
        if lo == 0:
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.01)
        done.append(lo)

    with pytest.raises(KeyboardInterrupt):
        pool.over_chunks(part, 20, 1)
    assert sorted(done) == list(range(20))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    kernel = compile("adam")
    expected = stepped(kernel)
    child = os.fork()
    if child == 0:
        os._exit(0 if same(stepped(kernel), expected) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


FLUSHING = """
import ctypes, sys
import numpy as np
import llvmlite.binding as llvm
llvm.initialize_native_target(); llvm.initialize_native_asmprinter(); llvm.initialize_native_asmparser()
module = llvm.parse_assembly('''
define void @mode(i64 %place) {
  call void asm sideeffect "ldmxcsr ($0)", "r,~{memory}"(i64 %place)
  ret void
}''')  # an address as a whole number: how LLVM writes pointers depends on its version
engine = llvm.create_mcjit_compiler(module, llvm.Target.from_default_triple().create_target_machine())
load_mode = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address("mode"))
def mode(value):
    word = ctypes.c_uint32(value)
    load_mode(ctypes.addressof(word))
from derive.errors import UserError
from kernels import compile
from kernels.running import pool
kernel = compile("gradient_descent")
theta, g = np.ones(3, np.float32), np.ones(3, np.float32)
for name, value in [("FTZ", 0x9F80), ("DAZ", 0x1FC0), ("both", 0x9FC0)]:
    mode(value)
    try:
        kernel.step(theta, g, {})
        answer = "stepped"
    except UserError as error:
        answer = str(error)
    finally:
        mode(0x1F80)
    print(name, answer)
mode(0x9FC0)
try:
    pool._made()
    print("threads made")
except UserError as error:
    print(str(error))
mode(0x1F80)
print(theta[0])
kernel.step(theta, g, {}, lr=0.5)
print(theta[0])
"""


@pytest.mark.skipif("x86" not in __import__("platform").machine(), reason="sets a register of x86")
def test_a_thread_that_flushes_subnormals_is_refused() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(pool.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FLUSHING], env=environment, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *modes, threads, before, after = done.stdout.splitlines()
    assert len(modes) == 3
    assert all("gradient_descent: this thread flushes subnormal numbers to zero" in m for m in modes), modes
    assert "new threads flush subnormal numbers" in threads
    assert (before, after) == ("1.0", "0.5")
