"""Texts against rules: is this code that rule, and which known rule is it?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.library import LIBRARY
from derive.matching.across import mended_across
from derive.matching.alignment import align
from derive.matching.faults import Hypothesis, locate
from derive.matching.match import (
    Match,
    comparable,
    hypotheses,
    match_readings,
    proved_at_once,
    settled,
)
from derive.matching.readings import Reading, needed, readings_of
from derive.reading.drafts import read_drafts
from derive.rule import Rule

NEAR = 4  # rules that a text is compared with in earnest, where it is none of them at once
MENDED = 2  # of these, rules to which a repair is looked for


def check_text(text: str, file: str, name: str | None, rule: Rule, given: Mapping[str, str]) -> Match:
    """What the text is beside the rule; `given` are names of the text and the roles or hyperparameters they are.

    A name given as True or False is a switch of the text, and set so.
    Several parameters updated side by side are each compared, and the answer is the worst of theirs.
    Raises UserError for a text that can't be read, or not be compared with the rule.
    """
    settings = {n: word == "True" for n, word in given.items() if word in ("True", "False")}
    given = {n: word for n, word in given.items() if n not in settings}
    drafts = read_drafts(text, file, name, settings)
    compared = [
        (draft, match_readings(_side_by_side(readings_of(draft, given), len(drafts)), rule, given)) for draft in drafts
    ]
    found = [(draft, match) for draft, match in compared if match is not None]
    if not found:
        kind = "an average" if rule.is_average else "an update of a parameter"
        raise UserError(f"no reading of the text is {kind}, as {rule.name} is", where=file, fix="check another rule")
    if len(found) > 1 and not all(match for _, match in found):
        found = mended_across(found, rule, given)
    return _together([_with_line(match, text) for _, match in found])


def _with_line(match: Match, text: str) -> Match:
    """A fault in how a state starts, with the line of the text that says so."""
    if match.fault is None or match.fault.lines or not match.fault.start:
        return match
    name, value = match.fault.start
    says = re.compile(rf"(?<![\w.]){re.escape(name)}(\s*:[^=,]*)?\s*(=|:=|<-|←)\s*{re.escape(value)}(?![\w.])")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if says.search(line)]
    return replace(match, fault=replace(match.fault, lines=tuple(lines[:1])))


def _side_by_side(readings: Iterable[Reading], count: int) -> Iterator[Reading]:
    """The readings; of several parameters, without what was put beside one and it does not need."""
    return (replace(r, rule=needed(r.rule)) if count > 1 else r for r in readings)


def _together(parts: Sequence[Match]) -> Match:
    """One answer for all parameters: it holds only where it holds for each of them."""
    if len(parts) == 1:
        return parts[0]
    worst = max(parts, key=lambda part: part.rank[0])
    if worst:
        return replace(worst, parts=tuple(parts))
    message = f"{worst.parameter}: {worst.verdict.message}"
    return replace(worst, verdict=replace(worst.verdict, message=message), parts=tuple(parts))


def identify_text(text: str, file: str, name: str | None) -> tuple[Match, ...]:
    """The library's rules nearest to the text: proved ones first, then conditional, then by the smallest repair."""
    drafts = read_drafts(text, file, name)
    readings = [list(_side_by_side(readings_of(draft, {}), len(drafts))) for draft in drafts]
    of_a_kind = [rule for rule in LIBRARY if readings[0] and rule.is_average is readings[0][0].rule.is_average]
    found = [_together(parts) for rule in of_a_kind if (parts := _all_proved(readings, rule))]
    near = _nearest(readings[0], [rule for rule in of_a_kind if rule not in {m.rule for m in found}])
    further = [_best_settled(likely, rule) for rule, likely in near]
    if not any([*found, *further]):
        further = [
            replace(m, fault=locate(likely, m.rule)) if rank < MENDED else m
            for rank, (m, (_, likely)) in enumerate(zip(further, near, strict=True))
        ]
    return tuple(sorted([*found, *further], key=_order))


def _all_proved(readings: Sequence[Sequence[Reading]], rule: Rule) -> list[Match]:
    """A proof for each of the parameters; none where one of them fails."""
    proofs = [proved_at_once(comparable(some, rule), rule, {}) for some in readings]
    return [] if None in proofs else [proof for proof in proofs if proof is not None]


def _nearest(readings: Sequence[Reading], rules: Sequence[Rule]) -> list[tuple[Rule, list[Hypothesis]]]:
    scored = []
    for order, rule in enumerate(rules):
        likely = hypotheses(comparable(readings, rule), rule, {})
        if likely:
            first = likely[0]
            same = align(first.text, rule, first.way)
            scored.append((-same.matched / max(1, len(same.same)), order, rule, likely))
    return [(rule, likely) for _, _, rule, likely in sorted(scored, key=lambda s: s[:2])[:NEAR]]


def _best_settled(likely: Sequence[Hypothesis], rule: Rule) -> Match:
    return min(settled(likely[:1], rule), key=lambda m: m.rank[0])


def _order(match: Match) -> tuple[int, float]:
    return match.rank[0] if match.fault is None or match.rank[0] < 2 else 2, match.fault.cost if match.fault else 99.0
