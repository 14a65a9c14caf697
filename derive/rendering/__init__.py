"""Showing: one page of a rule, written as text, Markdown, LaTeX, or plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from derive.rendering import markdown, tex, text
from derive.rendering.equations import step_equation
from derive.rendering.formulas import latex, plain
from derive.rendering.page import Page, page
from derive.rule import Rule

Format = Literal["text", "latex", "markdown"]
_WRITERS = {"text": text.write, "latex": tex.write, "markdown": markdown.write}


@dataclass(frozen=True)
class Shown:
    """A page that shows itself: text where printed, formulas in a notebook."""

    page: Page

    def __str__(self) -> str:
        return text.write(self.page)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return markdown.write(self.page)


def render(rule: Rule, style: Format = "text") -> str:
    """The rule and everything derived from it, in one of the formats."""
    return _WRITERS[style](page(rule))


def render_briefly(rule: Rule) -> str:
    """The rule and what is derived from it as text, without the steps."""
    return text.write(page(rule), brief=True)


def document(rule: Rule) -> dict[str, Any]:
    """The same as plain data, for `--json`."""
    made = page(rule)
    holding, checked = made.counted
    return {
        "rule": rule.name,
        "what": rule.doc.strip(),
        "reference": str(rule.reference),
        "lines": [{"target": plain(x.target, {}), "value": plain(x.value, {})} for x in made.lines],
        "query": None if made.query is None else plain(made.query, {}),
        "invariants": [f"{name} ≥ 0" for name in made.nonnegative],
        "steps": {"proved": holding, "checked": checked},
        "rows": [derivation_document(d) for d in made.derivations],
    }


def derivation_document(d: Any) -> dict[str, Any]:
    """A derivation as plain data."""
    return {
        "title": d.title,
        "statement": d.statement,
        "assumptions": list(d.assumptions),
        "result": plain(d.result, d.names),
        "quantities": {name: plain(value, d.names) for name, value in d.quantities.items()},
        "steps": [
            {
                "label": None if s.label is None else plain(s.label, d.names),
                "chain": [plain(link, d.names) for link in s.chain],
                "latex": step_equation(s, d),
                "relation": s.relation,
                "when": [plain(condition, d.names) for condition in s.when],
                "why": s.why,
                "verdict": None if s.verdict is None else s.verdict.status,
            }
            for s in d.steps
        ],
    }


__all__ = ["Format", "Page", "Shown", "derivation_document", "document", "latex", "page", "render"]
