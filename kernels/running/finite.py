"""Whether every number of many tensors is finite: one compiled loop over the bits of their exponents.

The module is compiled and kept like those of kernels, its text being this file.
"""

from __future__ import annotations

import numpy as np
from numba import carray, njit

from kernels.running.memory import LINE, await_others, claim, finish, pointer_at

BLOCK = 4096  # elements, between two looks at what has been found


@njit(error_model="numpy", nogil=True, inline="always")
def all_finite(words, mask):  # type: ignore[no-untyped-def]
    """Whether none of the words has all the bits of the mask."""
    largest = words.dtype.type(0)
    for i in range(words.size):
        largest = max(largest, words[i] & mask)
    return largest < mask


@njit(error_model="numpy", nogil=True)
def entry(addresses, starts, itemsize, exponent, cell, total, chunk, mine):  # type: ignore[no-untyped-def]
    """Look through chunks of the elements of all tensors until none is left, or a number is infinite or none.

    `exponent` has all the bits of a number's exponent, which only these have all set.
    """
    while True:
        first, last = claim(cell, total, chunk, mine)
        if first >= total:
            return await_others(cell, total)
        k = np.searchsorted(starts, first, side="right") - 1
        begin = first
        while begin < last and cell[-LINE] == 0:
            end = min(last, starts[k + 1], begin + BLOCK)
            if begin < end:
                place = addresses[k] + (begin - starts[k]) * itemsize
                if itemsize == 2:
                    fine = all_finite(carray(pointer_at(place, np.uint16), end - begin), np.uint16(exponent))
                elif itemsize == 4:
                    fine = all_finite(carray(pointer_at(place, np.uint32), end - begin), np.uint32(exponent))
                else:
                    fine = all_finite(carray(pointer_at(place, np.uint64), end - begin), np.uint64(exponent))
                if not fine:
                    cell[-LINE] = 1
            begin = end
            if begin == starts[k + 1]:
                k += 1
        finish(cell, last - first)
