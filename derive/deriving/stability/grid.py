"""Spectral radii on a grid, in floats: for plots. What is claimed of a single point is `spectral_radius`, certified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from derive.deriving.stability.closed import closed_loop
from derive.errors import UserError
from derive.expr import Expr, fold
from derive.ops import OPS
from derive.rule import Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def radii_on_grid(rule: Rule, values: Mapping[str, float | NDArray[np.float64]]) -> NDArray[np.float64]:
    """The largest modulus of a zero of the characteristic polynomial at every point, rounded as floats are.

    `values` are numbers or arrays that broadcast, hyperparameters (else the defaults) and the curvature. Raises
    UserError where the rule is not linear or a name has no value.
    """
    import numpy

    loop = closed_loop(rule)
    if loop is None:
        raise UserError("the rule is not linear with constant coefficients", where=rule.name, fix="try `frozen(rule)`")
    known = {**{n: float(v) for n, v in rule.defaults.items()}, **values}
    missing = [name for name in loop.frame.names if name not in known]
    if missing:
        raise UserError(f"{missing[0]!r} has no value", where=rule.name, fix=f"give {', '.join(missing)}")
    low = [_floats(loop.expr(c), known) for c in loop.coefficients[:-1]]
    columns = numpy.broadcast_arrays(*low, *(numpy.asarray(v, dtype=float) for v in values.values()))[: len(low)]
    companion = numpy.zeros((*columns[0].shape, len(low), len(low)))
    for k, column in enumerate(columns):
        companion[..., k, -1] = -column
        if k:
            companion[..., k, k - 1] = 1.0
    found: NDArray[np.float64] = numpy.abs(numpy.linalg.eigvals(companion)).max(axis=-1)
    return found


def _floats(expr: Expr, values: Mapping[str, Any]) -> Any:
    import numpy

    return fold(
        [expr],
        symbol=lambda s: numpy.asarray(values[s.name], dtype=float),
        number=lambda n: numpy.asarray(float(n.value)),
        apply=lambda node, args: getattr(numpy, OPS[node.op].numpy)(*args),
    )[0]
