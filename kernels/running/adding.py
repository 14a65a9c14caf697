"""The last of a norm: the sums of the blocks added in their order, and the root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from derive.reading.norms import BLOCK

Array = np.ndarray[Any, Any]


def table(size: int, count: int) -> Array:
    """Room for the sums of every block of so many elements, a column for each norm."""
    return np.zeros((-(-size // BLOCK), count))


def norms_of(sums: Array) -> list[float]:
    """The norms of one tensor from the sums of its blocks."""
    return norms_of_list([sums], ())[0]


def norms_of_list(sums: Sequence[Array], over_all: Sequence[int]) -> list[list[float]]:
    """The norms of each tensor from the sums of its blocks; those in these columns are of all tensors."""
    with np.errstate(all="ignore"):  # a norm may be infinite, or no number
        totals = [np.add.accumulate(each, axis=0)[-1] if len(each) else np.zeros(each.shape[1]) for each in sums]
        for column in over_all:
            whole = np.add.accumulate([each[column] for each in totals])[-1]
            for each in totals:
                each[column] = whole
        return [[float(root) for root in np.sqrt(each)] for each in totals]
