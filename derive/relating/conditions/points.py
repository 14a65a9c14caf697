"""Whether differences are certain: at a point or two with simple values, inside the domains."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.expr import Expr, Number, symbols
from derive.proving.replay import difference_at
from derive.rule import Domain

ZERO = Number(0)
OTHER_VALUES = (Fraction(1, 2), Fraction(6, 7))


def certain(difference: Expr, domains: Mapping[str, Domain], other: Expr = ZERO) -> bool:
    """Whether the difference is not zero (or `other`) at one point or another."""
    return any(differs(difference, point(domains, value), other) for value in OTHER_VALUES)


def point(domains: Mapping[str, Domain], value: Fraction) -> dict[str, Fraction]:
    return {n: value / (1 + index) for index, n in enumerate(domains)}


def differs(difference: Expr, values: Mapping[str, Fraction], other: Expr = ZERO) -> bool:
    """Whether the two certainly differ there; the names that a schedule has given have values too."""
    extra = {n: Fraction(2 + index, 3) for index, n in enumerate(sorted(symbols(difference) - values.keys()))}
    return difference_at(((difference, other),), {**values, **extra}) is not None
