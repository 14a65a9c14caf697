"""A page as plain text for a terminal."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, Step
from derive.expr import Number, to_text
from derive.rendering.formulas import AT_START, plain, signs_of
from derive.rendering.page import Page
from derive.rule import Hyperparameter

WIDTH = 100


def write(page: Page, brief: bool = False) -> str:
    """The whole page, one fact a line; in brief, without the steps."""
    rule = page.rule
    lines = [f"{rule.name}: {rule.doc.strip()}" if rule.doc.strip() else rule.name]
    lines += [str(rule.reference), ""] if str(rule.reference) else [""]
    if rule.hyperparameters:
        lines += ["hyperparameters", *(f"  {_hyperparameter(h)}" for h in rule.hyperparameters), ""]
    if rule.states:
        lines += ["state at the start", *(f"  {s.name}[0] = {plain(s.initial, AT_START)}" for s in rule.states), ""]
    lines += ["step"]
    if page.query is not None:
        lines.append(f"  g[t] = grad({to_text(page.query)})")
    lines += [f"  {to_text(line.target)} = grad({to_text(line.value)})" for line in page.asked]
    lines += [f"  {to_text(line.target)} = {to_text(line.value)}" for line in page.lines]
    lines.append("")
    if page.nonnegative:
        lines += [f"always {', '.join(f'{name} ≥ 0' for name in page.nonnegative)}, by induction", ""]
    for number, derivation in enumerate(page.derivations, 1):
        lines += [*derivation_lines(number, derivation, brief), ""]
    holding, checked = page.counted
    nothing = "; ".join(part for part in ("nothing is derived for this rule yet", rule.advice) if part)
    shown = ", and not shown here" if brief else ""
    lines.append(f"{holding} of {checked} steps checked{shown}" if checked else nothing)
    return "\n".join(lines)


def _hyperparameter(h: Hyperparameter) -> str:
    default = "no default" if h.default is None else to_text(Number(h.default))
    return f"{h.name} in {h.domain}, {default}" + (f": {h.meaning}" if h.meaning else "")


def derivation_lines(number: int, d: Derivation, brief: bool = False) -> list[str]:
    """A derivation with this number, line by line; in brief, without its steps."""
    lines = [f"{number}. {d.title}", f"   {said(d.statement)}"]
    lines += [f"   Here {said('; '.join(d.assumptions))}."] if d.assumptions else []
    for index, step in enumerate(() if brief else d.steps, 1):
        lines += _step(f"   {number}.{index}", step, d)
    return lines


def _step(number: str, step: Step, d: Derivation) -> list[str]:
    links = [plain(step.label, d.names)] if step.label is not None else []
    links += [plain(link, d.names) for link in step.chain]
    links[-1] += "".join(f"{', ' if place else ' where '}{plain(c, d.names)}" for place, c in enumerate(step.when))
    signs = signs_of(step)
    line = f"{number:<7} {links[0]}" + "".join(f" {s} {link}" for s, link in zip(signs, links[1:], strict=True))
    if len(line) > WIDTH:
        # Every further link on a line of its own.
        further = [f"\n{'':10}{s} {link}" for s, link in zip(signs, links[1:], strict=True)]
        line = f"{number:<7} {links[0]}" + "".join(further)
    mark = f"{step.standing}: " if step.standing else ""
    return [*line.split("\n"), f"{'':10}{mark}{said(step.why)}"]


def said(text: str) -> str:
    """A sentence without the marks around its formulas."""
    return text.replace("`", "")
