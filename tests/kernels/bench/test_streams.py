"""The floor makes the memory streams of a rule's step, and leaves what stands there."""

from __future__ import annotations

import numpy as np
import pytest

from derive.library.lookup import find_rule, rules
from derive.rule import Rule
from kernels import compile
from kernels.bench.streams import streams
from kernels.pipeline import programs


@pytest.mark.parametrize("rule", rules(), ids=lambda r: r.name)
def test_the_streams_are_those_of_the_step(rule: Rule) -> None:
    step, floor = programs(rule, "float32").final, programs(streams(rule), "float32").final
    assert set(floor.loads) == set(step.loads)
    assert set(floor.stored) == set(step.stored)
    assert floor.arrays == step.arrays


def test_what_is_read_and_written_stays() -> None:
    kernel = compile(streams(find_rule("adam")))
    theta, g = np.full(9, 2, np.float32), np.full(9, 3, np.float32)
    state = kernel.init(theta)
    kernel.step(theta, g, state)
    assert (theta == 2).all()
    assert (state["m"] == 0).all()
    kernel.step(theta, g, state, scale=1.0)
    assert (theta == 5).all()
    assert (state["v"] == 3).all()
    assert kernel.bytes_per_element == compile("adam").bytes_per_element
