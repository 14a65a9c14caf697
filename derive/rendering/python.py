"""Expressions in plain Python over fractions: exact where they are rational, floats where they are not.

Numbers become `F(1, 2)`; a whole number stays as it is unless Python would then divide in floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.expr import INFIX, LONGEST_NUMBER_BITS, NORMS, Apply, Expr, Number, fold

LARGEST_EXPONENT = 10_000
_ATOM, _NEGATION, _CONDITION = 10, 7, 0
BUILTIN = frozenset({"abs", "max", "min"})
FROM_MATH = frozenset({"exp", "log", "expm1", "log1p", "tanh", "sin", "cos", "cbrt"})
HELPERS = {
    "sqrt": """def sqrt(x):  # exact where the root is rational
    if x < 0:
        raise ValueError("square root of a negative number")
    root = F(isqrt(F(x).numerator), isqrt(F(x).denominator))
    return root if root * root == x else float(x) ** 0.5""",
    "power": """def power(x, y):
    if x < 0 and y != int(y):
        raise ValueError("power of a negative number")
    return x**y""",
    "sign": """def sign(x):
    return (x > 0) - (x < 0)""",
}


class TooLarge(Exception):
    """Nobody would run this, or Python would not end."""


@dataclass(frozen=True)
class Piece:
    """A written expression, how tightly it binds, whether it is made of Python's whole numbers only, what it calls."""

    text: str
    level: int
    whole: bool
    calls: frozenset[str] = frozenset()

    def within(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"

    def exact(self, level: int) -> str:
        """For a dividend or a base: of whole numbers Python would make a float."""
        return f"F({self.text})" if self.whole else self.within(level)


def to_python(root: Expr, names: Mapping[str, str], whole: frozenset[str] = frozenset({"t"})) -> Piece:
    """The expression with every name as `names` has it; those in `whole` are Python's whole numbers."""
    return fold(
        [root],
        symbol=lambda s: Piece(names.get(s.name, s.name), _ATOM, s.name in whole),
        number=_number,
        apply=_apply,
    )[0]


def fraction_text(value: Fraction) -> str:
    """`F(1, 2)`, `F(3)`."""
    if max(abs(value.numerator), value.denominator).bit_length() > LONGEST_NUMBER_BITS:
        raise TooLarge
    return f"F({value.numerator})" if value.denominator == 1 else f"F({value.numerator}, {value.denominator})"


def _number(number: Number) -> Piece:
    text = fraction_text(number.value)
    if number.value.denominator != 1:
        return Piece(text, _ATOM, False)
    return Piece(text[2:-1], _ATOM if number.value >= 0 else _NEGATION, True)


def _apply(node: Apply, args: tuple[Piece, ...]) -> Piece:
    calls = frozenset[str]().union(*(a.calls for a in args))
    whole = all(a.whole for a in args)
    if node.op in ("neg", "not"):
        sign, level = ("-", _NEGATION) if node.op == "neg" else ("not ", 3)
        return Piece(sign + args[0].within(level), level, whole, calls)
    if node.op == "where":
        test, then, otherwise = (a.within(1) for a in args)
        return Piece(f"{then} if {test} else {otherwise}", _CONDITION, False, calls)
    if node.op == "cast":
        return args[0]
    if node.op in NORMS:  # of one coordinate, as runs have it
        return Piece(f"abs({args[0].text})", _ATOM, False, calls | {"abs"})
    if node.op == "pow" and not args[1].whole:
        return Piece(f"power({args[0].exact(0)}, {args[1].text})", _ATOM, False, calls | {"power"})
    if node.op in INFIX:
        return _infix(node, args, whole, calls)
    return Piece(f"{node.op}({', '.join(a.text for a in args)})", _ATOM, False, calls | {node.op})


def _infix(node: Apply, args: tuple[Piece, ...], whole: bool, calls: frozenset[str]) -> Piece:
    sign, level = INFIX[node.op]
    left, right = args
    if node.op == "pow":
        exponent = node.args[1]
        if isinstance(exponent, Number) and abs(exponent.value) > LARGEST_EXPONENT:
            raise TooLarge
        return Piece(f"{left.exact(level + 1)}**{right.within(level)}", level, False, calls)
    if node.op == "div":
        return Piece(f"{left.exact(level)} / {right.within(level + 1)}", level, False, calls)
    strict = level + 1 if level == 4 else level
    return Piece(f"{left.within(strict)} {sign} {right.within(level + 1)}", level, whole, calls)
