"""Verdicts on a page: the headline, and what belongs to it."""

from __future__ import annotations

from derive.proving import Verdict
from derive.rendering.verdicts import markdown
from docs.site.markdown import badge, folded, joined


def whole(verdict: Verdict) -> str:
    """The headline and everything else."""
    return joined(headline(verdict), rest(verdict))


def headline(verdict: Verdict) -> str:
    """The word, the relation, and the map or the condition, in one line."""
    first = markdown(verdict).partition("\n\n")[0]
    return f"{badge(verdict.status)}{first.removeprefix(f'**{verdict.status}**')}"


def rest(verdict: Verdict) -> str:
    """Assumptions, conditions and the counterexample; the lines of Python that reproduce it to unfold."""
    facts, fence, python = markdown(verdict).partition("\n\n")[2].partition("```python\n")
    return joined(facts.rstrip(), folded("The same in Python", fence + python) if python else "")
