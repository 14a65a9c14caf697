"""Norms by the oracle: the elements one operation at a time, their squares added in the tree that a kernel has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from derive.reading.norms import BLOCK
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
    """Every norm that the rule takes, by the names its step has for them; none where it takes none."""
    if not rule.norms:
        return {}
    elements = interpret(programs(rule, dtype, "norms").final, given, scalars)
    with np.errstate(all="ignore"):
        return {name: float(np.sqrt(added(values.reshape(-1).astype(np.float64)))) for name, values in elements.items()}


def norm_errors(
    rule: Rule,
    dtype: str | Storage,
    given: Mapping[str, Array],
    scalars: Mapping[str, float],
    norms: Mapping[str, float],
) -> dict[str, float]:
    """How far the computed norms may be from the exact ones; infinite where that is not known.

    With S the sum of the squares of the computed elements and n the roundings on the longest way to it, the computed
    sum is within g S + k 2^-1074 of S, for g = n u / (1 - n u) and k squares that may underflow, all terms being
    positive (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2). So its root is within
    g (sqrt(S) + sqrt(k 2^-1074)) + sqrt(k 2^-1074) of that of S, u more for the root; and the norm of the computed
    elements is within the norm of their errors of the exact one.
    """
    if not norms:
        return {}
    program = programs(rule, dtype, "norms").final
    elements, errors = interpret(program, given, scalars), bounds(program, given, scalars).errors
    found = {}
    for name, values in elements.items():
        n = (BLOCK - 1).bit_length() + -(-values.size // BLOCK) + 2
        g = n * UNIT / (1 - n * UNIT)
        lost = float(np.sqrt(np.count_nonzero(values))) * 2.0**-537
        own = norms[name] * (g + 2 * UNIT) + 2 * lost
        with np.errstate(all="ignore"):
            handed_on = float(np.sqrt(np.sum(np.square(errors[name])))) + float(np.sum(errors[name] > 0)) * 2.0**-537
        total = (own + handed_on) * WIDER
        found[name] = total if np.isfinite(total) else float("inf")
    return found


def added(values: Array) -> Array:
    """The sum of the squares: the halves of a block, filled up with zeros, then the blocks, one after the other."""
    total = np.zeros(())
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        rest = np.zeros(1 << (block.size - 1).bit_length())
        rest[: block.size] = block * block
        while rest.size > 1:
            rest = rest[: rest.size // 2] + rest[rest.size // 2 :]
        total = total + rest[0]
    return total
