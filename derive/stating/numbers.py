"""The number a formula without names is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.errors import UserError
from derive.evaluate import ball
from derive.expr import symbols
from derive.ops import Inexact, Undefined

if TYPE_CHECKING:
    from derive.stating.quantities import Quantity

BITS = (128, 512, 4096)


def number(quantity: Quantity) -> float:
    """The nearest float. Raises UserError where a name has no value, or the formula none."""
    names = symbols(quantity.expr)
    if names:
        raise UserError(f"{', '.join(sorted(names))} has no value", fix="give it with .at(...)")
    for bits in BITS:
        [value] = ball([quantity.expr], {}, bits)
        if isinstance(value, Undefined):
            raise UserError(f"{quantity!r} is undefined: {value.reason}")
        if not isinstance(value, Inexact | bool) and value.rel_accuracy_bits() >= 60:
            break
    if isinstance(value, Inexact | Undefined | bool):
        raise UserError(f"{quantity!r} has no value that ball arithmetic can tell", fix="write it otherwise")
    return float(value)
