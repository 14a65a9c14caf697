"""Formulas for people: an expression as plain text in the rule language, in LaTeX, in SymPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.deriving.derivation import Series, Step
from derive.expr import Expr, Symbol, fold, substitute, symbols, to_text
from derive.ops import OPS
from derive.rendering.latex import to_latex

AT_START = {"theta": "theta[0]"}


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The expression with its names as they are to be written; one that no rule can have, without its mark."""
    unmarked = {name: name.removeprefix("#") for name in symbols(expr) if name.startswith("#")}
    return substitute([expr], {name: Symbol(shown) for name, shown in {**unmarked, **names}.items()})[0]


def plain(item: Expr | Series, names: Mapping[str, str]) -> str:
    """The formula in the rule language."""
    if isinstance(item, Expr):
        return to_text(renamed(item, names))
    # The terms of a sum are written with their own indices.
    weight, terms = to_text(renamed(item.weight, {})), to_text(renamed(item.terms, {}))
    body = weight if item.input is None else f"{weight} * ({to_text(item.input)})"
    start = "" if item.plus is None else f"{to_text(item.plus)} + "
    return f"{start}sum of {body} over {item.index} from 0 to {terms} - 1"


def latex(item: Expr | Series, names: Mapping[str, str]) -> str:
    """The formula as LaTeX, without delimiters."""
    if isinstance(item, Expr):
        return to_latex(renamed(item, names))
    weight, terms = to_latex(renamed(item.weight, {})), to_latex(renamed(item.terms, {}))
    body = weight if item.input is None else rf"{weight} \left({to_latex(item.input)}\right)"
    start = "" if item.plus is None else f"{to_latex(item.plus)} + "
    return rf"{start}\sum_{{{item.index}=0}}^{{{terms}-1}} {body}"


def as_sympy(expr: Expr) -> Any:
    """The expression in SymPy, every name a real symbol."""
    import sympy

    return fold(
        [expr],
        symbol=lambda s: sympy.Symbol(s.name, real=True),
        number=lambda n: sympy.Rational(n.value.numerator, n.value.denominator),
        apply=lambda node, args: OPS[node.op].sympy(sympy, *args),
    )[0]


def signs_of(step: Step) -> list[str]:
    """The signs between the links of a step: equal, and before the value of a limit an arrow."""
    links = len(step.chain) + (step.label is not None)
    signs = ["="] * (links - 1)
    if step.relation != "=":
        signs[-1] = step.relation
    return signs
