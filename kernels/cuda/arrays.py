"""Arrays on a card, as others hand them in: numba's own, CuPy's, PyTorch's; looked at before anything is launched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import UserError
from kernels.cuda.machine import numba_cuda, simulated

_DEFAULT_STREAM = 1  # as the CUDA array interface, version 3, calls the legacy one


@dataclass(frozen=True)
class Seen:
    """Where an array lies on the card: as many elements as fit its shape, one after the other."""

    name: str
    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored: bool
    stream: int | None
    owner: Any

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def end(self) -> int:
        return self.address + self.size * self.dtype.itemsize

    def flat(self, stream: int) -> Any:
        """The elements as a one-dimensional array of numba's; `stream` is that where they will be used."""
        if simulated():
            return self.owner.reshape(-1)
        other = {} if self.stream in (None, stream, stream or _DEFAULT_STREAM) else {"stream": self.stream}
        return numba_cuda().as_cuda_array(_Flat(self, other))


class _Flat:
    """The same memory under one axis; numba waits for the stream where it is filled, if that is another."""

    def __init__(self, seen: Seen, other: Mapping[str, int]) -> None:
        self.owner = seen.owner
        self.__cuda_array_interface__ = {
            "shape": (seen.size,), "typestr": seen.dtype.str, "data": (seen.address, False), "strides": None,
            "version": 3, **other,
        }  # fmt: skip


def look(name: str, value: Any, dtype: str, *, place: str, stored: bool) -> Seen:
    """Where the array lies. Raises UserError for what is not a contiguous array on the card of the kernel's type.

    `place` is what the caller calls it; `stored`, whether the step stores into it.
    """
    interface = _interface(name, value, place)
    found, shape = np.dtype(interface["typestr"]), tuple(interface["shape"])
    address, readonly = interface["data"][0] or 0, interface["data"][1]
    if found != np.dtype(dtype):
        raise UserError(f"{name} is {found}, the kernel {dtype}", fix=f"convert {place}, or compile for that dtype")
    if not _contiguous(shape, interface.get("strides"), found.itemsize):
        raise UserError(f"{name} is not C-contiguous", fix=f"copy {place} into a contiguous array before the step")
    if address % found.itemsize:
        raise UserError(f"{name} is not aligned in memory", fix=f"copy {place} before the step")
    if interface.get("mask") is not None:
        raise UserError(f"{name} is masked", fix=f"give {place} without its mask")
    if stored and readonly:
        raise UserError(f"{name} is read-only, but the step stores into it", fix=f"copy {place} before the step")
    return Seen(name, address, shape, found, stored, interface.get("stream"), value)


def refuse_shapes(tensor: Sequence[Seen]) -> None:
    """Raises UserError for arrays of one tensor that differ in shape."""
    first, *others = tensor
    for other in others:
        if other.shape != first.shape:
            what = f"{other.name} has shape {other.shape}, {first.name} {first.shape}"
            raise UserError(what, fix=f"give {other.name} the shape of {first.name}")


def refuse_overlaps(arrays: Sequence[Seen], kernel: str) -> None:
    """Raises UserError where anything that is stored shares memory with anything else."""
    reach: Seen | None = None
    reach_stored: Seen | None = None
    for array in sorted((a for a in arrays if a.size), key=lambda a: a.address):
        before = reach if array.stored else reach_stored
        if before is not None and array.address < before.end:
            raise UserError(f"{before.name} and {array.name} share memory", where=kernel, fix="copy one of them")
        reach = array if reach is None or array.end > reach.end else reach
        if array.stored and (reach_stored is None or array.end > reach_stored.end):
            reach_stored = array


def stream_of(given: Any) -> Any:
    """What numba launches on: its own streams as they are, those of PyTorch and CuPy and plain handles wrapped."""
    if simulated() or hasattr(given, "auto_synchronize"):
        return given
    handle = given.__cuda_stream__()[1] if hasattr(given, "__cuda_stream__") else None
    for found in (handle, getattr(given, "cuda_stream", None), getattr(given, "ptr", None), given):
        if isinstance(found, int) and not isinstance(found, bool):
            return numba_cuda().external_stream(found) if found else 0
    what = f"stream must be a CUDA stream or its handle, not {type(given).__name__}"
    raise UserError(what, fix="give a stream of numba, PyTorch or CuPy, or nothing")


def handle_of(stream: Any) -> int:
    """The number of one of numba's streams; 0 for the default."""
    return 0 if simulated() else int(getattr(stream, "handle", stream) or 0)


def _interface(name: str, value: Any, place: str) -> Mapping[str, Any]:
    """The CUDA array interface of the array; of a simulated one, that of the NumPy array behind it."""
    try:
        if simulated():
            interface = value.__array_interface__ if hasattr(value, "copy_to_host") else None
        else:
            interface = getattr(value, "__cuda_array_interface__", None)
    except (RuntimeError, TypeError) as error:  # PyTorch's, of tensors with a graph behind them
        what = f"{name} cannot be had as an array: {error}".splitlines()[0]
        raise UserError(what, fix=f"give {place}.detach()") from error
    if interface is None:
        what = f"{name} must be an array on the card, not {type(value).__name__}"
        raise UserError(what, fix=f"move {place} there, e.g. by numba.cuda.to_device({place})")
    return interface  # type: ignore[no-any-return]


def _contiguous(shape: tuple[int, ...], strides: tuple[int, ...] | None, itemsize: int) -> bool:
    if strides is None or 0 in shape:
        return True
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length > 1 and stride != itemsize:
            return False
        itemsize *= length
    return True
