"""Derived formulas over arrays of numbers, in float64: for drawing, never for deciding."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from derive.deriving.linear import AGE
from derive.errors import UserError
from derive.expr import Expr, fold
from derive.ops import OPS

Array = np.ndarray[Any, Any]


def curve(formula: Expr, values: Mapping[str, Array | Fraction | float]) -> Array:
    """The formula at these values, element by element; NaN where it is undefined. The age of an input is `k`.

    Raises UserError for a name without a value.
    """
    known = {AGE if n == "k" else n: np.asarray(float(v) if isinstance(v, Fraction) else v) for n, v in values.items()}

    def named(name: str) -> Array:
        if name not in known:
            raise UserError(f"{name} has no value", fix="give one, or take a formula without it")
        return known[name]

    with np.errstate(all="ignore"):
        [found] = fold(
            [formula],
            symbol=lambda s: named(s.name),
            number=lambda n: np.asarray(float(n.value)),
            apply=lambda node, args: np.asarray(getattr(np, OPS[node.op].numpy)(*args)),
        )
    shape = np.broadcast_shapes(*(v.shape for v in known.values()))
    return np.broadcast_to(np.where(np.isfinite(found), found, np.nan), shape)
