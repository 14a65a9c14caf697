"""The floor makes the memory streams of a rule's step, and leaves what stands there."""

from __future__ import annotations

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_by_norm
from derive.library.lookup import find_rule, rules
from derive.rule import Rule
from kernels import compile
from kernels.bench.streams import reads_gradients_first, streams
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


def test_where_the_gradient_is_read_first() -> None:
    clipped = compose(clip_by_norm, "momentum")
    assert reads_gradients_first(clipped)
    assert not any(reads_gradients_first(find_rule(name)) for name in ("adam", "lamb"))
    theta, g = np.ones(9, np.float32), np.full(9, np.inf, np.float32)
    kernel = compile(streams(clipped))
    assert kernel.step(theta, g, kernel.init(theta), guard=True) is False
