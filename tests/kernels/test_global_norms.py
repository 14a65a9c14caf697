"""Norms over all tensors of a list: measured in one order whatever the threads, and told from norms of each."""

from __future__ import annotations

from dataclasses import replace
from textwrap import indent
from typing import Any

import numpy as np
import pytest

from derive import compose
from derive.composing import clip_by_norm
from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.proving import assumptions_of
from derive.reading.norms import ALL, BLOCK
from derive.reading.python.expressions import read_expression
from derive.rule import Assignment, Rule
from kernels import compile
from kernels.emit import emit
from kernels.lower import goals
from kernels.measuring import compare_bits as comparing
from kernels.measuring.compare_bits import compare_bits
from kernels.measuring.norms import norms_of_list
from kernels.measuring.oracle import same_bits
from kernels.norms import measured
from kernels.pipeline import programs
from kernels.readback import equal, read_back
from kernels.running import many
from kernels.running.kernel import Kernel
from tests.kernels.test_norms import LAST

BODY = 'theta - lr * g * (norm(g) + norm(g + theta, over="all")) / (1 + norm(g, over="all"))'
BOTH = replace(
    find_rule("gradient_descent"), name="both", body=(Assignment("theta", read_expression(BODY, file="test")),)
)
SIZES = (3, BLOCK + 203, 0, 1, 5 * BLOCK, 70)


def kernel() -> Kernel:
    return compile(BOTH, "float64")


def drawn(sizes: tuple[int, ...] = SIZES) -> tuple[list[Any], list[Any]]:
    random = np.random.default_rng(5)
    theta, g = ([random.standard_normal(size) for size in sizes] for _ in range(2))
    return theta, g


def test_norms_of_each_and_of_all_are_told_apart() -> None:
    found = measured(BOTH)
    assert list(found.norms) == ["norm_g", "norm_x_all", "norm_g_all"]
    assert found.over_all == {"norm_x_all", "norm_g_all"}
    holds, said = compare_bits(kernel())
    assert holds, said


def test_a_norm_of_all_is_that_of_one_flat_array_but_for_rounding_and_of_one_tensor_exactly() -> None:
    clipped = compile(compose(clip_by_norm(0.5), "momentum"), "float64")
    theta, g = drawn()
    flat, flat_g = np.concatenate(theta), np.concatenate(g)
    alone, listed = theta[1].copy(), [theta[1].copy()]
    clipped.step(theta, g, clipped.init(theta), lr=1.0)
    clipped.step(flat, flat_g, clipped.init(flat), lr=1.0)
    np.testing.assert_allclose(np.concatenate(theta), flat, rtol=1e-13, atol=1e-13)
    clipped.step(alone, g[1], clipped.init(alone))
    clipped.step(listed, [g[1]], clipped.init(listed))
    assert same_bits(alone, listed[0])


@pytest.mark.parametrize(("chunk", "crew"), [(1, 3), (2, 2), (7, 1)])
def test_no_sharing_changes_a_bit(chunk: int, crew: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.kernels.running.test_many import concurrently

    made = kernel()
    theta, g = drawn()
    expected = [a.copy() for a in theta]
    made.step(expected, g, {})
    monkeypatch.setattr(many, "ENOUGH_FOR_THREADS", -1)
    monkeypatch.setattr(many, "BLOCKS", chunk)
    monkeypatch.setattr(many, "crew", lambda: crew)
    monkeypatch.setattr(many, "share", lambda work, done: concurrently(work, done, crew))
    made.step(theta, g, {})
    assert all(map(same_bits, theta, expected))


def test_nothing_is_stored_where_one_of_many_is_wrong() -> None:
    made = kernel()
    theta, g = drawn()
    before = [a.copy() for a in theta]
    with pytest.raises(UserError, match=r"theta\[5\] and g\[5\] differ in shape|g\[5\]"):
        made.step(theta, [*g[:5], g[5][:1]], {})
    with pytest.raises(UserError, match="share memory"):
        made.step([*theta[:5], theta[1][:70]], g, {})
    g[4][7] = np.inf
    assert made.step(theta, g, {}, guard=True) is False
    assert all(map(same_bits, theta, before))
    made.step(theta, g, {})
    assert all(np.isnan(a).all() for a in theta)  # an infinite norm is that of every tensor


OVER_ALL = indent(ALL.format(j=2), "    ")
EDITS = {
    "of each tensor": (OVER_ALL, ""),
    "a tensor left out": ("range(norms.shape[0]):\n        total += norms[k, 2]",
                          "range(1, norms.shape[0]):\n        total += norms[k, 2]"),
    "another order": ("range(norms.shape[0]):\n        total += norms[k, 2]",
                      "range(norms.shape[0] - 1, -1, -1):\n        total += norms[k, 2]"),
    "of all instead of each": (LAST, indent(ALL.format(j=0), "    ") + LAST),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_pass_is_not_read_back(edit: str) -> None:
    program = programs(BOTH, "float64", "norms").final
    old, new = EDITS[edit]
    source = emit(program, BOTH)
    assert old in source
    assert equal(read_back(source, program), goals(BOTH, "norms"), assumptions_of(BOTH))
    try:
        read = read_back(source.replace(old, new, 1), program)
    except UserError:
        return
    assert not equal(read, goals(BOTH, "norms"), assumptions_of(BOTH))


def of_each(rule: Rule, dtype: str, tensors: Any, scalars: Any) -> Any:
    return [norms_of_list(rule, dtype, [each], scalars)[0] for each in tensors]


def without_the_first(rule: Rule, dtype: str, tensors: Any, scalars: Any) -> Any:
    of_others = norms_of_list(rule, dtype, tensors[1:], scalars)[0]
    return [{**each, "norm_g_all": of_others["norm_g_all"]} for each in norms_of_list(rule, dtype, tensors, scalars)]


def in_another_order(rule: Rule, dtype: str, tensors: Any, scalars: Any) -> Any:
    return norms_of_list(rule, dtype, tensors[::-1], scalars)[::-1]


@pytest.mark.parametrize("other", [of_each, without_the_first, in_another_order])
def test_the_bits_would_tell_another_norm(other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle is changed rather than the kernel, which is soon done: they are compared."""
    monkeypatch.setattr(comparing, "norms_of_list", other)
    holds, said = compare_bits(kernel())
    assert not holds
    assert said.startswith("step theta")
