"""What goes wrong with a rule in a floating-point format, as a section of its page."""

from __future__ import annotations

from derive.errors import UserError
from derive.precision.hazard import KINDS, Hazard, Hazards, condition_of
from derive.precision.report import hazards_of
from derive.rule import Rule
from docs.site.markdown import bullets, folded, joined, plain

FORMATS = ("float16", "bfloat16", "float32")


def section(rule: Rule) -> str:
    """For each format what happens at the defaults whatever the gradients, and to unfold what happens from where on."""
    how = (
        "State, constants and operations in one format. Every threshold is exact, and the steps on it were run in the"
        " format; where it is said, also those beside it, in which nothing happens."
    )
    return joined(how, *(_format(rule, name) for name in FORMATS))


def _format(rule: Rule, name: str) -> str:
    try:
        found = hazards_of(rule, name)
    except UserError as error:
        return f"**{name}**: {plain(str(error))}"
    return joined(f"**{name}**: {plain(found.summary)}.", bullets(map(_said, found.certain)), _others(found))


def _others(found: Hazards) -> str:
    others = [hazard for hazard in found.found if not hazard.certain]
    title = f"From a threshold on, everything in {found.model.storage.name}: {len(others)}"
    return folded(title, bullets(map(_said, others))) if others else ""


def _said(hazard: Hazard) -> str:
    condition = condition_of(hazard)
    when = "" if condition == "always" else f", where {plain(condition)}"
    where = f" In `{hazard.where}`." if hazard.where else ""
    return f"*{KINDS[hazard.kind]}*{when}: {plain(hazard.effect)}.{where} Confirmed: {plain(str(hazard.confirmation))}."
