"""Expressions in LaTeX, exactly as they stand: the author's order, and every bracket that is needed.

Levels as in the rule language; what binds less than its place asks for is bracketed, and a
negation wherever it is not at the front of a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derive.expr import LONGEST_TEXT, Apply, Expr, Number, Symbol, decimal_text, fold
from derive.rendering.names import symbol_latex

Written = tuple[str, int]

OR, AND, CONDITION, NEGATION, SUM, PRODUCT, POWER, ATOM = range(8)
_INFIX = {"add": "+", "sub": "-", "lt": "<", "le": r"\le", "gt": ">", "ge": r"\ge", "eq": "=", "ne": r"\ne",
          "and": r"\wedge", "or": r"\vee"}  # fmt: skip
_LEVELS = {"add": SUM, "sub": SUM, "and": AND, "or": OR}
_FUNCTIONS = {"min": r"\min", "max": r"\max", "exp": r"\exp", "log": r"\log", "tanh": r"\tanh", "sin": r"\sin",
              "cos": r"\cos"}  # fmt: skip


def to_latex(expr: Expr) -> str:
    """The expression as LaTeX, without delimiters."""
    return fold([expr], symbol=_symbol, number=_number, apply=_apply)[0][0]


def _symbol(symbol: Symbol) -> Written:
    return symbol_latex(symbol.name), ATOM


def _number(number: Number) -> Written:
    value = number.value
    size = abs(value)
    if size.denominator == 1:
        text, level = str(size), ATOM
    elif len(decimal := decimal_text(size) or "") > 0 and "e" not in decimal and len(decimal) < 8:
        text, level = decimal, ATOM
    else:
        text, level = rf"\frac{{{size.numerator}}}{{{size.denominator}}}", PRODUCT
    return (text, level) if value >= Fraction(0) else (f"-{text}", NEGATION)


def _apply(node: Apply, args: tuple[Written, ...]) -> Written:
    if sum(len(text) for text, _ in args) > LONGEST_TEXT:
        return r"\dots", ATOM
    rule = _RULES.get(node.op)
    if rule is not None:
        return rule(*args)
    if node.op in _INFIX:
        level = _LEVELS.get(node.op, CONDITION)
        left, right = args
        # A negation may open a sum; anywhere else it is bracketed.
        first = left[0] if level == SUM and left[1] == NEGATION else _at(left, level + (level == CONDITION))
        return f"{first} {_INFIX[node.op]} {_at(right, level + 1)}", level
    name = _FUNCTIONS.get(node.op, rf"\operatorname{{{node.op}}}")
    return rf"{name}\left({', '.join(text for text, _ in args)}\right)", ATOM


def _product(a: Written, b: Written) -> Written:
    # A negation in front negates the whole product; further in it is bracketed.
    level = NEGATION if a[1] == NEGATION else PRODUCT
    left, right = _at(a, level), _at(b, PRODUCT)
    dot = r" \cdot " if right[:1].isdigit() or (right.startswith(r"\frac{") and left[-1:].isdigit()) else r" \, "
    return f"{left}{dot}{right}", level


def _quotient(a: Written, b: Written) -> Written:
    return rf"\frac{{{a[0]}}}{{{b[0]}}}", PRODUCT


def _power(a: Written, b: Written) -> Written:
    base = _at(a, ATOM)
    grouped = f"{{{base}}}" if "'" in base else base  # a prime is a superscript already
    return f"{grouped}^{{{b[0]}}}", POWER


def _where(condition: Written, a: Written, b: Written) -> Written:
    cases = rf"{a[0]} & \text{{if }} {condition[0]} \\ {b[0]} & \text{{otherwise}}"
    return rf"\begin{{cases}} {cases} \end{{cases}}", OR


_RULES: dict[str, Callable[..., Written]] = {
    "mul": _product,
    "div": _quotient,
    "pow": _power,
    "neg": lambda a: (f"-{_at(a, PRODUCT)}", NEGATION),
    "not": lambda a: (rf"\neg {_at(a, ATOM)}", CONDITION),
    "sqrt": lambda a: (rf"\sqrt{{{a[0]}}}", ATOM),
    "cbrt": lambda a: (rf"\sqrt[3]{{{a[0]}}}", ATOM),
    "abs": lambda a: (rf"\left|{a[0]}\right|", ATOM),
    "norm": lambda a: (rf"\left\lVert {a[0]}\right\rVert", ATOM),
    "global_norm": lambda a: (rf"\left\lVert {a[0]}\right\rVert_{{\text{{all}}}}", ATOM),
    "floor": lambda a: (rf"\left\lfloor {a[0]}\right\rfloor", ATOM),
    "cast": lambda a: a,
    "where": _where,
}


def _at(item: Written, level: int) -> str:
    return item[0] if item[1] >= level else _bracketed(item[0])


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)"
