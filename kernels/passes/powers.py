"""Powers with a small constant exponent become multiplication chains and square roots.

A library power is slower, and differs between NumPy and Numba in the last place; products and
roots are correctly rounded everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from derive.expr import Apply, Expr, Number, apply
from kernels.program import Program, is_literal, map_values, rewritten

LARGEST = 64  # a longer chain rounds more often than a library power


@dataclass(frozen=True)
class Powers:
    """`x**2` is `x*x`, `x**-3` is `1/(x*x*x)`, `x**0.5` is `sqrt(x)`."""

    name: str = "powers"

    def apply(self, program: Program) -> Program:
        return map_values(program, _rewrite)


def _rewrite(value: Expr) -> Expr:
    return rewritten(value, _power)


def _power(node: Apply, args: tuple[Expr, ...]) -> Expr:
    if node.op != "pow" or not is_literal(args[1]):
        return apply(node.op, *args)
    exponent, one = _literal(args[1])
    twice = 2 * exponent
    if twice.denominator != 1 or exponent == 0 or abs(exponent) > LARGEST:
        return apply("pow", *args)
    whole, half = divmod(abs(twice.numerator), 2)
    factors = ([_chain(args[0], whole)] if whole else []) + ([apply("sqrt", args[0])] if half else [])
    product = factors[0] if len(factors) == 1 else apply("mul", *factors)
    return product if exponent > 0 else apply("div", one, product)


def _literal(value: Expr) -> tuple[Fraction, Expr]:
    """The number, and the number one in its type."""
    if isinstance(value, Number):
        return value.value, Number(1)
    assert isinstance(value, Apply)
    number, one = _literal(value.args[0])
    return number, apply(value.op, one)


def _chain(base: Expr, exponent: int) -> Expr:
    """`base` to a positive whole power by repeated squaring; shared squares are shared nodes."""
    if exponent == 1:
        return base
    half = _chain(base, exponent // 2)
    square = apply("mul", half, half)
    return apply("mul", square, base) if exponent % 2 else square
