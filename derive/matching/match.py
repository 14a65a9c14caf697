"""Is this text that rule? Every reading of the text is tried, the likeliest first, and the best verdict kept.

Names, runs in floating point and scores choose what is put to the prover and in which order; the
verdict is the prover's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from derive.expr import Number, Symbol, symbols, to_text
from derive.matching.given import Given
from derive.matching.guessing.alignment import align
from derive.matching.guessing.correspondence import Correspondence, guesses, used
from derive.matching.guessing.names import is_like_a_counter, is_like_a_gradient
from derive.matching.guessing.readings import Reading
from derive.matching.guessing.runs import TooLong
from derive.matching.guessing.trial import trial
from derive.matching.mending.dressing import called
from derive.matching.mending.faults import Fault, Hypothesis, locate
from derive.matching.settle import fitting, fitting_conditions, settle
from derive.matching.standing import SWAPPED, crossed, meanings
from derive.proving.verdict import Verdict
from derive.rendering.naming import PLAIN, Names
from derive.rule import WORDS, Rule

READINGS = 200  # of one text, looked at
PROOFS = 6  # guesses that fit a run, put to the prover
WAYS = 16  # for each of them
COMPARED = 16  # readings whose names are compared with the rule's
LIKELIEST = 8  # readings for which far-fetched correspondences are tried
RANKS = 4  # readings after so many are all as unlikely
LIKELY = 6  # readings in which a fault is looked for
_ORDER = {"proved": 0, "conditional": 1, "refuted": 2, "unknown": 3}


@dataclass(frozen=True)
class Match:
    """What a text is, beside one rule."""

    rule: Rule
    verdict: Verdict
    roles: Mapping[str, str] = field(default_factory=dict)  # "theta": "w"
    hyperparameters: Mapping[str, str] = field(default_factory=dict)  # the rule's: the text's name, or a number
    states: Mapping[str, str] = field(default_factory=dict)  # the rule's states that have a counterpart
    starts: tuple[str, ...] = ()  # what states start at, where the text does not show it
    taken: tuple[str, ...] = ()  # what else is taken for granted
    warnings: tuple[str, ...] = ()
    fault: Fault | None = None
    known: str | None = None  # another rule of the library that the text is, its names standing for their like
    parameter: str = "theta"  # the text's name for what is updated
    parts: tuple[Match, ...] = ()  # one for each of several parameters
    names: Names = PLAIN  # what the text calls the names of the verdict's first rule
    otherwise: Mapping[str, str] = field(default_factory=dict)  # the rule's: what they are, against what names say
    as_they_stand: Match | None = None  # then: what holds where each stands for its like, which is no proof

    def __bool__(self) -> bool:
        return self.verdict.status == "proved"

    def __str__(self) -> str:
        """What `derive check` prints, the lines of Python aside."""
        from derive.matching.wording import lines

        return "\n".join(line.text for line in lines(self, code=False))

    def __repr__(self) -> str:
        """One line, for lists and tracebacks."""
        said = self.names.message(self.verdict.message)
        return f"<{self.parameter} against {self.rule.name} {self.verdict.status}: {said}>"

    @property
    def assumed(self) -> tuple[str, ...]:
        """Everything that the text does not say."""
        return (*self.starts, *self.taken)

    @property
    def rank(self) -> tuple[int, int]:
        """The better, the lower: what is conditional, by how many conditions have to hold at once."""
        return _ORDER[self.verdict.status], conditions_at_once(self.verdict)


def conditions_at_once(verdict: Verdict) -> int:
    """How many conditions have to hold together where they are fewest; 0 without any."""
    if verdict.status != "conditional" or not verdict.condition:
        return 0
    together: list[str] = verdict.condition["any_of"] or [""]
    return 1 + min(text.count(" and ") for text in together)


def match_readings(
    readings: Iterable[Reading], rule: Rule, given: Given, right: frozenset[int] | None = frozenset()
) -> Match | None:
    """The best verdict over all readings of one text; None where no reading can be compared with the rule.

    Lines known to be `right` are not mended; where it is None no repair is looked for.
    """
    fit = comparable(readings, rule)
    if not fit:
        return None
    best = proved_at_once(fit, rule, given) or _best_unproved(fit, rule, given, right)
    if not best or not best.otherwise or given.strict:
        return best
    plain = match_readings(fit, rule, given.strictly(), right)
    return plain or replace(best, as_they_stand=plain)


def _best_unproved(fit: list[Reading], rule: Rule, given: Given, right: frozenset[int] | None) -> Match:
    """The best verdict where no reading is the rule at once, and the line to mend."""
    fit = plausible(fit)
    likely = hypotheses(fit, rule, given)
    best = _best(settled(likely, rule, given), rule)
    if best.verdict.status in ("refuted", "unknown") or conditions_at_once(best.verdict) > 1:
        best = _best([best, *under_conditions(fit, rule, given)], rule)
    if best or right is None:
        return best
    return _with_fault(best, [replace(h, settled=right) for h in likely], rule, given)


def plausible(readings: list[Reading]) -> list[Reading]:
    """The readings that a person would make, where there are any: what is called a gradient is it, and what counts
    the steps is the text's counter."""
    called = [r for r in readings if is_like_a_gradient(r.roles.get("g", "g"))] or readings
    if any(_counts_itself(r) for r in called):
        return [r for r in called if not _has_strange_counter(r)] or called
    return called


def _has_strange_counter(reading: Reading) -> bool:
    return "t" in reading.roles and not is_like_a_counter(reading.roles["t"])


def _counts_itself(reading: Reading) -> bool:
    """Whether the text has a counter of its own: a state that is incremented, or a name that is one."""
    if "t" in reading.rule.inputs:
        return not _has_strange_counter(reading)
    return any(a.value is Symbol(a.target) + 1 for a in reading.rule.body if a.target in reading.rule.state_names)


def _with_fault(best: Match, likely: Sequence[Hypothesis], rule: Rule, given: Given) -> Match:
    """The answer with the smallest repair, both under one correspondence."""
    if best.verdict.status == "conditional":
        likely = [h for h in likely if _is_of_one_mind(best, h)]
    fault = locate(likely, rule)
    h = None if fault is None else fault.hypothesis
    if h is None or _is_of_one_mind(best, h):
        return replace(best, fault=fault)
    [there] = settled([h], rule, given)
    return best if there else replace(there, fault=fault)


def _is_of_one_mind(match: Match, h: Hypothesis) -> bool:
    """Whether roles and hyperparameters are what the answer says they are."""
    if any(h.roles.get(word, name) != name for word, name in match.roles.items()):
        return False
    mine = {his: h.roles.get(n, n) for his, n in h.way.names.items() if n in h.text.hyperparameter_names}
    said = {his: n for his, n in match.hyperparameters.items() if his in mine and not n[0].isdigit()}
    there = {n: his for his, n in match.hyperparameters.items()}
    return all(n == mine[his] or n == f"1 - {mine[his]}" for his, n in said.items()) and all(
        there.get(n, his) == his for his, n in mine.items()
    )


def comparable(readings: Iterable[Reading], rule: Rule) -> list[Reading]:
    """The readings of the rule's kind, names without a meaning aside: an average is no update."""
    return [r for r in islice(readings, READINGS) if r.rule.is_average is rule.is_average and not _unbound(r.rule)]


def _unbound(rule: Rule) -> frozenset[str]:
    """Names that a reading leaves without a meaning."""
    roots = [*rule.step.values(), *(s.initial for s in rule.states), *([] if rule.query is None else [rule.query])]
    return symbols(*roots) - {*rule.inputs, "g", "theta", *rule.state_names, *rule.hyperparameter_names}


def _best(found: Sequence[Match], rule: Rule) -> Match:
    nothing = Match(rule, Verdict("unknown", message="no reading of the text fits the rule"))
    return min(found, key=lambda m: m.rank, default=nothing)


def proved_at_once(readings: Sequence[Reading], rule: Rule, given: Given) -> Match | None:
    """The first reading that agrees on a few runs and is proved."""
    tried = 0
    for rank, reading in enumerate(readings):
        for started in _with_starts(reading, rule):
            named = given.pinned(started.rule, rule)
            for way in fitting(started.rule, trial(started.rule, rule), named, far_fetched=rank < LIKELIEST):
                if given.strict and way.reflected:
                    continue
                tried += 1
                if tried > PROOFS:
                    return None
                verdict = settle(started.rule, rule, way, conditions=False)
                if verdict:
                    return _match(started, rule, way, verdict)
    return None


def under_conditions(readings: Sequence[Reading], rule: Rule, given: Given) -> Iterator[Match]:
    """What holds where hyperparameters that only one side has are switched off."""
    for reading in readings[:12]:
        tried = trial(reading.rule, rule)
        for way in fitting_conditions(reading.rule, tried, given.pinned(reading.rule, rule))[:2]:
            verdict = settle(reading.rule, rule, way, conditions=False)
            if verdict.status == "conditional":
                yield _match(reading, rule, way, verdict)
                return


def hypotheses(readings: Sequence[Reading], rule: Rule, given: Given) -> list[Hypothesis]:
    """The readings most like the rule, where none is it: most names that hold what the rule's hold, likeliest names."""
    scored = []
    for rank, reading in enumerate(readings[:COMPARED]):
        tried = trial(reading.rule, rule)
        strange = _has_strange_counter(reading)
        for order, way in enumerate(islice(guesses(reading.rule, rule, given.pinned(reading.rule, rule)), WAYS)):
            if tried.is_inert(way) or _is_contrary(way, reading.rule, given):
                continue
            try:
                matched = align(reading.rule, rule, way).matched
            except TooLong:
                continue
            unlikely = min(rank, RANKS) + 4 * sum(rule.defaults.get(h) != v for h, v in (way.literals or {}).items())
            score = 3 * (len(way.extra or {}) + strange) + unlikely / 2 - matched
            h = Hypothesis(reading.rule, reading.roles, way, unlikely,
                           open_starts=reading.open_starts, assumed=reading.assumed)  # fmt: skip
            scored.append((score, rank + order, rank, order, h))
    return [each[-1] for each in sorted(scored, key=lambda s: s[:4])[:LIKELY]]


def _is_contrary(way: Correspondence, text: Rule, given: Given) -> bool:
    """Whether a hyperparameter is another name of the text than the one that is called as it is."""
    if given.roles:
        return False
    own = set(text.hyperparameter_names)
    return any(his in own and way.names[his] in own and way.names[his] != his for his in way.names)


def settled(likely: Sequence[Hypothesis], rule: Rule, given: Given) -> list[Match]:
    """The prover's word on the likeliest readings: it looks for maps of its own, conditions, counterexamples."""
    found: list[Match] = []
    for h in likely[:2]:
        whole = replace(h.way, extra={})
        pinned = whole.names if given.strict else given.pinned(h.text, rule)
        verdict = settle(h.text, rule, whole, pinned=pinned)
        found.append(_match(Reading(h.text, h.roles, h.open_starts, h.assumed), rule, whole, verdict))
        if verdict.status != "unknown":
            break
    return found


def _with_starts(reading: Reading, rule: Rule) -> Iterator[Reading]:
    """The reading as it is, and with states whose start is not shown at what the rule's states start at."""
    yield reading
    starts = dict.fromkeys(s.initial for s in rule.states)
    for start in starts:
        if reading.open_starts and start is not Number(0) and isinstance(start, Number):
            states = tuple(
                replace(s, initial=start) if s.name in reading.open_starts else s for s in reading.rule.states
            )
            yield replace(reading, rule=replace(reading.rule, states=states))


def _match(reading: Reading, rule: Rule, way: Correspondence, verdict: Verdict) -> Match:
    """The verdict with what it rests on, in the text's names."""
    shown, states = reading.shown, align(reading.rule, rule, way).states
    there = {h: n for h, n in way.names.items() if n in used(reading.rule)}
    his = {h: f"the rule's {h}" for h in rule.hyperparameter_names if h not in there}
    names = Names({**called(reading.rule, rule, way, states, shown), **his}, "the rule's ")
    there = {h: n for h, n in way.names.items() if n in reading.rule.hyperparameter_names}
    plain = {h: f"1 - {shown(n)}" if h in way.reflected else shown(n) for h, n in there.items()}
    numbers = {h: to_text(Number(v)) for h, v in way.bound.items()}
    meant = {h: names.formula(value) for h, value in meanings(verdict, rule).items()}
    starts = {s.name: to_text(s.initial) for s in reading.rule.states if s.name in reading.open_starts}
    against_names = crossed(reading.rule, rule, way)
    if against_names and verdict.status == "proved":
        verdict = replace(verdict, relation="hyperparameter_map")
    plain = {h: n for h in rule.hyperparameter_names if (n := {**plain, **numbers}.get(h))}
    return Match(
        rule,
        verdict,
        roles={word: name for word, name in reading.roles.items() if word in WORDS},
        hyperparameters=plain,
        states={his: shown(mine) for his, mine in states.items()},
        starts=tuple(f"{shown(n)} = {shown(start)}" for n, start in starts.items()),
        taken=tuple(reading.assumed),
        warnings=(*(w for w in verdict.warnings if not SWAPPED.fullmatch(w)), *_warnings(reading, rule, way)),
        parameter=shown("x" if rule.is_average else "theta"),
        names=names,
        otherwise={**{h: n for h, n in plain.items() if h in against_names}, **meant},
    )


def _warnings(reading: Reading, rule: Rule, way: Correspondence) -> Iterator[str]:
    shown, defaults = reading.shown, reading.rule.defaults
    for his, mine in way.names.items():
        default = defaults.get(mine)
        if default is not None and his in way.reflected:
            default = 1 - default
        if default is not None and his in rule.defaults and default != rule.defaults[his]:
            yield (f"the default of {shown(mine)} makes {his} {to_text(Number(default))}; "
                   f"in {rule.name} it is {to_text(Number(rule.defaults[his]))}")  # fmt: skip
    read = symbols(*(a.value for a in reading.rule.body), *(s.initial for s in reading.rule.states),
                   *([] if reading.rule.query is None else [reading.rule.query]))  # fmt: skip
    for name in reading.rule.hyperparameter_names:
        if name not in read:
            yield f"{shown(name)} is never used"
