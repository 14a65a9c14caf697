"""Compositions as kernels: one pass over memory, two with a norm, with the bits of the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from derive import compose, scheduled
from derive.composing import (
    accumulated,
    cautious,
    clip_by_norm,
    clip_by_value,
    cosine,
    coupled_decay,
    decoupled_decay,
    ema_of_weights,
    lookahead,
    warmup_cosine,
    wsd,
)
from derive.errors import UserError
from derive.rule import Rule
from kernels import compile
from kernels.measuring.compare_bits import compare_bits

CLIPPED = compose(clip_by_norm(1.0), "adamw", ema_of_weights(0.999))


@pytest.mark.parametrize(
    ("rule", "bytes_per_element"),
    [
        (CLIPPED, 4 + 36),
        (compose(clip_by_value, "rprop", cautious, decoupled_decay), 28),
        (compose(accumulated(2), "nesterov"), 28),
        (compose(coupled_decay, "momentum", lookahead), 28),
        (scheduled("lion", lr=wsd(2, 3, 5), weight_decay=cosine(4)), 20),
    ],
    ids=lambda given: given.name if isinstance(given, Rule) else "",
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_composition_is_one_kernel(rule: Rule, bytes_per_element: int, dtype: str) -> None:
    kernel = compile(rule, dtype)
    assert kernel.certificate.proved
    assert kernel.bytes_per_element == bytes_per_element * (1 if dtype == "float32" else 2)
    assert (kernel.measuring is not None) == bool(rule.norms)
    holds, said = compare_bits(kernel)
    assert holds, said


def test_clipping_one_flat_array_clips_by_the_norm_of_all() -> None:
    random = np.random.default_rng(0)
    theta, g = (random.standard_normal(1000) for _ in range(2))
    kernel, plain = compile(CLIPPED, "float64"), compile("adamw", "float64")
    mine, theirs = theta.copy(), theta.copy()
    state, other = kernel.init(mine), plain.init(theirs)
    kernel.step(mine, g, state, t=1)
    plain.step(theirs, g / np.linalg.norm(g), other, t=1)
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    np.testing.assert_allclose(state["average"], 0.999 * theta + 0.001 * theirs, rtol=1e-12)


def test_a_schedule_is_counted_by_t() -> None:
    kernel = compile(scheduled("gradient_descent", lr=warmup_cosine(2, 4)), "float64")
    moved = []
    for t in range(1, 6):
        theta = np.zeros(3)
        kernel.step(theta, -np.ones(3), kernel.init(theta), t=t, lr=1.0)
        moved.append(float(theta[0]))
    np.testing.assert_allclose(moved, [0.5, 1, 0.5, 0, 0], atol=1e-15)
    with pytest.raises(UserError, match="counts its steps"):
        kernel.step(np.zeros(3), np.zeros(3), {})
    with pytest.raises(UserError, match="warmup must be a finite number in"):
        kernel.step(np.zeros(3), np.zeros(3), {}, t=1, warmup=1.5)


def test_what_takes_norms_of_what_is_clipped_by_norm_needs_more_passes_than_one() -> None:
    with pytest.raises(UserError, match="takes the norm of what holds a norm"):
        compile(compose(clip_by_norm, "lars"))
