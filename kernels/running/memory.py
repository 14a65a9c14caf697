"""What compiled code needs to work on memory by its address, and to divide work among threads.

Two instructions for which Numba has no name, an address as a pointer and the atomic addition, and what is made of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

PATIENCE = 2000  # looks at what is done; to sleep and be woken takes longer than most chunks
LINGER = 10_000  # looks at whether another step has begun, some 50 microseconds
LINE = 8  # whole numbers of one line of the cache, so that threads that count do not wait for each other
BEGUN = 1 - LINE  # the place of an address in a cell


def cells(regions: int, place: int = 0) -> np.ndarray[Any, Any]:
    """What threads count in: a line for each region's chunks that are taken, one for what is done, one for findings.

    `place` is the address where it is counted how many steps have begun, if anyone waits for them.
    """
    cell = np.zeros((regions + 2) * LINE, np.int64)
    cell[BEGUN] = place
    return cell


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
def begun(cell: Any, mine: Any) -> Any:
    """How many steps have begun. The thread that was asked for this one, number 0, counts it: it is out of Python now,
    and others may come in."""
    if cell[BEGUN] == 0:
        return 0
    return take(cell[BEGUN], 1 if mine == 0 else 0)


@njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def await_others(cell: Any, total: Any, mine: Any, before: Any) -> Any:
    """Wait until all is done, if that is soon. Answers 0.

    A helper goes on waiting for the next step, if that is soon, so as not to come into Python while another thread
    leaves a step, or be asleep when the next one begins; `before` is how many steps had begun when he did.
    """
    for _ in range(PATIENCE):
        if finish(cell, 0) >= total:
            break
    else:
        if mine == 0:
            return 0
    if mine != 0 and cell[BEGUN] != 0:
        for _ in range(LINGER):
            if take(cell[BEGUN], 0) != before:
                break
    return 0


@njit(error_model="numpy", nogil=True)  # type: ignore[untyped-decorator]
def place_of(starts: Any, element: Any) -> Any:
    """The last that starts at or before the element. NumPy's search, compiled, would bring much that Numba imports."""
    low, high = 0, starts.size
    while low < high:
        middle = (low + high) // 2
        if starts[middle] <= element:
            low = middle + 1
        else:
            high = middle
    return low - 1
