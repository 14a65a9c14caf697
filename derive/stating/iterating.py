"""The word for iterations of one number: s -> step(s), again and again."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derive.deriving.stability import scalar_iteration
from derive.errors import UserError
from derive.expr import Number, Symbol, symbols
from derive.rule import REAL
from derive.stating.quantities import Basis, Operand, Quantity, quantity

NAME = "s"
MOST = 50


def iterated(step: Callable[[Quantity], Quantity], low: Operand, high: Operand, times: int) -> Quantity:
    """What becomes of all numbers from `low` to `high` in so many steps of an iteration.

    Parts: `.range_low` and `.range_high`, between which they lie then; `.fixed_point_1`, ..., each within 1e-9 of a
    number that goes to itself; `.slope`, a formula in s; `.at_one`, where 1 goes. Raises UserError for a step with
    other names in it.
    """
    formula = quantity(step(Quantity(Symbol(NAME), Basis({NAME: REAL}))))
    others = symbols(formula.expr) - {NAME}
    if others:
        raise UserError(f"{', '.join(sorted(others))} has no value", fix="iterate a formula in one number")
    if not 0 < times <= MOST:
        raise UserError(f"an iteration of {times} steps", fix=f"make 1 to {MOST}")
    derivation = scalar_iteration(formula.expr, _fraction(low), _fraction(high), times, NAME)
    parts = {
        name: Quantity(found, Basis(dict.fromkeys(symbols(found), REAL), (derivation,)), short=Symbol(name))
        for name, found in derivation.quantities.items()
    }
    return Quantity(formula.expr, Basis({NAME: REAL}, (derivation,)), parts)


def _fraction(value: Operand) -> Fraction:
    expr = quantity(value).expr
    if not isinstance(expr, Number):
        raise UserError(f"{value!r} is no number", fix="give a number")
    return expr.value
