"""A page as Markdown with formulas in LaTeX, for notebooks and sites."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.expr import Number, to_text
from derive.rendering.equations import invariants, rule_equations, step_equation
from derive.rendering.page import Page
from derive.rule import Hyperparameter

MARKS = {"proved": "✓", "refuted": "✗", "unknown": "?", "conditional": "◐"}


def write(page: Page) -> str:
    """The whole page, headings from level two."""
    rule = page.rule
    lines = " \\\\\n".join(rule_equations(page))
    parts = [
        f"## {rule.name}",
        rule.doc.strip(),
        f"*{rule.reference}*" if str(rule.reference) else "",
        "\n".join(["| hyperparameter | domain | default |", "|---|---|---|", *map(_row, rule.hyperparameters)]),
        f"$$\n\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n$$",
        f"Always ${invariants(page)}$, by induction." if page.nonnegative else "",
        *(write_derivation(d) for d in page.derivations),
        "{} of {} steps checked.".format(*page.counted),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_derivation(d: Derivation) -> str:
    """One derivation, its steps numbered."""
    head = [f"### {d.title}", d.statement]
    head += [f"Here {'; '.join(d.assumptions)}."] if d.assumptions else []
    return "\n\n".join([*head, "\n".join(f"{n}. {_step(step, d)}" for n, step in enumerate(d.steps, 1))])


def _row(h: Hyperparameter) -> str:
    default = "none" if h.default is None else to_text(Number(h.default))
    return f"| `{h.name}` | {h.domain} | {default} |"


def _step(step: Step, d: Derivation) -> str:
    word, comma, others = step.standing.partition(", ")
    mark = f" {MARKS[word]}{comma}{others}" if word else ""
    return f"${step_equation(step, d)}$: {step.why}{mark}"
