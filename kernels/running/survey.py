"""Many arrays looked at in one compiled call: where they lie, how long they are, and that nothing overlaps.

A NumPy array is read as NumPy's C interface lays it out (`PyArrayObject_fields` in ndarraytypes.h), which is what
makes this two nanoseconds an attribute and not two hundred; `kernels.running.tables` tries that on arrays it knows
before it is relied on. The module is compiled and kept like those of kernels, its text being this file.
"""

from __future__ import annotations

import numpy as np
from numba import carray, njit

from kernels.running.memory import pointer_at

CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400  # NumPy's flags
UNSORTED, OVERLAP = -1, -2
BLOCK = 4096  # elements; what norms are added up in
_TYPE = 0xFFFFFFFF00FFFFFF  # of a dtype: kind, character and byte order, not its flags; and its number


@njit(error_model="numpy", inline="always")
def word(address, place):  # type: ignore[no-untyped-def]
    """The whole number that stands so many words behind the address."""
    return pointer_at(address, np.int64)[place]


@njit(error_model="numpy")
def fits(array, first, header, example, needed):  # type: ignore[no-untyped-def]
    """Whether an object is an array of the example's type and dtype, of the shape of `first`, with the needed flags.

    The words behind an object's header: data, dimensions, shape, strides, base, dtype, flags.
    """
    fields, model = array + header, example + header
    if word(array, header // 8 - 1) != word(example, header // 8 - 1):
        return False
    dtype, wanted = word(fields, 5), word(model, 5)
    if dtype != wanted and (word(dtype + header, 1) ^ word(wanted + header, 1)) & _TYPE != 0:
        return False
    if word(fields, 6) & needed != needed:
        return False
    dimensions = word(fields, 1) & 0xFFFFFFFF
    if dimensions != word(first + header, 1) & 0xFFFFFFFF:
        return False
    for d in range(dimensions):  # noqa: SIM110 - Numba compiles no generators
        if word(word(fields, 2), d) != word(word(first + header, 2), d):
            return False
    return True


@njit(error_model="numpy")
def apart(table, starts, itemsizes, stored, order):  # type: ignore[no-untyped-def]
    """Whether nothing that is stored overlaps anything else; `order` is that of the addresses."""
    count = table.shape[1]
    before = reach = reach_stored = np.int64(-(2**63))
    for place in order:
        row, k = place // count, place % count
        size = (starts[k + 1] - starts[k]) * itemsizes[row]
        first = table[row, k]
        if first < before:
            return UNSORTED
        before = first
        if size > 0:
            if first < (reach if stored[row] else reach_stored):
                return OVERLAP
            reach = max(reach, first + size)
            if stored[row]:
                reach_stored = max(reach_stored, first + size)
    return 0


@njit(error_model="numpy")
def entry(items, header, examples, itemsizes, stored, table, starts, blocks, order):  # type: ignore[no-untyped-def]
    """Fill the table of addresses, a row for each argument, and where each tensor starts in all of them end to end.

    The arrays of a row are to be like its example, whose address is given, and have its size of items.
    `items` is where the references to the arrays stand, row by row; with 0 the table and the starts are there already.
    The answer is 0, the number of an array that does not fit, counted from 1, UNSORTED for an order to be made anew,
    or OVERLAP.
    """
    rows, count = table.shape
    if items:
        references = carray(pointer_at(items, np.int64), rows * count)
        for k in range(count):
            size = 1
            first = references[k]
            for row in range(rows):
                needed = CONTIGUOUS | ALIGNED | (WRITEABLE if stored[row] else 0)
                array = references[row * count + k]
                if not fits(array, first, header, examples[row], needed):
                    return row * count + k + 1
                table[row, k] = word(array + header, 0)
            for d in range(word(first + header, 1) & 0xFFFFFFFF):
                size *= word(word(first + header, 2), d)
            starts[k + 1] = starts[k] + size
    for k in range(count):
        blocks[k + 1] = blocks[k] + (starts[k + 1] - starts[k] + BLOCK - 1) // BLOCK
    return apart(table, starts, itemsizes, stored, order)
