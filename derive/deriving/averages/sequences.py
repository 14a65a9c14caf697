"""Closed forms guessed from the first values of a sequence; whoever uses one proves it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, symbols

DEGREE = 14  # the highest that is tried
SPARE = 4  # further values that have to fit


def values_of(expr: Expr, variable: str, count: int) -> list[Fraction] | None:
    """The values at 1, 2, ..., exactly; None where there are other names, or a value that is no rational."""
    if not symbols(expr) <= {variable}:
        return None
    found = [exact([expr], {variable: Fraction(n)})[0] for n in range(1, count + 1)]
    return found if all(type(value) is Fraction for value in found) else None  # type: ignore[return-value]


def polynomial(values: Sequence[Fraction], variable: Symbol) -> Expr | None:
    """The polynomial with these values at 0, 1, 2, ..., where one of low degree has them (Newton's differences)."""
    differences = [list(values)]
    while len(differences[-1]) > SPARE and any(differences[-1]):
        last = differences[-1]
        differences.append([b - a for a, b in itertools.pairwise(last)])
    if any(differences[-1]) or len(differences) - 1 > DEGREE + 1:
        return None
    coefficients = _expanded([row[0] for row in differences[:-1]])
    total: Expr = Number(0)
    for power, coefficient in enumerate(coefficients):
        if coefficient:
            total = total + coefficient * variable**power
    return total


def _expanded(leading: Sequence[Fraction]) -> list[Fraction]:
    """The coefficients of the sum of leading[k] times the binomial (x choose k)."""
    total = [Fraction(0)] * max(1, len(leading))
    basis = [Fraction(1)]
    for k, factor in enumerate(leading):
        for power, coefficient in enumerate(basis):
            total[power] += factor * coefficient
        shifted = [Fraction(0), *basis]
        basis = [(a - k * b) / (k + 1) for a, b in zip(shifted, [*basis, Fraction(0)], strict=True)]
    return total
