"""Sentences whose formulas stand between backticks, as the derivations write them."""

from __future__ import annotations

import re

from derive.errors import UserError
from derive.expr import Expr, Symbol, substitute, to_text
from derive.reading.python.expressions import read_expression
from derive.rendering.latex import to_latex
from docs.site.markdown import math, plain

_INDEXED = re.compile(r"[A-Za-z]\w*'*\[[^\]]*\]")


def said(text: str) -> str:
    """The sentence in Markdown: its formulas as formulas where they can be read back exactly, else as code."""
    parts = text.split("`")
    return "".join(_formula(part) if i % 2 else plain(part) for i, part in enumerate(parts))


def _formula(text: str) -> str:
    expr = read_back(text)
    return f"`{text}`" if expr is None else math(to_latex(expr))


def read_back(text: str) -> Expr | None:
    """The expression that is written as this text, names with an index included; None where there is none."""
    names: dict[str, str] = {}

    def called(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"indexed{len(names)}_")

    try:
        read = read_expression(_INDEXED.sub(called, text), file="a sentence")
    except UserError:
        return None
    [expr] = substitute([read], {stand_in: Symbol(name) for name, stand_in in names.items()})
    return expr if to_text(expr) == text else None
