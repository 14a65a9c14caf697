"""A derivation as a section of a page: what it states, what it arrives at, and its steps to unfold."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.rendering.formulas import latex, plain, signs_of
from docs.site.markdown import aligned, badge, display, folded, joined, numbered
from docs.site.sentences import said

LINE = 60  # characters of the rule language that make a line of formulas


def section(d: Derivation) -> str:
    """The derivation under a heading of level three."""
    here = f"Here {said('; '.join(d.assumptions))}." if d.assumptions else ""
    steps = numbered(_step(step, d) for step in d.steps)
    return joined(f"### {d.title}", said(d.statement), here, folded(_summary(d), steps))


def _summary(d: Derivation) -> str:
    number, checked = len(d.steps), len(d.checked)
    holding = sum(bool(step.verdict) for step in d.checked)
    steps = f"{number} step{'s' * (number > 1)}"
    if not checked:
        return f"{steps}, read from the rule"
    proved = "all proved" if holding == checked else f"{holding} proved"
    return f"{steps}, {checked} checked, {proved}"


def _step(step: Step, d: Derivation) -> str:
    mark = "" if step.verdict is None else f" {badge(step.verdict.status)}"
    return joined(formula(step, d), f'<span class="why">{said(step.why)}</span>{mark}')


def formula(step: Step, d: Derivation) -> str:
    """The chain of a step: in one line where it is short, else with a line for each further link."""
    items = [*([step.label] if step.label is not None else []), *step.chain]
    links = [latex(item, d.names) for item in items]
    signs = [r"\to" if sign == "→" else sign for sign in signs_of(step)]
    if sum(len(plain(item, d.names)) for item in items) <= LINE or len(links) == 1:
        return display(links[0] + "".join(f" {sign} {link}" for sign, link in zip(signs, links[1:], strict=True)))
    first = [f"{links[0]} &{signs[0]} {links[1]}"]
    return aligned([*first, *(f"&{sign} {link}" for sign, link in zip(signs[1:], links[2:], strict=True))])
