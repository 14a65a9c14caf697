"""How ratios and polynomials are written: in factors with whole coefficients, positive where one looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import lcm

from flint import fmpq_mpoly

from derive.algebra.polynomials import constant_value, factors, ordering
from derive.expr import Apply, Expr, Number
from derive.linear.frame import Frame
from derive.linear.ratios import Ratio, number, poly_replaced


def written(frame: Frame, value: Ratio, example: Mapping[int, Fraction]) -> Expr:
    """The ratio as factors over factors, each with whole coefficients and positive at the example where not zero."""
    if not value:
        return Number(0)
    above_scale, above = _factors(frame, value.num, example)
    below_scale, below = _factors(frame, value.den, example)
    scale = above_scale / below_scale
    top, bottom = _with_number(abs(scale.numerator), above), _with_number(scale.denominator, below)
    result = top if bottom is Number(1) else top / bottom
    return result if scale > 0 else -result


def _with_number(size: int, parts: list[Expr]) -> Expr:
    found = parts if size == 1 and parts else [Number(size), *parts]
    return reduce(lambda a, b: a * b, found)


def _factors(frame: Frame, poly: fmpq_mpoly, example: Mapping[int, Fraction]) -> tuple[Fraction, list[Expr]]:
    scale, parts = factors(poly)
    found: list[tuple[tuple[bool, int, object], Expr]] = []
    for part, exponent in parts:
        clear = Fraction(lcm(*(int(c.q) for c in part.coeffs()))) * _sign_at(part, example)
        scale /= clear**exponent
        expr = frame.poly(part * number(clear).num)
        first = min(i for i, d in enumerate(part.degrees()) if d)
        found.append(((len(part) > 1, first, ordering(part)), expr if exponent == 1 else expr**exponent))
    # Single quantities first, in the order of their names; FLINT's own order is not the same in every version.
    return scale, [expr for _, expr in sorted(found, key=lambda item: item[0])]


def _sign_at(poly: fmpq_mpoly, example: Mapping[int, Fraction]) -> int:
    for index, value in example.items():
        poly = poly_replaced(poly, index, number(value)).num
    found = constant_value(poly)
    return -1 if found is not None and found < 0 else 1


def polynomial(coefficients: Sequence[Expr], z: Expr) -> Expr:
    """The sum of coefficients[k] z**k, the highest power first."""
    powers: list[Expr] = [Number(1), z, *(z**k for k in range(2, len(coefficients)))]
    return combination(coefficients, powers[: len(coefficients)])


def combination(factors: Sequence[Expr], values: Sequence[Expr]) -> Expr:
    """The sum of factor times value, the last first; what is negative is subtracted."""
    total: Expr | None = None
    for factor, value in zip(reversed(factors), reversed(values), strict=True):
        if factor is Number(0):
            continue
        size, minus = (factor.args[0], True) if isinstance(factor, Apply) and factor.op == "neg" else (factor, False)
        term = value if size is Number(1) else size if value is Number(1) else size * value
        if total is None:
            total = -term if minus else term
        else:
            total = total - term if minus else total + term
    return Number(0) if total is None else total
