"""The conversions of emitted kernels, compiled to run over arrays, and the numbers on which they could go wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from derive.reading.narrow import FUNCTIONS
from kernels.running.load import module_from_text
from kernels.storage import numpy_dtype

Array = np.ndarray[Any, Any]

_HEAD = "import numpy as np\nfrom numba import njit\n\n"
_OVER = """
@njit(error_model="numpy")
def over_{name}({arguments}, out):
    for i in range(out.size):
        out[i] = {name}({elements})

"""
_BLOCK = """
@njit(error_model="numpy")
def over_threefry(first, second, x, y):
    return threefry(np.uint32(first), np.uint32(second), np.uint32(x), np.uint32(y))
"""


@cache
def compiled() -> Any:
    """The module of all conversions, with an `over_...(arrays, out)` for each."""
    loops = ""
    for name in FUNCTIONS:
        if name.startswith(("from", "to")):
            arguments = ["x", "random"] if name.endswith("_by") else ["x"]
            loops += _OVER.format(
                name=name, arguments=", ".join(arguments), elements=", ".join(f"{a}[i]" for a in arguments)
            )
    return module_from_text(
        "conversions_of_tests", "<conversions>", _HEAD + "\n".join(FUNCTIONS.values()) + loops + _BLOCK
    )


def widened(bits: Array, dtype: str) -> Array:
    """What a kernel reads."""
    out = np.empty(bits.shape, np.float32)
    getattr(compiled(), f"over_from_{dtype}")(bits, out)
    return out


def narrowed(values: Array, dtype: str, random: Array | None = None) -> Array:
    """What a kernel stores, by these random bits where they are given."""
    out = np.empty(values.shape, np.uint16)
    if random is None:
        getattr(compiled(), f"over_to_{dtype}")(values, out)
    else:
        getattr(compiled(), f"over_to_{dtype}_by")(values, random, out)
    return out.view(numpy_dtype(dtype))


def is_nearest(values: Array, dtype: str) -> bool:
    """Whether what a kernel stores of these has the bits that NumPy and ml_dtypes give; NaN is any quiet one."""
    with np.errstate(all="ignore"):
        expected = values.astype(numpy_dtype(dtype))
    found = narrowed(values, dtype)
    number = ~np.isnan(values)
    quiet = 0x0040 if dtype == "bfloat16" else 0x0200
    kept = np.isnan(found[~number]) & (found[~number].view(np.uint16) & quiet != 0)
    return bool(np.array_equal(found[number].view(np.uint16), expected[number].view(np.uint16)) and kept.all())
