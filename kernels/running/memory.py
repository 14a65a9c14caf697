"""What compiled code needs to work on memory by its address, and to divide work among threads.

Two instructions for which Numba has no name, an address as a pointer and the atomic addition, and what is made of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

LINE = 8  # whole numbers of one line of the cache, so that threads that count do not wait for each other


def cells(regions: int) -> np.ndarray[Any, Any]:
    """What threads count in: a line for each region's chunks that are taken, one for what is done, one for findings."""
    return np.zeros((regions + 2) * LINE, np.int64)


def threads_of(cell: np.ndarray[Any, Any]) -> int:
    """How many threads are to share the work."""
    return cell.size // LINE - 2


def done(cell: np.ndarray[Any, Any]) -> int:
    """How much is done."""
    return int(cell[-2 * LINE])


def found(cell: np.ndarray[Any, Any]) -> bool:
    """Whether a thread has found what it looked for."""
    return bool(cell[-LINE])


@intrinsic  # type: ignore[untyped-decorator]
def pointer_at(context: Any, address: Any, element: Any) -> Any:
    """The address as a pointer to elements of a type; `carray` makes an array of it, which owns nothing."""
    pointer = types.CPointer(element.dtype)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(address, element), code


@intrinsic  # type: ignore[untyped-decorator]
def take(context: Any, address: Any, amount: Any) -> Any:
    """The whole number at the address, from which this thread has taken `amount` on, and no other thread has."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], context.get_value_type(types.CPointer(types.int64)))
        return builder.atomic_rmw("add", place, args[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


@njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def claim(cell: Any, total: Any, chunk: Any, mine: Any) -> Any:
    """The next chunk for this thread, from where to where; both `total` where nothing is left.

    Each thread has a region of its own, the same at every step, so that small tensors stay in its caches. Who
    is done with his own takes from the others'.
    """
    regions = cell.size // LINE - 2
    each = (total + regions - 1) // regions
    for k in range(regions):
        region = (mine + k) % regions
        begin, end = region * each, min((region + 1) * each, total)
        if begin + cell[region * LINE] < end:
            first = begin + take(cell.ctypes.data + 8 * region * LINE, chunk)
            if first < end:
                return first, min(first + chunk, end)
    return total, total


@njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def finish(cell: Any, amount: Any) -> Any:
    """Count what is done, after all the regions' counts."""
    return take(cell.ctypes.data + 8 * (cell.size - 2 * LINE), amount)


@njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def await_others(cell: Any, total: Any) -> Any:
    """Wait until all is done, if that is soon: to sleep and be woken takes longer than most chunks. Answers 0."""
    for _ in range(2000):
        if finish(cell, 0) >= total:
            break
    return 0
