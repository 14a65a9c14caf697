"""A page as a LaTeX fragment: sections, aligned equations, enumerated steps (needs amsmath)."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.expr import Number, Symbol, to_text
from derive.rendering.equations import invariants, rule_equations, step_equation
from derive.rendering.formulas import latex
from derive.rendering.page import Page
from derive.rule import Hyperparameter

_SPECIAL = {"\\": r"\textbackslash{}", "_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "^": r"\textasciicircum{}",
            "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "≥": r"$\ge$", "∞": r"$\infty$"}  # fmt: skip


def write(page: Page) -> str:
    """The whole page; include it in a document that loads amsmath."""
    rule = page.rule
    lines = " \\\\\n".join(rule_equations(page))
    parts = [
        rf"\section{{{escaped(rule.name)}}}",
        escaped(rule.doc.strip()),
        rf"\emph{{{escaped(str(rule.reference))}}}" if str(rule.reference) else "",
        f"Hyperparameters: {'; '.join(map(_hyperparameter, rule.hyperparameters))}." if rule.hyperparameters else "",
        f"\\begin{{align*}}\n{lines}\n\\end{{align*}}",
        f"Always ${invariants(page)}$, by induction." if page.nonnegative else "",
        *map(_derivation, page.derivations),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _hyperparameter(h: Hyperparameter) -> str:
    default = "" if h.default is None else f", default {to_text(Number(h.default))}"
    return rf"${latex(Symbol(h.name), {})}$ in {escaped(str(h.domain))}{default}"


def _derivation(d: Derivation) -> str:
    parts = [rf"\subsection{{{escaped(d.title)}}}", said(d.statement)]
    parts += [f"Here {said('; '.join(d.assumptions))}."] if d.assumptions else []
    items = "\n".join(_item(step, d) for step in d.steps)
    return "\n\n".join([*parts, f"\\begin{{enumerate}}\n{items}\n\\end{{enumerate}}"])


def _item(step: Step, d: Derivation) -> str:
    mark = f" ({step.standing})" if step.standing else ""
    return rf"\item ${step_equation(step, d)}$: {said(step.why)}{mark}"


def escaped(text: str) -> str:
    """Text with LaTeX's special characters made plain."""
    return "".join(_SPECIAL.get(c, c) for c in text)


def said(text: str) -> str:
    """A sentence with its formulas in typewriter."""
    parts = text.split("`")
    return "".join(rf"\texttt{{{escaped(p)}}}" if i % 2 else escaped(p) for i, p in enumerate(parts))
