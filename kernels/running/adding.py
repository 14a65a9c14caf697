"""The last of a norm: the sums of the blocks added in their order, and the root."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.reading.norms import BLOCK

Array = np.ndarray[Any, Any]


def table(size: int, count: int) -> Array:
    """Room for the sums of every block of so many elements, a column for each norm."""
    return np.zeros((-(-size // BLOCK), count))


def norms_of(sums: Array) -> list[float]:
    """The norms from the sums of the blocks."""
    if not len(sums):
        return [0.0] * sums.shape[1]
    with np.errstate(all="ignore"):  # a norm may be infinite, or no number
        total = np.add.accumulate(sums, axis=0)[-1]
        return [float(root) for root in np.sqrt(total)]
