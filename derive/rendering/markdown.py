"""A page as Markdown with formulas in LaTeX, for notebooks and sites."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.expr import decimal_text
from derive.rendering.formulas import latex, signs_of
from derive.rendering.page import Page
from derive.rule import Hyperparameter

MARKS = {"proved": "✓", "refuted": "✗", "unknown": "?", "conditional": "◐"}


def write(page: Page) -> str:
    """The whole page, headings from level two."""
    rule = page.rule
    parts = [f"## {rule.name}", rule.doc.strip(), f"*{rule.reference}*" if str(rule.reference) else ""]
    parts += ["| hyperparameter | domain | default |\n|---|---|---|\n" + "\n".join(map(_row, rule.hyperparameters))]
    parts += [_display(_rule_lines(page))]
    parts += [f"Always {', '.join(f'${_invariant(i)}$' for i in page.invariants)}, by induction."] * bool(page.invariants)
    parts += [write_derivation(d) for d in page.derivations]
    holding, checked = page.counted
    return "\n\n".join(part for part in (*parts, f"{holding} of {checked} steps checked.") if part) + "\n"


def write_derivation(d: Derivation) -> str:
    """One derivation, its steps numbered."""
    head = [f"### {d.title}", d.statement]
    head += [f"Here {'; '.join(d.assumptions)}."] if d.assumptions else []
    return "\n\n".join([*head, "\n".join(f"{n}. {_step(step, d)}" for n, step in enumerate(d.steps, 1))])


def _row(h: Hyperparameter) -> str:
    default = "none" if h.default is None else decimal_text(h.default) or str(h.default)
    return f"| `{h.name}` | {h.domain} | {default} |"


def _rule_lines(page: Page) -> list[str]:
    lines = [rf"{latex_state(s.name)} &= {latex(s.initial, {})}" for s in page.rule.states]
    if page.query is not None:
        lines.append(rf"g_{{t}} &= \nabla f\left({latex(page.query, {})}\right)")
    return lines + [f"{latex(line.target, {})} &= {latex(line.value, {})}" for line in page.lines]


def latex_state(name: str) -> str:
    """A state before the first step."""
    from derive.expr import Symbol

    return latex(Symbol(f"{name}[0]"), {})


def _invariant(text: str) -> str:
    name = text.split(" ")[0]
    from derive.expr import Symbol

    return latex(Symbol(f"{name}[t]"), {}) + r" \ge 0"


def _display(lines: list[str]) -> str:
    inner = " \\\\\n".join(lines)
    return f"$$\n\\begin{{aligned}}\n{inner}\n\\end{{aligned}}\n$$"


def formula(step: Step, d: Derivation) -> str:
    """A step's chain in LaTeX, without delimiters."""
    links = [latex(step.label, d.names)] if step.label is not None else []
    links += [latex(link, d.names) for link in step.chain]
    signs = [r"\to" if sign == "→" else sign for sign in signs_of(step)]
    return links[0] + "".join(f" {sign} {link}" for sign, link in zip(signs, links[1:], strict=True))


def _step(step: Step, d: Derivation) -> str:
    mark = "" if step.verdict is None else f" {MARKS[step.verdict.status]}"
    return f"${formula(step, d)}$: {step.why}{mark}"
