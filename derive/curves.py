"""Formulas over arrays of numbers, in float64: for drawing, never for deciding."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from derive.errors import UserError
from derive.expr import Expr, fold
from derive.ops import OPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = Mapping[str, NDArray[Any] | Fraction | float]


def curve(formula: Expr, values: Values) -> NDArray[np.float64]:
    """The formula at these values, which broadcast, element by element; NaN where it is undefined.

    Raises UserError for a name without a value.
    """
    import numpy

    known = {name: numpy.asarray(v, dtype=float) for name, v in values.items()}

    def named(name: str) -> Any:
        if name not in known:
            raise UserError(f"{name!r} has no value", fix="give one, or take a formula without it")
        return known[name]

    with numpy.errstate(all="ignore"):
        [found] = fold(
            [formula],
            symbol=lambda s: named(s.name),
            number=lambda n: numpy.asarray(float(n.value)),
            apply=lambda node, args: numpy.asarray(getattr(numpy, OPS[node.op].numpy)(*args)),
        )
    shape = numpy.broadcast_shapes(*(v.shape for v in known.values()))
    shown: NDArray[np.float64] = numpy.broadcast_to(numpy.where(numpy.isfinite(found), found, numpy.nan), shape)
    return shown
