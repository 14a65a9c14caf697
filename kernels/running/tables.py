"""The addresses and sizes of many tensors, checked all together, in tables that are kept from step to step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from kernels.running import loops
from kernels.running.survey import OVERLAP, UNSORTED

Array = np.ndarray[Any, Any]
_HEADER, _ITEMS = object.__basicsize__, tuple.__basicsize__


@dataclass
class Tables:
    """A row of addresses for each argument, a column for each tensor; where tensors start among all elements and all
    blocks, laid end to end; the order of the addresses when last looked at; room for the sums and norms."""

    addresses: Array
    starts: Array
    blocks: Array
    order: Array
    sums: Array = field(default_factory=lambda: np.zeros((0, 0)))
    norms: Array = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def elements(self) -> int:
        return int(self.starts[-1])

    def room(self, count: int) -> None:
        """Room for the sums of every block and the norms of every tensor, so many of each."""
        blocks, tensors = int(self.blocks[-1]), self.addresses.shape[1]
        if self.sums.shape[0] < blocks or self.sums.shape[1] != count:
            self.sums = np.zeros((blocks, count))
        if self.norms.shape != (tensors, count):
            self.norms = np.zeros((tensors, count))


def tables(rows: int, tensors: int) -> Tables:
    """Empty ones."""
    whole = np.zeros(tensors + 1, np.int64)
    return Tables(np.zeros((rows, tensors), np.int64), whole, whole.copy(), np.arange(rows * tensors))


def are_apart(made: Sequence[Tables], like: Sequence[Examples]) -> bool:
    """Whether nothing that is stored overlaps anything else, in several tables together."""
    sizes = [np.outer(each.itemsizes, np.diff(t.starts)) for t, each in zip(made, like, strict=True)]
    kept = [np.broadcast_to(each.stored[:, None], size.shape) for each, size in zip(like, sizes, strict=True)]
    first, size, stored = (
        np.concatenate([np.ravel(a) for a in rows]) for rows in ([t.addresses for t in made], sizes, kept)
    )
    order = np.argsort(first, kind="stable")
    first, size, stored = (a[order][size[order] > 0] for a in (first, size, stored))
    ends = first + size
    reach = np.maximum.accumulate(ends)[:-1]
    reach_stored = np.maximum.accumulate(np.where(stored, ends, 0))[:-1]
    return not np.any(first[1:] < np.where(stored[1:], reach, reach_stored))


def joined(made: Sequence[Tables]) -> tuple[Array, Array]:
    """Where the tensors of several tables start among all their blocks, and the sums of these."""
    ends = np.concatenate([[0], *(np.diff(each.blocks) for each in made)]).cumsum()
    return ends, np.concatenate([each.sums[: each.blocks[-1]] for each in made])


class Overlap(Exception):
    """What is stored shares memory with something: the `places` of two arrays, counted row by row."""

    def __init__(self, *places: int) -> None:
        super().__init__(*places)
        self.places = places


class Unfit(Exception):
    """An array is not the kernel's, or has another shape than its tensor: its `place`, counted row by row."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True)
class Examples:
    """For each argument an array like those that are to be given, and whether it is stored into."""

    arrays: tuple[Array, ...]
    stored: Array
    places: Array
    itemsizes: Array


def examples(arrays: Iterable[Array], stored: Array) -> Examples:
    """The examples with what the compiled loop is given of them."""
    kept = tuple(arrays)
    places, sizes = np.array([id(a) for a in kept], np.int64), np.array([a.itemsize for a in kept], np.int64)
    return Examples(kept, stored, places, sizes)


def survey(made: Tables, arrays: tuple[Array, ...], like: Examples) -> None:
    """Fill the tables from the arrays, row by row. Raises Unfit and Overlap."""
    items = id(arrays) + _ITEMS if _layout_is_known() else 0
    if not items:
        _by_attributes(made, arrays, like)
    _checked(made, items, like)


def survey_addresses(made: Tables, like: Examples) -> None:
    """Check the tables, filled by the caller but for the starts of blocks. Raises Unfit and Overlap."""
    askew = np.flatnonzero(made.addresses % like.itemsizes[:, None])
    if askew.size:
        raise Unfit(int(askew[0]))
    _checked(made, 0, like)


def _checked(made: Tables, items: int, like: Examples) -> None:
    look = loops.survey()
    given = (items, _HEADER, like.places, like.itemsizes, like.stored, made.addresses, made.starts, made.blocks,
             made.order)  # fmt: skip
    code = look(*given)
    if code == UNSORTED:
        made.order[:] = _order(made.addresses.reshape(-1), int(like.itemsizes.min()))
        code = look(*given)
    if code == OVERLAP:
        raise Overlap(*_overlapping(made, like))
    if code:
        raise Unfit(code - 1)


def _order(addresses: Array, itemsize: int) -> Array:
    """What sorts the addresses; they and their places in one word each, where there is room, are sorted sooner."""
    bits = addresses.size.bit_length()
    if bits > 16 or itemsize < 2:
        return np.argsort(addresses)
    words = addresses // itemsize << bits
    words += np.arange(addresses.size)
    words.sort()
    return words & ((1 << bits) - 1)


def _overlapping(made: Tables, like: Examples) -> tuple[int, int]:
    """The places of two arrays that overlap, one of them stored, in their order as arguments."""
    tensors = made.addresses.shape[1]
    sizes, stored = np.outer(like.itemsizes, np.diff(made.starts)), like.stored
    furthest = furthest_stored = (-1, -1)  # where the memory seen so far ends, and whose that is
    for place in map(int, made.order):
        row, k = divmod(place, tensors)
        first = int(made.addresses[row, k])
        if not sizes[row, k]:
            continue
        end, other = furthest if stored[row] else furthest_stored
        if first < end:
            return min(place, other), max(place, other)
        span = (first + int(sizes[row, k]), place)
        furthest = max(furthest, span)
        if stored[row]:
            furthest_stored = max(furthest_stored, span)
    raise AssertionError("nothing overlaps")


def _by_attributes(made: Tables, arrays: tuple[Array, ...], like: Examples) -> None:
    """The same from the attributes of the arrays, slowly."""
    tensors = made.addresses.shape[1]
    for place, a in enumerate(arrays):
        row, k = divmod(place, tensors)
        fits = type(a) is np.ndarray and a.dtype == like.arrays[row].dtype and a.shape == arrays[k].shape
        if not (fits and a.flags.c_contiguous and a.flags.aligned and (a.flags.writeable or not like.stored[row])):
            raise Unfit(place)
        made.addresses[row, k] = a.ctypes.data
    np.cumsum([a.size for a in arrays[:tensors]], out=made.starts[1:])


@cache
def _layout_is_known() -> bool:
    """Whether arrays lie in memory as expected: what is read there is what their attributes say."""
    good = [np.zeros(shape, np.float32) for shape in ((), (3,), (2, 5), (0, 4))]
    frozen = np.zeros((2, 5), np.float32)
    frozen.flags.writeable = False
    odd: list[Array] = [np.zeros((2, 5)), np.zeros((5, 2), np.float32), frozen, np.zeros((5, 2), np.float32).T]
    like = examples([np.zeros(1, np.float32)] * 2, np.array([True, True]))
    try:
        for others, fits in [(tuple(a.copy() for a in good), True), *((_with(good, a), False) for a in odd)]:
            read, told = tables(2, 4), tables(2, 4)
            arrays = (*good, *others)
            if _fits(read, arrays, like) is not fits:
                return False
            if fits:
                _by_attributes(told, arrays, like)
                if not all(map(np.array_equal, (read.addresses, read.starts), (told.addresses, told.starts))):
                    return False
    except Overlap:
        return False
    return True


def _with(arrays: Sequence[Array], another: Array) -> tuple[Array, ...]:
    return tuple(another if k == 2 else a.copy() for k, a in enumerate(arrays))


def _fits(made: Tables, arrays: tuple[Array, ...], like: Examples) -> bool:
    try:
        _checked(made, id(arrays) + _ITEMS, like)
    except Unfit:
        return False
    return True
