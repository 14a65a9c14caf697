"""SMT-LIB terms of the theory of real numbers, as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

TRUE, FALSE = "true", "false"


@dataclass(frozen=True)
class Term:
    """What stands for a value (a number, or a truth value), and the condition under which it is defined."""

    text: str
    defined: str = TRUE


def number(value: Fraction | int) -> str:
    exact = Fraction(value)
    size = f"{abs(exact.numerator)}.0"
    if exact.denominator != 1:
        size = f"(/ {size} {exact.denominator}.0)"
    return f"(- {size})" if exact < 0 else size


def call(op: str, *args: str) -> str:
    return f"({op} {' '.join(args)})"


def conjunction(parts: Iterable[str]) -> str:
    kept = [*dict.fromkeys(p for p in parts if p != TRUE)]
    if FALSE in kept:
        return FALSE
    return TRUE if not kept else kept[0] if len(kept) == 1 else call("and", *kept)


def implies(condition: str, then: str) -> str:
    return then if condition == TRUE else TRUE if then == TRUE else call("=>", condition, then)


def choice(condition: str, then: str, otherwise: str) -> str:
    return then if then == otherwise else call("ite", condition, then, otherwise)


def repeated(factor: str, times: int) -> str:
    """The product of so many equal factors."""
    return "1.0" if times == 0 else factor if times == 1 else call("*", *[factor] * times)


def symbol(name: str) -> str:
    """A name of ours as a quoted name of SMT-LIB."""
    return f"|{name}|"
