"""Faults across parameters: a line that reads what belongs to another parameter, or a buffer that nothing reads.

Parameters updated side by side are read one by one. Where one of them fails, what it should have
read may stand among the others' statements, so a repair is looked for with all of them in sight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from derive.matching.faults import locate
from derive.matching.match import Match, comparable, hypotheses
from derive.matching.readings import readings_of
from derive.reading.drafts import Draft
from derive.reading.statements import Statement
from derive.rule import Rule

Found = tuple[Draft, Match]


def mended_across(found: Sequence[Found], rule: Rule, given: Mapping[str, str]) -> list[Found]:
    """The answers, with repairs that read what others have; what only feeds a mended parameter is no parameter."""
    whole = _merged([draft for draft, _ in found])
    mended: list[Found] = []
    feeding: set[str] = set()
    for draft, match in found:
        if match or match.fault is not None:
            mended.append((draft, match))
            continue
        one = replace(draft, step=replace(draft.step, statements=whole))
        likely = hypotheses(comparable(readings_of(one, given), rule), rule, given)
        fault = locate([replace(h, beside=True) for h in likely if h.roles.get("theta") == match.parameter], rule)
        mended.append((draft, replace(match, fault=fault)))
        feeding |= set() if fault is None else fault.names - {match.parameter}
    return [(d, m) for d, m in mended if m or m.fault is not None or feeding.isdisjoint(map(d.shown, d.last))]


def _merged(drafts: Sequence[Draft]) -> tuple[Statement, ...]:
    """The statements of all drafts, each once, in the order of the text."""
    statements = dict.fromkeys(s for draft in drafts for s in draft.step.statements)
    return tuple(sorted(statements, key=lambda s: s.line))
