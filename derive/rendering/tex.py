"""A page as a LaTeX fragment: sections, aligned equations, enumerated steps (needs amsmath)."""

from __future__ import annotations

from derive.deriving.derivation import Derivation
from derive.expr import Symbol, decimal_text
from derive.rendering.formulas import latex
from derive.rendering.markdown import formula, latex_state
from derive.rendering.page import Page
from derive.rule import Hyperparameter

_SPECIAL = {"\\": r"\textbackslash{}", "_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "^": r"\textasciicircum{}",
            "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "≥": r"$\ge$", "∞": r"$\infty$"}  # fmt: skip


def write(page: Page) -> str:
    """The whole page; include it in a document that loads amsmath."""
    rule = page.rule
    parts = [rf"\section{{{escaped(rule.name)}}}", escaped(rule.doc.strip()), rf"\emph{{{escaped(str(rule.reference))}}}"]
    parts += ["Hyperparameters: " + "; ".join(map(_hyperparameter, rule.hyperparameters)) + "."]
    lines = [rf"{latex_state(s.name)} &= {latex(s.initial, {})}" for s in rule.states]
    if page.query is not None:
        lines.append(rf"g_{{t}} &= \nabla f\left({latex(page.query, {})}\right)")
    lines += [f"{latex(line.target, {})} &= {latex(line.value, {})}" for line in page.lines]
    parts += ["\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"]
    held = [latex(Symbol(f"{i.split(' ')[0]}[t]"), {}) + r" \ge 0" for i in page.invariants]
    parts += [f"Always ${', '.join(held)}$, by induction."] * bool(held)
    return "\n\n".join([*parts, *map(_derivation, page.derivations)]) + "\n"


def _hyperparameter(h: Hyperparameter) -> str:
    default = "" if h.default is None else f", default {decimal_text(h.default) or h.default}"
    return rf"${latex(Symbol(h.name), {})}$ in {escaped(str(h.domain))}{default}"


def _derivation(d: Derivation) -> str:
    parts = [rf"\subsection{{{escaped(d.title)}}}", escaped(d.statement)]
    parts += [f"Here {escaped('; '.join(d.assumptions))}."] if d.assumptions else []
    items = [
        rf"\item ${formula(step, d)}$: {escaped(step.why)}" + ("" if s is None else f" ({s.status})")
        for step, s in ((step, step.verdict) for step in d.steps)
    ]
    return "\n\n".join([*parts, "\\begin{enumerate}\n" + "\n".join(items) + "\n\\end{enumerate}"])


def escaped(text: str) -> str:
    """Text with LaTeX's special characters made plain."""
    return "".join(_SPECIAL.get(c, c) for c in text)
