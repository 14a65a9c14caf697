"""Faults across parameters: a line that reads what belongs to another parameter, or a buffer that nothing reads.

Parameters updated side by side are read one by one. Where one of them fails, what it should have
read may stand among the others' statements, so a repair is looked for with all of them in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.matching.given import Given
from derive.matching.guessing.readings import readings_of
from derive.matching.match import Match, comparable, hypotheses
from derive.matching.mending.faults import Hypothesis, locate
from derive.reading.drafts import Draft
from derive.rule import Rule

Found = tuple[Draft, Match]


def mended_across(found: Sequence[Found], rule: Rule, given: Given) -> list[Found]:
    """The answers, with repairs that read what others have; what only feeds a mended parameter is no parameter."""
    mended: list[Found] = []
    feeding: set[str] = set()
    for draft, match in found:
        if not match and match.fault is None and draft.whole != draft.step.statements:
            match = replace(match, fault=locate(_in_sight_of_all(draft, match, found, rule, given), rule))
            feeding |= set() if match.fault is None else match.fault.names - {match.parameter}
        mended.append((draft, match))
    return [(d, m) for d, m in mended if m or m.fault is not None or feeding.isdisjoint(map(d.shown, d.last))]


def lines_of_proved(found: Sequence[Found]) -> frozenset[int]:
    """The lines that are right, since a parameter that needs them is proved."""
    return frozenset(s.line for draft, match in found if match for s in draft.step.statements)


def _in_sight_of_all(draft: Draft, match: Match, found: Sequence[Found], rule: Rule, given: Given) -> list[Hypothesis]:
    """The likeliest readings of one parameter among the statements of all."""
    whole = replace(draft, step=replace(draft.step, statements=draft.whole), others=())
    gradients, right = {m.roles.get("g") for _, m in found if m}, lines_of_proved(found)
    own = [
        r for r in readings_of(whole, given.roles)
        if r.roles.get("theta") == match.parameter and r.roles.get("g") not in gradients
    ]  # fmt: skip
    return [replace(h, beside=True, settled=right) for h in hypotheses(comparable(own, rule), rule, given)]
