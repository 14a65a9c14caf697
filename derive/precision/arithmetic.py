"""Expressions in a format, one rounding an operation, in exact rationals: a fold over the table of operations.

The inputs are rounded to the format, and so is the exact result of every operation. ml_dtypes and
NumPy compute in float32 and round that to the narrow format, which gives the same: where the wide
precision is at least 2 p + 2 (24 against 2 * 11 + 2 for float16, 2 * 8 + 2 for bfloat16), rounding
twice does no harm to + - * / and the square root (Figueroa 1995, When is double rounding innocuous?,
SIGNUM Newsletter 30). That is for results with all their bits. Below bfloat16's normal numbers, where float32 has
no more than 16 bits beyond it: a product of two 8-bit numbers has 16 bits and fits; a quotient that is not a tie is
off it by 1/b of half a unit for a divisor of 8 bits, far more than the half of 2**-15 that float32 rounds; sums are
exact. The tests compare the two.

Small whole powers are products from left to right, as in the kernels; other functions are the
library's own, where the exact value is not rational.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from derive.expr import Apply, Expr, Number, fold
from derive.ops import OPS, Inexact, Rounding, Undefined
from derive.precision.formats import Format, Model, Value, exponent_of

LONGEST_CHAIN = 8
DECIDING = frozenset({"where", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "cast"})


def calculated(exprs: Iterable[Expr], values: Mapping[str, Value], kept: Format) -> list[Any]:
    """The value of each expression: a Fraction, a truth value, or a float that is an infinity or NaN."""
    return fold(
        exprs,
        symbol=lambda s: rounded(values[s.name], kept),
        number=lambda n: kept.round(n.value),
        apply=lambda node, args: _applied(node, args, kept),
    )


def stored(exprs: Iterable[Expr], values: Mapping[str, Value], model: Model) -> list[Value]:
    """The values of the expressions when they have been stored."""
    return [rounded(value, model.storage) for value in calculated(exprs, values, model.arithmetic)]


def rounded(value: Value, kept: Format) -> Value:
    """A number rounded; infinities and NaN as they are."""
    return value if isinstance(value, float) else kept.round(value)


def chain_of(node: Apply) -> int | None:
    """How many factors a small whole power is a product of; None for anything else."""
    exponent = node.args[1] if node.op == "pow" else None
    if isinstance(exponent, Number) and exponent.value.denominator == 1 and 2 <= exponent.value <= LONGEST_CHAIN:
        return int(exponent.value)
    return None


def _applied(node: Apply, args: tuple[Any, ...], kept: Format) -> Any:
    op = OPS[node.op]
    if node.op in DECIDING:
        return op.exact(*args)
    if any(isinstance(arg, float) for arg in args):
        return _special(node.op, args, kept)
    if factors := chain_of(node):
        value = args[0]
        for _ in range(factors - 1):
            value = _special("mul", (value, args[0]), kept) if isinstance(value, float) else kept.round(value * args[0])
        return value
    if node.op == "sqrt" and args[0] > 0:
        return kept.round(_root(args[0], kept))
    exact = op.exact(*args)
    if isinstance(exact, Undefined):
        return _special(node.op, args, kept)
    if isinstance(exact, Inexact):
        return _from_library(node.op, args, kept)
    return exact if op.rounding is Rounding.EXACT else kept.round(exact)


def _root(x: Fraction, kept: Format) -> Fraction:
    """Something that rounds as the root does: with more bits than the format, and off the ties where the root is."""
    shift = kept.precision + 4 - exponent_of(x) // 2
    scaled = x * Fraction(4) ** shift
    root = math.isqrt(scaled.numerator // scaled.denominator)
    return (2 * root + (root * root != scaled)) / Fraction(2) ** (shift + 1)


def _special(op: str, args: tuple[Any, ...], kept: Format) -> Value:
    """Infinities, NaN and divisions by zero, as IEEE 754 has them; zero counts as positive."""
    import numpy as np

    with np.errstate(all="ignore"):
        return _value(getattr(np, OPS[op].numpy)(*(np.float64(float(arg)) for arg in args)), kept)


def _from_library(op: str, args: tuple[Any, ...], kept: Format) -> Value:
    import numpy as np

    with np.errstate(all="ignore"):
        return _value(getattr(np, OPS[op].numpy)(*(np.asarray(float(arg)).astype(kept.dtype) for arg in args)), kept)


def _value(result: Any, kept: Format) -> Value:
    number = float(result)
    return kept.round(Fraction(number)) if math.isfinite(number) else number
