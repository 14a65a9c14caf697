"""Formulas for people: an expression as plain text or, through SymPy, as LaTeX, in its author's order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from derive.deriving.derivation import Series, Step
from derive.expr import Expr, Number, Symbol, fold, substitute, to_text
from derive.ops import OPS

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "eta",
        "theta",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "rho",
        "sigma",
        "tau",
        "phi",
        "psi",
        "omega",
        "xi",
        "zeta",
    ]
)
CONVENTIONAL = {"lr": r"\eta", "eps": r"\varepsilon", "weight_decay": r"\lambda"}
ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde"}
_NAME = re.compile(r"^([A-Za-z]+?)(\d*)((?:_[A-Za-z0-9]+)*)(?:\[(.+)\])?$")


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The expression with its names as they are to be written."""
    return substitute([expr], {name: Symbol(shown) for name, shown in names.items()})[0]


def plain(item: Expr | Series, names: Mapping[str, str]) -> str:
    """The formula in the rule language."""
    if isinstance(item, Expr):
        return to_text(renamed(item, names))
    # The terms of a sum are written with their own indices.
    weight, terms = to_text(item.weight), to_text(item.terms)
    body = weight if item.input is None else f"{weight} * ({to_text(item.input)})"
    start = "" if item.plus is None else f"{to_text(item.plus)} + "
    return f"{start}sum of {body} over {item.index} from 0 to {terms} - 1"


def latex(item: Expr | Series, names: Mapping[str, str]) -> str:
    """The formula as LaTeX, without delimiters."""
    import sympy

    if isinstance(item, Expr):
        return _printed(sympy, renamed(item, names))
    weight, terms = _printed(sympy, item.weight), _printed(sympy, item.terms)
    body = weight if item.input is None else rf"{weight} \left({_printed(sympy, item.input)}\right)"
    start = "" if item.plus is None else f"{_printed(sympy, item.plus)} + "
    return rf"{start}\sum_{{{item.index}=0}}^{{{terms}-1}} {body}"


def as_sympy(expr: Expr, *, evaluate: bool = True) -> Any:
    """The expression in SymPy, every name a real symbol; with evaluate=False exactly as it stands."""
    import sympy

    with sympy.evaluate(evaluate):
        return fold(
            [expr],
            symbol=lambda s: sympy.Symbol(s.name, real=True),
            number=lambda n: sympy.Rational(n.value.numerator, n.value.denominator),
            apply=lambda node, args: OPS[node.op].sympy(sympy, *args),
        )[0]


def _printed(sympy: Any, expr: Expr) -> str:
    if isinstance(expr, Number):
        return str(sympy.latex(sympy.Rational(expr.value.numerator, expr.value.denominator)))
    form = as_sympy(expr, evaluate=False)
    names = {symbol: symbol_latex(symbol.name) for symbol in form.free_symbols}
    return str(sympy.latex(form, symbol_names=names, order="none", mul_symbol=r" \, "))


def symbol_latex(name: str) -> str:
    r"""A name of the rule language in LaTeX: `beta1`, `m_hat`, `m[t-1]`, `weight_decay`."""
    if name in CONVENTIONAL:
        return CONVENTIONAL[name]
    match = _NAME.match(name)
    if match is None:
        return rf"\mathrm{{{_escaped(name)}}}"
    stem, digits, tail, index = match.groups()
    parts = tail.split("_")[1:]
    accents = [p for p in parts if p in ACCENTS]
    words = [p for p in parts if p not in ACCENTS]
    if len(stem) > 1 and stem not in GREEK and stem not in CONVENTIONAL and (words or digits):
        base, words = rf"\mathrm{{{_escaped('_'.join([stem + digits, *words]))}}}", []
    else:
        base = _stem(stem)
        words = [digits, *words] if digits else words
    for accent in accents:
        base = rf"\{ACCENTS[accent]}{{{base}}}"
    # A name such as lr_t says its index already.
    written = [w if len(w) == 1 or w.isdigit() else rf"\mathrm{{{w}}}" for w in words if w != index]
    below = ",".join([*written, *([index] if index else [])])
    return f"{base}_{{{below}}}" if below else base


def _stem(stem: str) -> str:
    if stem in CONVENTIONAL:
        return CONVENTIONAL[stem]
    if stem.lower() in GREEK:
        return rf"\{stem}"
    return stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("[", r"\lbrack ").replace("]", r"\rbrack ")


def signs_of(step: Step) -> list[str]:
    """The signs between the links of a step: equal, and before the value of a limit an arrow."""
    links = len(step.chain) + (step.label is not None)
    signs = ["="] * (links - 1)
    if step.relation != "=":
        signs[-1] = step.relation
    return signs
