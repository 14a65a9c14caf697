"""Norms by the oracle: the elements one operation at a time, their squares added in the tree that a kernel has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from derive.reading.norms import BLOCK, LANES
from derive.rule import Rule
from kernels.measuring.oracle import Array, interpret
from kernels.pipeline import programs


def norms_by_oracle(
    rule: Rule, dtype: str, given: Mapping[str, Array], scalars: Mapping[str, float]
) -> dict[str, float]:
    """Every norm that the rule takes, by the names its step has for them; none where it takes none."""
    if not rule.norms:
        return {}
    elements = interpret(programs(rule, dtype, "norms").final, given, scalars)
    with np.errstate(all="ignore"):
        return {name: float(np.sqrt(_added(values.astype(np.float64)))) for name, values in elements.items()}


def _added(values: Array) -> Array:
    """The sum of the squares: lanes in a block, pairs of lanes, then the blocks, one after the other."""
    total = np.zeros(())
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        room = np.zeros(-(-block.size // LANES) * LANES)  # adding zeros at the end of a lane changes nothing
        room[: block.size] = block * block
        lanes = np.add.accumulate(room.reshape(-1, LANES), axis=0)[-1]
        left, right = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]), (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
        total = total + (left + right)
    return total
