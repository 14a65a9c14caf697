"""A derivation as a section of a page: what it states, what it arrives at, and its steps to unfold."""

from __future__ import annotations

from collections.abc import Sequence

from derive.deriving.derivation import Derivation, Step
from derive.rendering.equations import step_links
from derive.rendering.formulas import latex
from docs.site.chains import chain
from docs.site.markdown import badge, bullets, folded, joined, math, numbered, plain
from docs.site.sentences import said


def section(d: Derivation, faults: Sequence[str] = ()) -> str:
    """The derivation under a heading of level three; `faults`: what the kernel's runs did otherwise, each or empty."""
    here = f"Here {said('; '.join(d.assumptions))}." if d.assumptions else ""
    steps = numbered(_step(step, d) for step in d.steps)
    return joined(
        f"### {plain(d.title)}", said(d.statement), here, folded(_summary(d), steps), _quantities(d),
        _runs(d, faults),
    )  # fmt: skip


def _quantities(d: Derivation) -> str:
    """What else was arrived at, by the names that statements use."""
    if not d.quantities:
        return ""
    formulas = bullets(f"`{name}`: {math(latex(value, d.names))}" for name, value in d.quantities.items())
    return folded(f"By name: {', '.join(d.quantities)}", formulas)


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
    return joined(chain(step_links(step, d)), f'<span class="why">{said(step.why)}</span>{mark}')


def _runs(d: Derivation, faults: Sequence[str]) -> str:
    """What runs of the compiled kernel say; evidence, told apart from the proofs."""
    if not d.experiments or len(faults) != len(d.experiments):
        return ""
    held = sum(not fault for fault in faults)
    told = [plain(fault or e.what) for e, fault in zip(d.experiments, faults, strict=True)]
    what = f"Runs of the compiled kernel, {held} of {len(faults)} as foretold (evidence, not proof)"
    return folded(what, bullets(told))
