"""Norms by the oracle: the elements one operation at a time, their squares added in the tree that a kernel has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from derive.reading.norms import BLOCK, LANES
from derive.rule import Rule
from kernels.measuring.oracle import Array, interpret
from kernels.measuring.rounding import bounds
from kernels.pipeline import programs
from kernels.storage import Storage

UNIT = 2.0**-53
WIDER = 1 + 2.0**-30  # for the roundings of the bound itself


def norms_by_oracle(
    rule: Rule, dtype: str | Storage, given: Mapping[str, Array], scalars: Mapping[str, float]
) -> dict[str, float]:
    """Every norm that the rule takes of one tensor, by the names its step has for them; none where it takes none."""
    return norms_of_list(rule, dtype, [given], scalars)[0]


def norms_of_list(
    rule: Rule, dtype: str | Storage, tensors: Sequence[Mapping[str, Array]], scalars: Mapping[str, float]
) -> list[dict[str, float]]:
    """The norms that the rule takes for each tensor of a list; one of all tensors is the same for each."""
    if not rule.norms:
        return [{} for _ in tensors]
    program = programs(rule, dtype, "norms").final
    with np.errstate(all="ignore"):
        sums = [
            {name: added(values.reshape(-1).astype(np.float64)) for name, values in elements.items()}
            for elements in (interpret(program, given, scalars) for given in tensors)
        ]
        whole = {name: np.add.accumulate([each[name] for each in sums])[-1] for name in program.over_all if sums}
        return [{name: float(np.sqrt(total)) for name, total in {**each, **whole}.items()} for each in sums]


def norm_errors(
    rule: Rule,
    dtype: str | Storage,
    tensors: Sequence[Mapping[str, Array]],
    scalars: Mapping[str, float],
    norms: Sequence[Mapping[str, float]],
) -> list[dict[str, float]]:
    """How far the computed norms of each tensor may be from the exact ones; infinite where that is not known.

    With S the sum of the squares of the computed elements and n the roundings on the longest way to it, the computed
    sum is within g S + k 2^-1074 of S, for g = n u / (1 - n u) and k squares that may underflow, all terms being
    positive (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2). So its root is within
    g (sqrt(S) + sqrt(k 2^-1074)) + sqrt(k 2^-1074) of that of S, u more for the root; and the norm of the computed
    elements is within the norm of their errors of the exact one.
    """
    if not rule.norms:
        return [{} for _ in tensors]
    program = programs(rule, dtype, "norms").final
    elements = [interpret(program, given, scalars) for given in tensors]
    errors = [bounds(program, given, scalars).errors for given in tensors]

    def of(name: str, places: Sequence[int]) -> float:
        """Of the norm of these tensors together."""
        values, lost = [elements[k][name] for k in places], [errors[k][name] for k in places]
        return _error(norms[places[0]][name], values, np.concatenate([each.reshape(-1) for each in lost]))

    whole = {name: of(name, range(len(tensors))) for name in program.over_all if tensors}
    return [{name: whole[name] if name in whole else of(name, [k]) for name in each} for k, each in enumerate(norms)]


def _error(norm: float, values: Sequence[Array], errors: Array) -> float:
    """How far a norm may be off, of tensors with these elements, which have these errors."""
    blocks = max(-(-each.size // BLOCK) for each in values)
    n = BLOCK // LANES + (LANES - 1).bit_length() + blocks + len(values) + 1
    g = n * UNIT / (1 - n * UNIT)
    lost = float(np.sqrt(sum(np.count_nonzero(each) for each in values))) * 2.0**-537
    own = norm * (g + 2 * UNIT) + 2 * lost
    with np.errstate(all="ignore"):
        handed_on = float(np.sqrt(np.sum(np.square(errors)))) + float(np.sum(errors > 0)) * 2.0**-537
    total = (own + handed_on) * WIDER
    return total if np.isfinite(total) else float("inf")


def added(values: Array) -> Array:
    """The sum of the squares: those of each lane of a block, the halves of the lanes, the blocks, each in order."""
    total = np.zeros(())
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        lanes = np.zeros(1 << (min(block.size, LANES) - 1).bit_length())
        for begin in range(0, block.size, LANES):
            strip = block[begin : begin + LANES]
            lanes[: strip.size] = lanes[: strip.size] + strip * strip
        while lanes.size > 1:
            lanes = lanes[: lanes.size // 2] + lanes[lanes.size // 2 :]
        total = total + lanes[0]
    return total
