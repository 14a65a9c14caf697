"""The last of a norm: the sums of the blocks added in their order, and the root."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from derive.reading.norms import BLOCK

Array = np.ndarray[Any, Any]
FEW = 64


def table(size: int, count: int) -> Array:
    """Room for the sums of every block of so many elements, a column for each norm."""
    return np.zeros((-(-size // BLOCK), count))


def norms_of(sums: Array) -> list[float]:
    """The norms of one tensor from the sums of its blocks."""
    return [*map(math.sqrt, _totals(sums))]


def norms_of_list(sums: Sequence[Array], over_all: Sequence[int]) -> list[list[float]]:
    """The norms of each tensor from the sums of its blocks; those in these columns are of all tensors."""
    totals = [*map(_totals, sums)]
    for column in over_all:
        whole = reduce(add, (each[column] for each in totals), 0.0)
        for each in totals:
            each[column] = whole
    return [[*map(math.sqrt, each)] for each in totals]


def _totals(sums: Array) -> list[float]:
    """The blocks added in their order; a few are soonest added here."""
    if len(sums) <= FEW:
        return [reduce(add, column, 0.0) for column in zip(*sums.tolist(), strict=True)] or [0.0] * sums.shape[1]
    with np.errstate(all="ignore"):  # a sum may be infinite, or no number
        totals: list[float] = np.add.accumulate(sums, axis=0)[-1].tolist()
        return totals
