"""Texts against rules: is this code that rule, and which known rule is it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.library import LIBRARY
from derive.matching.across import Found, lines_of_proved, mended_across
from derive.matching.alignment import align
from derive.matching.correspondence import used
from derive.matching.faults import NAME, Hypothesis
from derive.matching.given import NOTHING, Given, read_given
from derive.matching.match import Match, comparable, hypotheses, match_readings, proved_at_once, settled
from derive.matching.readings import MADE, Reading, needed, readings_of
from derive.reading.drafts import Draft, read_drafts, refuse_hidden
from derive.rule import Rule

NEAR = 4  # rules that a text is compared with in earnest, where it is none of them at once
FAR = 99.0  # dearer than any repair
AS_LARGE = 2  # and these, whatever their names hold, which have as many states and hyperparameters
TOO_MANY = re.compile(r"line (\d+), `[^`]*`, is not")
SLIP = 20.0  # what costs less is a slip of the pen: no other rule need be looked at
MENDED = 2  # of these, rules to which a repair is looked for


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
    drafts = read_drafts(text, file, name, given.switches)
    match = _compared(drafts, rule, given, text)
    if match is None:
        for draft in drafts:
            refuse_hidden(draft, draft.states)
        kind = "an average" if rule.is_average else "an update of a parameter"
        raise UserError(f"no reading of the text is {kind}, as {rule.name} is", where=file, fix="check another rule")
    return match


def identify_text(
    text: str, file: str, name: str | None, enough: Callable[[], bool] = lambda: False
) -> tuple[Match, ...]:  # fmt: skip
    """The library's rules nearest to the text: proved ones first, then conditional, then by the smallest repair.

    Once `enough`, what has been found so far is the answer.
    """
    drafts = read_drafts(text, file, name)
    readings = [list(_side_by_side(draft, NOTHING, len(drafts))) for draft in drafts]
    of_a_kind = [rule for rule in LIBRARY if readings[0] and rule.is_average is readings[0][0].rule.is_average]
    found: list[Match] = []
    for rule in of_a_kind:
        parts = [] if enough() else _all_proved(readings, rule)
        found += [_together([_with_its_words(part, text) for part in parts])] if parts else []
    near = _nearest(readings[0], [rule for rule in of_a_kind if rule not in {m.rule for m in found}])
    further: list[Match] = []
    for rank, rule in enumerate(near):
        if enough() and (found or further):
            break
        mending = not found and rank < MENDED and not any(m or (m.fault and m.fault.cost < SLIP) for m in further)
        match = _compared(drafts, rule, NOTHING, text) if mending else _settled(readings, rule)
        further += [] if match is None else [_with_its_words(match, text)]
    return tuple(sorted([*found, *further], key=_order))


def _compared(drafts: Sequence[Draft], rule: Rule, given: Given, text: str) -> Match | None:
    """The answer for all parameters, with the lines to mend; None where none can be compared with the rule."""
    found = _each_with_its_own_gradient(drafts, rule, given)
    if not all(match for _, match in found):
        found = mended_across(found, rule, given)
    return (
        _together([_with_its_words(_with_line(match, text, draft), text) for draft, match in found]) if found else None
    )


def _each_with_its_own_gradient(drafts: Sequence[Draft], rule: Rule, given: Given) -> list[Found]:
    """The best reading of each parameter; the gradient of one that is proved is not that of another."""
    count = len(drafts)
    found: list[Found] = []
    for draft in drafts:
        match = match_readings(_side_by_side(draft, given, count), rule, given, None if count > 1 else frozenset())
        found += [] if match is None else [(draft, match)]
    if count == 1:
        return found
    taken, right = {match.roles.get("g") for _, match in found if match}, lines_of_proved(found)
    again: list[Found] = []
    for draft, match in found:
        some = (r for r in _side_by_side(draft, given, count) if r.roles.get("g") is None or r.roles["g"] not in taken)
        better = None if match else match_readings(some, rule, given, right)
        again.append((draft, match if better is None else better))
    return again


def _side_by_side(draft: Draft, given: Given, count: int) -> Iterator[Reading]:
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


def _with_its_words(match: Match, text: str) -> Match:
    """A fault in the text's own names and lines: without names that were made because a name was taken."""
    if match.fault is None:
        return match
    own = set(NAME.findall(text))
    lines = dict(enumerate((line.strip() for line in text.splitlines()), start=1))

    def plain(words: str) -> str:
        return NAME.sub(lambda found: found[0] if found[0] in own else _made_of(found[0], own), words)

    def written(found: re.Match[str]) -> str:
        line = lines.get(int(found[1]), "")
        return f"line {found[1]}, `{line}`, is not" if line and not {";", "`"} & {*line} else found[0]

    message = TOO_MANY.sub(written, plain(match.fault.message))
    return replace(match, fault=replace(match.fault, message=message, mended=tuple(map(plain, match.fault.mended))))


def _made_of(name: str, own: Collection[str]) -> str:
    plain = MADE.sub("", name)
    return plain if plain in own else name


def _together(parts: Sequence[Match]) -> Match:
    """One answer for all parameters: it holds only where it holds for each of them."""
    if len(parts) == 1:
        return parts[0]
    worst = max(parts, key=lambda part: (part.rank, part.as_they_stand is not None))
    if worst:
        return replace(worst, parts=tuple(parts))
    message = f"{worst.parameter}: {worst.verdict.message}"
    return replace(worst, verdict=replace(worst.verdict, message=message), parts=tuple(parts))


def _all_proved(readings: Sequence[Sequence[Reading]], rule: Rule) -> list[Match]:
    """A proof for each of the parameters; none where one of them fails."""
    proofs = [proved_at_once(comparable(some, rule), rule, NOTHING) for some in readings]
    return [] if None in proofs else [proof for proof in proofs if proof is not None]


def _nearest(readings: Sequence[Reading], rules: Sequence[Rule]) -> list[Rule]:
    """The rules most of whose names the text has under some name, and those that are as large as the text.

    The ones as large come first: a text with a slip in it has as many states and hyperparameters as what was meant.
    """
    scored = []
    for order, rule in enumerate(rules):
        likely = hypotheses(comparable(readings, rule), rule, NOTHING)
        if likely:
            same = align(likely[0].text, rule, likely[0].way)
            unlike = -same.matched / max(1, len(same.same))
            scored.append((unlike, order, _difference_of_size(likely[0], rule), rule))
    nearest = sorted(scored, key=lambda s: s[:2])[:NEAR]
    as_large = sorted(scored, key=lambda s: (s[2], *s[:2]))[:AS_LARGE]
    return [s[-1] for s in sorted({*nearest, *as_large}, key=lambda s: (s[2], *s[:2]))]


def _difference_of_size(likely: Hypothesis, rule: Rule) -> int:
    """In states and hyperparameters; those of the rule that are numbers of the text are no names there."""
    named = len(rule.hyperparameters) - len(likely.way.literals or {})
    return abs(len(likely.text.states) - len(rule.states)) + abs(len(used(likely.text)) - named)


def _settled(readings: Sequence[Sequence[Reading]], rule: Rule) -> Match | None:
    """What the prover says of the likeliest reading of each parameter, without a repair."""
    likely = [hypotheses(comparable(some, rule), rule, NOTHING)[:1] for some in readings]
    return _together([settled(some, rule, NOTHING)[0] for some in likely]) if all(likely) else None


def _order(match: Match) -> tuple[int, float]:
    """Proved; then under one condition; then by the smallest repair; then under several conditions; then the rest.

    Several conditions at once switch most of a rule off.
    """
    mending = match.fault.cost if match.fault else FAR
    if match.verdict.status == "conditional" and match.verdict.condition:
        held = min(text.count(" and ") for text in match.verdict.condition["any_of"] or [""])
        return (1, mending) if not held else (2, mending) if match.fault else (3, held)
    return (2, mending) if match.fault else (4 * match.rank, FAR)
