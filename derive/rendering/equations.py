"""The equations of a page in LaTeX, without delimiters: what Markdown and LaTeX have in common."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.expr import Symbol
from derive.rendering.formulas import AT_START, latex, signs_of
from derive.rendering.page import Page

_SIGNS = {"→": r"\to", "⇔": r"\iff"}


def rule_equations(page: Page) -> list[str]:
    """The initial state, the queried point and the body, aligned at their signs."""
    lines = [rf"{indexed(s.name, '0')} &= {latex(s.initial, AT_START)}" for s in page.rule.states]
    if page.query is not None:
        lines.append(rf"g_{{t}} &= \nabla f\left({latex(page.query, {})}\right)")
    lines += [rf"{latex(a.target, {})} &= \nabla f\left({latex(a.value, {})}\right)" for a in page.asked]
    return lines + [f"{latex(line.target, {})} &= {latex(line.value, {})}" for line in page.lines]


def invariants(page: Page) -> str:
    """What always holds of the states, a list."""
    return ", ".join(rf"{indexed(name, 't')} \ge 0" for name in page.nonnegative)


def step_equation(step: Step, d: Derivation) -> str:
    """A step's chain."""
    first, *further = step_links(step, d)
    return "".join([first, *(f" {link}" for link in further)])


def step_links(step: Step, d: Derivation) -> list[str]:
    """The links of a step's chain, each but the first after its sign; the last with what it is claimed under."""
    links = [latex(step.label, d.names)] if step.label is not None else []
    links += [latex(link, d.names) for link in step.chain]
    premises = [latex(condition, d.names) for condition in step.when]
    links[-1] += rf" \quad\text{{where }} {', '.join(premises)}" if premises else ""
    signs = [_SIGNS.get(sign, sign) for sign in signs_of(step)]
    return [links[0], *(f"{sign} {link}" for sign, link in zip(signs, links[1:], strict=True))]


def indexed(name: str, index: str) -> str:
    """A name at a time."""
    return latex(Symbol(f"{name}[{index}]"), {})
