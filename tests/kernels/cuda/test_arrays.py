"""Arrays of others on a card, known by their interface alone: what is right, and what is refused."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kernels.cuda
from derive.errors import UserError
from kernels.cuda.arrays import Seen, handle_of, look, refuse_overlaps, refuse_shapes, stream_of
from kernels.cuda.machine import machine, numba_cuda

pytest.importorskip("numba_cuda")


@dataclass(frozen=True)
class There:
    """An array on a card, as its interface tells of it."""

    shape: tuple[int, ...] = (4,)
    address: int | None = 1024
    typestr: str = "<f4"
    readonly: bool = False
    strides: tuple[int, ...] | None = None
    mask: object = None

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"shape": self.shape, "typestr": self.typestr, "data": (self.address, self.readonly), "version": 3,
                "strides": self.strides, "mask": self.mask}  # fmt: skip


class WithGraph:
    """A tensor of PyTorch that requires its gradient refuses to be had as an array."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        raise RuntimeError("requires grad\nand more")


def seen(value: Any, *, stored: bool = True, name: str = "theta") -> Seen:
    return look(name, value, "float32", place=name, stored=stored)


def test_contiguous_arrays_of_any_shape_are_seen_where_they_lie() -> None:
    matrix = seen(There((2, 3), strides=(12, 4)))
    assert (matrix.address, matrix.size, matrix.end) == (1024, 6, 1048)
    assert seen(There((1, 3), strides=(99, 4))).size == 3, "a stride that is never used"
    assert seen(There((0, 3), None)).address == 0
    assert seen(There(()), stored=False).size == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones(4, np.float32), "must be an array on the card, not ndarray; move theta there"),
        (There(typestr="<f8"), "theta is float64, the kernel float32"),
        (There(typestr=">f4"), "theta is >f4, the kernel float32"),
        (There((2, 3), strides=(4, 8)), "theta is not C-contiguous"),
        (There(address=1026), "theta is not aligned"),
        (There(mask=There()), "theta is masked"),
        (There(readonly=True), "theta is read-only, but the step stores into it"),
        (WithGraph(), r"theta cannot be had as an array: requires grad; give theta.detach\(\)"),
    ],
)
def test_what_is_not_the_kernels_is_refused(value: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        seen(value)
    assert "\n" not in str(error.value)


def test_a_gradient_may_be_read_only() -> None:
    assert seen(There(readonly=True), stored=False).size == 4


def test_what_is_stored_overlaps_nothing() -> None:
    def at(address: int, *, stored: bool, size: int = 4) -> Seen:
        return seen(There((size,), address), stored=stored, name=f"a{address}")

    refuse_overlaps([at(16, stored=True), at(32, stored=False), at(0, stored=True)], "adam")
    refuse_overlaps([at(16, stored=False), at(20, stored=False), at(16, stored=False)], "adam")
    refuse_overlaps([at(16, stored=True), at(20, stored=True, size=0)], "adam")
    for arrays in (
        [at(16, stored=True), at(28, stored=False)],
        [at(16, stored=False), at(28, stored=True)],
        [at(0, stored=False, size=100), at(4, stored=False), at(40, stored=True)],
        [at(0, stored=True, size=100), at(4, stored=True, size=0), at(40, stored=False)],
    ):
        with pytest.raises(UserError, match="share memory"):
            refuse_overlaps(arrays, "adam")
    with pytest.raises(UserError, match=r"g has shape \(3,\), theta \(4,\)"):
        refuse_shapes([seen(There()), seen(There((3,)), name="g")])


def test_a_stream_is_that_of_numba_or_another_s_handle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba_cuda(), "external_stream", lambda handle: ("external", handle))
    of_numba = SimpleNamespace(auto_synchronize=None, handle=7)
    assert stream_of(0) == 0
    assert stream_of(of_numba) is of_numba
    assert handle_of(of_numba) == 7
    for other in (
        7,
        SimpleNamespace(cuda_stream=7),
        SimpleNamespace(ptr=7),
        SimpleNamespace(__cuda_stream__=lambda: (0, 7)),
    ):
        assert stream_of(other) == ("external", 7)
    assert stream_of(SimpleNamespace(cuda_stream=0)) == 0
    for wrong in ("main", 1.5, True):
        with pytest.raises(UserError, match="stream must be a CUDA stream or its handle"):
            stream_of(wrong)


def test_elements_are_had_as_one_axis_and_waited_for_where_another_stream_fills_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(numba_cuda(), "as_cuda_array", lambda array: array.__cuda_array_interface__)
    matrix = seen(There((2, 3), strides=(12, 4)))
    plain = matrix.flat(0)
    assert (plain["shape"], plain["strides"], plain["data"], plain["typestr"]) == ((6,), None, (1024, False), "<f4")
    for theirs, ours, waits in ((None, 0, False), (1, 0, False), (1, 5, True), (5, 5, False), (5, 0, True)):
        assert ("stream" in replace(matrix, stream=theirs).flat(ours)) is waits


def test_without_numba_cuda_or_a_card_an_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = kernels.cuda.compile("adam")
    monkeypatch.setattr(numba_cuda(), "is_available", lambda: False)
    for call in (lambda: kernel.init(There()), lambda: kernel.step(There(), There(), {}, t=1), machine):
        with pytest.raises(UserError, match="no CUDA card") as error:
            call()
        assert "\n" not in str(error.value)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"numba-cuda is not installed; install derive-kernels\[cuda\]"):
        machine()
