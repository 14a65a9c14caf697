"""Every rule through its kernels: whatever the inputs, the kernel's bits are the oracle's."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from derive.rule import Rule
from kernels import compile
from kernels.measuring.compare_bits import call
from kernels.measuring.inputs import Setting
from kernels.measuring.norms import norms_by_oracle
from kernels.measuring.oracle import interpret, same_bits
from kernels.pipeline import parts_of, programs
from kernels.program import Program
from kernels.verification import verify_kernel
from tests.sample import SAMPLE
from tests.zoo import NAMES, columns, construct, counters, hyperparameters

DTYPES = ("float32", "float64")
# Constructs are tried in one type: compiling them takes longer than trying them.
CASES = [*((rule, dtype) for rule in SAMPLE for dtype in DTYPES), *((construct(name), "float32") for name in NAMES)]


@cache
def final(rule: Rule, dtype: str, part: Any) -> Program:
    return programs(rule, dtype, part).final


@pytest.mark.parametrize(("rule", "dtype"), CASES, ids=[f"{rule.name}-{dtype}" for rule, dtype in CASES])
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_bits_are_the_oracles(rule: Rule, dtype: str, data: st.DataObject) -> None:
    kernel = compile(rule, dtype, unproved=True)
    part = data.draw(st.sampled_from([part for part in parts_of(rule) if part != "norms"]))
    program = final(rule, dtype, part)
    given_ = data.draw(columns(program.arrays, dtype))
    defaults = {h.name: float(h.default or 0) for h in rule.hyperparameters}
    setting = Setting(data.draw(counters()), defaults | data.draw(hyperparameters(rule)))
    actual = call(kernel, part, given_, setting)
    norms = norms_by_oracle(rule, dtype, given_, setting.scalars)
    for array, expected in interpret(program, given_, setting.scalars | norms).items():
        assert actual[array].shape == expected.shape
        assert actual[array].dtype == expected.dtype == np.dtype(dtype)
        assert same_bits(actual[array], expected), array
    for array in set(program.arrays).difference(program.stored):
        assert same_bits(actual[array], given_[array]), f"{array} was changed"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", SAMPLE, ids=lambda r: r.name)
def test_every_kernel_of_the_sample_is_verified(rule: Rule, dtype: str) -> None:
    report = verify_kernel(rule, dtype)
    assert report.program_proved, report.program_proved.message
    assert report.readback_proved, report.readback_proved.message
    assert report.bits[0], report.bits[1]
    assert report.rounding[0], report.rounding[1]
    assert report.special[0], report.special[1]


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda r: r.name)
def test_a_trajectory_from_the_start(rule: Rule) -> None:
    """Fifty steps of the kernel and of the oracle from the initial state."""
    kernel, program = compile(rule, "float64"), final(rule, "float64", "step")
    random = np.random.Generator(np.random.PCG64(11))
    first = random.standard_normal(17)
    now = {program.arrays[0]: first.copy(), program.arrays[1]: np.zeros(17), **kernel.init(first)}
    state = {n: now[n] for n in rule.state_names}
    expected = {n: a.copy() for n, a in now.items()}
    scalars = {h.name: float(h.default or 0) for h in rule.hyperparameters}
    for t in range(1, 51):
        fresh = random.standard_normal(17)
        given_name = program.arrays[0] if rule.is_average else "g"
        now[given_name][:] = fresh
        expected[given_name] = fresh
        kernel.step(now[program.arrays[0]], now[program.arrays[1]], state, t)
        norms = norms_by_oracle(rule, "float64", expected, {"t": float(t), **scalars})
        expected |= interpret(program, expected, {"t": float(t), **scalars, **norms})
    assert all(same_bits(now[n], expected[n]) for n in expected)
