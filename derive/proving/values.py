"""Computed values as a reader wants them: exact, with a decimal beside, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from types import MappingProxyType
from typing import Any

from derive.algebra.facts import Assumptions
from derive.algebra.normal import NoNormalForm, factored, generic_case
from derive.expr import LONGEST_NUMBER_BITS, Expr, Number, substitute, to_text
from derive.ops import Undefined

LONGEST_FORM = 60
LONGEST_RATIONAL_BITS = 400
LONGEST_EXACT = 2_000  # characters
NOTHING: Mapping[str, Fraction] = MappingProxyType({})


@dataclass(frozen=True)
class Value:
    """One number: `exact` as text where it has a form, `decimal` where a float reaches it, `digits` for people.

    `word` stands instead of a number where there is none: "undefined: division by zero, line 7".
    """

    exact: str | None = None
    decimal: float | None = None
    digits: str = ""
    word: str = ""

    def __str__(self) -> str:
        """A rational as it is, a root as a formula with its decimal, long numbers by their first digits."""
        if self.word or not self.digits:
            return self.word or self.exact or ""
        return f"{self.exact} = {self.digits}" if len(self.exact or " " * 99) <= LONGEST_FORM else self.digits

    def document(self) -> dict[str, Any] | str:
        return self.word or {"exact": self.exact, "decimal": self.decimal}


def rational(value: Fraction) -> Value:
    """A rational, by its first digits where nobody would read all of them."""
    from flint import arb, fmpq

    bits = max(abs(value.numerator), value.denominator).bit_length()
    digits = ""
    if bits > LONGEST_RATIONAL_BITS:
        digits = str(arb(fmpq(value.numerator, value.denominator)).str(8, radius=False))
    return Value(None if bits > LONGEST_NUMBER_BITS else str(value), _float(value), digits)


def described(value: Any, expr: Expr, values: Mapping[str, Fraction] = NOTHING, line: int = 0) -> Value:
    """What the evaluation of `expr` at `values` gave: a rational, a truth value, a ball, or nothing (at that line)."""
    if isinstance(value, Undefined):
        return Value(word=f"undefined: {value.reason}" + (f", line {line}" if line else ""))
    if isinstance(value, Fraction):
        return rational(value)
    if isinstance(value, bool):
        return Value(exact=str(value))
    return _irrational(value, expr, values)


def _irrational(value: Any, expr: Expr, values: Mapping[str, Fraction]) -> Value:
    [closed] = substitute([expr], {name: Number(number) for name, number in values.items()})
    digits, decimal = str(value.str(8, radius=False)), _float(value)
    try:
        case, normal = generic_case(closed, Assumptions())
    except NoNormalForm:
        form = to_text(closed)
        return Value(form if len(form) <= LONGEST_EXACT and "…" not in form else None, decimal, digits)
    known = normal.constant()
    return rational(known) if known is not None else Value(to_text(factored(case, normal)), decimal, digits)


def _float(value: Any) -> float | None:
    """The nearest float; None where none reaches it."""
    try:
        nearest = float(value)
    except OverflowError:
        return None
    return nearest if isfinite(nearest) else None
