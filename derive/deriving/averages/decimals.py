"""Numbers for sentences: a formula at the defaults, in decimals of which every digit is certain."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from derive.evaluate import ball, exact
from derive.expr import Expr, Number, symbols, to_text
from derive.ops import Inexact, Undefined
from derive.rule import Rule

BITS = 200


def decimal(expr: Expr, values: Mapping[str, Fraction], digits: int = 4) -> str | None:
    """The value rounded to so many digits, exact ones as they are; None where it has none."""
    known = {name: values[name] for name in symbols(expr)}
    [precise] = exact([expr], known)
    if isinstance(precise, Fraction) and len(text := to_text(Number(precise))) <= digits + 1 and "/" not in text:
        return text
    [value] = ball([expr], known, BITS)
    if isinstance(value, Inexact | Undefined | bool):
        return None
    text = str(value.str(digits, radius=False))
    return text if not text.startswith("[") else None


def settings(rule: Rule, *exprs: Expr) -> dict[str, Fraction] | None:
    """The defaults of what the formulas mention; None where one has none."""
    names = symbols(*exprs) & set(rule.hyperparameter_names)
    return {n: rule.defaults[n] for n in sorted(names)} if names <= rule.defaults.keys() else None


def at(values: Mapping[str, Fraction]) -> str:
    """`beta = 0.9`, in words."""
    return ", ".join(f"`{name} = {to_text(Number(value))}`" for name, value in values.items())
