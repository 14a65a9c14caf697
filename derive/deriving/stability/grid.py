"""Spectral radii on a grid, in floats: for plots. What is claimed of a single point is `spectral_radius`, certified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from derive.curves import curve
from derive.deriving.stability.closed import closed_loop
from derive.errors import UserError
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
    columns = [curve(loop.expr(c), known) for c in loop.coefficients[:-1]]
    companion = numpy.zeros((*columns[0].shape, len(columns), len(columns)))
    for k, column in enumerate(columns):
        companion[..., k, -1] = -column
        if k:
            companion[..., k, k - 1] = 1.0
    found: NDArray[np.float64] = numpy.abs(numpy.linalg.eigvals(companion)).max(axis=-1)
    return found
