"""What compiled code needs to work on memory by its address, and to divide work among threads: two instructions.

Numba has both, but no name for them: an address as a pointer, and the atomic addition.
"""

from __future__ import annotations

from typing import Any

from numba import njit, types
from numba.extending import intrinsic


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


@njit(error_model="numpy", nogil=True, inline="always")  # type: ignore[untyped-decorator]
def await_others(cell: Any, total: Any) -> Any:
    """Wait until all is done, if that is soon: to sleep and be woken takes longer than most chunks. Answers 0."""
    for _ in range(2000):
        if take(cell.ctypes.data + 8, 0) >= total:
            break
    return 0
