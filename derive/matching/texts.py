"""Texts against rules: is this code that rule? Each parameter that a text updates is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.library import LIBRARY
from derive.matching.given import Given, read_given, refuse_switches
from derive.matching.guessing.readings import NAME, Reading, as_written, needed, readings_of
from derive.matching.match import Match, comparable, match_readings, proved_at_once
from derive.matching.mending.across import Found, lines_of_proved, mended_across
from derive.reading.drafts import Draft, read_drafts, refuse_hidden
from derive.rule import Rule

TOO_MANY = re.compile(r"line (\d+), `[^`]*`, is not")


def check_text(
    text: str, file: str, name: str | None, rule: Rule, names: Mapping[str, str], *, strict: bool = False
) -> Match:
    """What the text is beside the rule; `names` are names of the text and the roles or hyperparameters they are.

    A name given as True or False is a switch of the text, and set so; one given as a number is that number.
    `strict` asks for the same rule with every hyperparameter standing for the one it is called like.
    Several parameters updated side by side are each compared, and the answer is the worst of theirs.
    Raises UserError for a text that can't be read, or not be compared with the rule.
    """
    given = read_given(names, [rule], strict=strict)
    refuse_switches(given, text, file)
    drafts = read_drafts(text, file, name, given.switches)
    match = compared(drafts, rule, given, text)
    if match is None:
        for draft in drafts:
            refuse_hidden(draft, draft.states)
        kind = "an average" if rule.is_average else "an update of a parameter"
        raise UserError(f"no reading of the text is {kind}, as {rule.name} is", where=file, fix="check another rule")
    return match if match or match.verdict.status == "unknown" else _with_known(match, drafts, rule, given)


def _with_known(match: Match, drafts: Sequence[Draft], rule: Rule, given: Given) -> Match:
    """The answer with the rule of the library that the text is, where it is another one, name for name."""
    readings = [list(side_by_side(draft, given, len(drafts))) for draft in drafts]
    others = (r for r in LIBRARY if r.name != rule.name and r.is_average is rule.is_average)
    known = next((other.name for other in others if all_proved(readings, other, given.strictly())), None)
    parts = tuple(part or replace(part, known=known) for part in match.parts)
    return replace(match, known=known, parts=parts)


def all_proved(readings: Sequence[Sequence[Reading]], rule: Rule, given: Given) -> list[Match]:
    """A proof for each of the parameters; none where one of them fails."""
    proofs = [proved_at_once(comparable(some, rule), rule, given) for some in readings]
    return [] if None in proofs else [proof for proof in proofs if proof is not None]


def compared(drafts: Sequence[Draft], rule: Rule, given: Given, text: str) -> Match | None:
    """The answer for all parameters, with the lines to mend; None where none can be compared with the rule."""
    found = _each_with_its_own_gradient(drafts, rule, given)
    if not all(match for _, match in found):
        found = mended_across(found, rule, given)
    return together([with_its_words(_with_line(match, text, draft), text) for draft, match in found]) if found else None


def _each_with_its_own_gradient(drafts: Sequence[Draft], rule: Rule, given: Given) -> list[Found]:
    """The best reading of each parameter; the gradient of one that is proved is not that of another."""
    count = len(drafts)
    found: list[Found] = []
    for draft in drafts:
        match = match_readings(side_by_side(draft, given, count), rule, given, None if count > 1 else frozenset())
        found += [] if match is None else [(draft, match)]
    if count == 1:
        return found
    taken, right = {match.roles.get("g") for _, match in found if match}, lines_of_proved(found)
    again: list[Found] = []
    for draft, match in found:
        some = (r for r in side_by_side(draft, given, count) if r.roles.get("g") is None or r.roles["g"] not in taken)
        better = None if match else match_readings(some, rule, given, right)
        again.append((draft, match if better is None else better))
    return again


def side_by_side(draft: Draft, given: Given, count: int) -> Iterator[Reading]:
    """The readings; of several parameters, without what was put beside one and it does not need."""
    return (replace(r, rule=needed(r.rule)) if count > 1 else r for r in readings_of(draft, given.roles))


def _with_line(match: Match, text: str, draft: Draft) -> Match:
    """A fault in how a state starts, or where the gradient is taken, with the line of the text that says so."""
    if match.fault is not None and match.fault.asked and not match.fault.lines and draft.questions:
        line = draft.questions[0].line
        return replace(match, fault=replace(match.fault, lines=(line,), message=f"line {line}: {match.fault.message}"))
    if match.fault is None or match.fault.lines or not match.fault.start:
        return match
    name, value = match.fault.start
    says = re.compile(rf"(?<![\w.]){re.escape(name)}(\s*:[^=,]*)?\s*(=|:=|<-|←)\s*{re.escape(value)}(?![\w.])")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if says.search(line)]
    return replace(match, fault=replace(match.fault, lines=tuple(lines[:1])))


def with_its_words(match: Match, text: str) -> Match:
    """A fault in the text's own names and lines: without names that were made because a name was taken."""
    if match.fault is None:
        return match
    own = set(NAME.findall(text))
    lines = dict(enumerate((line.strip() for line in text.splitlines()), start=1))

    def plain(words: str) -> str:
        return NAME.sub(lambda found: as_written(found[0], own), words)

    def written(found: re.Match[str]) -> str:
        line = lines.get(int(found[1]), "")
        return f"line {found[1]}, `{line}`, is not" if line and not {";", "`"} & {*line} else found[0]

    message = TOO_MANY.sub(written, plain(match.fault.message))
    return replace(match, fault=replace(match.fault, message=message, mended=tuple(map(plain, match.fault.mended))))


def together(parts: Sequence[Match]) -> Match:
    """One answer for all parameters: it holds only where it holds for each of them."""
    if len(parts) == 1:
        return parts[0]
    worst = max(parts, key=lambda part: (part.rank, part.as_they_stand is not None))
    if worst:
        return replace(worst, parts=tuple(parts))
    message = f"{worst.parameter}: {worst.verdict.message}"
    return replace(worst, verdict=replace(worst.verdict, message=message), parts=tuple(parts))
