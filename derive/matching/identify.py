"""Which known rule is this text? Every rule of the library is tried, and the ones nearest to it more than the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from derive.library import LIBRARY
from derive.matching.given import Given, read_given, refuse_switches
from derive.matching.guessing.alignment import align
from derive.matching.guessing.correspondence import used
from derive.matching.guessing.readings import Reading
from derive.matching.match import Match, comparable, hypotheses, match_readings, under_conditions
from derive.matching.mending.faults import Hypothesis
from derive.matching.texts import all_proved, compared, side_by_side, together, with_its_words
from derive.proving.verdict import Verdict
from derive.reading.drafts import read_drafts
from derive.rule import Rule

NEAR = 4  # rules that a text is compared with in earnest, where it is none of them at once
AS_LARGE = 2  # and these, whatever their names hold, which have as many states and hyperparameters
SLIP = 20.0  # what costs less is a slip of the pen: no other rule need be looked at
MENDED = 2  # of these, rules to which a repair is looked for
FAR = 99.0  # dearer than any repair
ONE_CONDITION = (1, 1)  # conditional, and no two things have to hold at once
LATER = Verdict("unknown", message="the time was over before it was looked at")


def identify_text(text: str, file: str, name: str | None, names: Mapping[str, str] | None = None) -> tuple[Match, ...]:
    """The library's rules nearest to the text: proved ones first, then conditional ones, then by the smallest repair.

    `names` are names of the text and what they are, as for `check_text`.
    """
    return in_order(identified(text, file, name, names or {}))


def in_order(found: Iterable[Match]) -> tuple[Match, ...]:
    """The last answer for each rule, the best first."""
    return tuple(sorted({match.rule.name: match for match in found}.values(), key=order))


def identified(
    text: str, file: str, name: str | None, names: Mapping[str, str], enough: Callable[[], bool] = lambda: False
) -> Iterator[Match]:
    """The answers as they are found; a later one for the same rule takes the place of an earlier one.

    Once `enough`, no other rule is looked at.
    """
    given = read_given(names, LIBRARY)
    refuse_switches(given, text, file)
    drafts = read_drafts(text, file, name, given.switches)
    readings = [list(side_by_side(draft, given, len(drafts))) for draft in drafts]
    of_a_kind = [rule for rule in LIBRARY if readings[0] and rule.is_average is readings[0][0].rule.is_average]
    proved: list[Match] = []
    for rule in of_a_kind:
        parts = [] if enough() else all_proved(readings, rule, given)
        if parts:
            proved.append(together(parts))
            yield proved[-1]
    left = [rule for rule in of_a_kind if rule not in {match.rule for match in proved}]
    near = _nearest(readings[0], left, given)
    yield from (Match(rule, LATER) for rule in near)
    slip = False
    for rank, rule in enumerate(near):
        if enough():
            return
        mending = not proved and rank < MENDED and not slip
        match = compared(drafts, rule, given, text) if mending else _unmended(readings, rule, given)
        if match is not None:
            slip = slip or bool(match or (match.fault and match.fault.cost < SLIP))
            yield with_its_words(match, text)
    for rule in left:
        if rule not in near and not slip and not enough():
            yield from _where_little_is_held(readings, rule, given)


def _where_little_is_held(readings: Sequence[Sequence[Reading]], rule: Rule, given: Given) -> Iterator[Match]:
    """The rule, where it is the text's under a single condition."""
    found = [next(under_conditions(comparable(some, rule), rule, given), None) for some in readings]
    parts = [match for match in found if match is not None and match.rank <= ONE_CONDITION]
    if len(parts) == len(found):
        yield together(parts)


def _nearest(readings: Sequence[Reading], rules: Sequence[Rule], given: Given) -> list[Rule]:
    """The rules most of whose names the text has under some name, and those that are as large as the text.

    The ones as large come first: a text with a slip in it has as many states and hyperparameters as what was meant.
    """
    scored = []
    for order, rule in enumerate(rules):
        likely = hypotheses(comparable(readings, rule), rule, given)
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


def _unmended(readings: Sequence[Sequence[Reading]], rule: Rule, given: Given) -> Match | None:
    """What the prover says of each parameter, without a repair."""
    found = [match_readings(some, rule, given, None) for some in readings]
    parts = [match for match in found if match is not None]
    return together(parts) if len(parts) == len(found) else None


def order(match: Match) -> tuple[tuple[int, int], bool, float]:
    """Proved, name for name first; then under the fewest conditions at once; then by the smallest repair."""
    return match.rank, bool(match.otherwise), match.fault.cost if match.fault else FAR
