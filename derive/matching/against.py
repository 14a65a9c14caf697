"""What a text is compared with: a rule, or other code that is read in the same way as the text, roles found by trying.

Nothing is inferred from names here either: hyperparameters of such code may be any real numbers, and
its answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from derive.errors import UserError
from derive.matching.guessing.readings import Reading, readings_of
from derive.matching.match import Match, plausible
from derive.matching.target import Target, read_target
from derive.matching.texts import check_text
from derive.reading.drafts import read_drafts
from derive.rule import REAL, Rule

TRIED = 6  # readings of the other code


@dataclass(frozen=True)
class Other:
    """One rule to compare with; `taken` says how it was read, where it is code of somebody's."""

    rule: Rule
    taken: tuple[str, ...] = ()


def others(against: str) -> tuple[Other, ...]:
    """The rules that may be meant, the likeliest first. Raises UserError where there is none."""
    from derive.library.lookup import find_rule

    try:
        return (Other(find_rule(against)),)
    except UserError as no_rule:
        if not Path(against.rpartition("::")[0] or against).is_file():
            raise
        try:
            return _readings(read_target(against))
        except UserError:
            raise no_rule from None


def _readings(target: Target) -> tuple[Other, ...]:
    drafts = read_drafts(target.text, target.file, target.name)
    if len(drafts) > 1:
        raise UserError("updates several parameters", where=target.file, fix="give code that updates one")
    return tuple(_other(reading) for reading in islice(plausible(list(readings_of(drafts[0], {}))), TRIED))


def _other(reading: Reading) -> Other:
    rule = reading.rule
    words = ", ".join(
        f"{word} = {reading.shown(word)}" for word in ("theta", "g", "x", "output") if word in reading.roles
    )
    undeclared = [h for h in rule.hyperparameters if h.domain == REAL]
    said = [f"in {rule.name} {words}", *reading.assumed, *(f"{reading.shown(n)} = 0" for n in reading.open_starts)]
    if undeclared:
        said.append(f"{', '.join(reading.shown(h.name) for h in undeclared)} of {rule.name} may be any real numbers")
    return Other(rule, tuple(said))


def check_against(target: Target, rules: tuple[Other, ...], names: Mapping[str, str], *, strict: bool = False) -> Match:
    """The best answer over the readings of what a text is compared with; the first one where none is better."""
    found: list[Match] = []
    for other in rules:
        match = check_text(target.text, target.file, target.name, other.rule, names, strict=strict)
        found.append(replace(match, taken=(*match.taken, *other.taken)))
        if match:
            break
    return min(found, key=lambda match: match.rank)
