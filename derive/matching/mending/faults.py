"""Which line carries the fault: the smallest repair after which the text is proved to be the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from derive.expr import Apply, Number, Symbol, nodes, substitute, to_text
from derive.matching.guessing.alignment import Alignment, align
from derive.matching.guessing.correspondence import Correspondence, used
from derive.matching.guessing.readings import NAME, needed
from derive.matching.guessing.runs import Runs, TooLong
from derive.matching.guessing.trial import trial
from derive.matching.mending.repairs import Repair, is_given, repairs
from derive.matching.settle import settle
from derive.rule import Rule
from derive.transforms import bind

PROOFS = 12  # repairs that look right on a run, and are put to the prover
TWO_SLIPS = 24  # what two repairs cost at least, about
BEAM = 5  # first repairs from which a second one is looked for


@dataclass(frozen=True)
class Hypothesis:
    """A reading of a text, and which of its names are the rule's hyperparameters."""

    text: Rule
    roles: Mapping[str, str]
    way: Correspondence
    unlikely: float = 0.0  # what it adds to the cost of a repair
    beside: bool = False  # statements of other parameters stand in it too
    settled: frozenset[int] = frozenset()  # lines that are right: those of parameters that are proved
    open_starts: tuple[str, ...] = ()  # states whose start the text does not show
    assumed: tuple[str, ...] = ()  # what else it leaves open


@dataclass(frozen=True)
class Fault:
    """The lines that carry it, what they read and what the rule has there; the body once they are mended.

    `cost` puts repairs in order: the smaller the slip, the smaller. `start` is a state that starts
    at the wrong value, and that value, as the text has them.
    """

    lines: tuple[int, ...]
    message: str
    mended: tuple[str, ...]
    cost: float
    start: tuple[str, str] | None = None
    asked: bool = False  # the slip is where the gradient is taken
    hypothesis: Hypothesis | None = field(default=None, compare=False, repr=False)  # under which it is the rule

    @property
    def names(self) -> frozenset[str]:
        """The text's names in the mended body."""
        return frozenset(name for line in self.mended for name in NAME.findall(line))


@dataclass(frozen=True)
class _Mended:
    hypothesis: Hypothesis
    steps: tuple[Repair, ...]
    cost: float

    @property
    def rule(self) -> Rule:
        rule = self.steps[-1].rule
        return needed(rule) if self.hypothesis.beside else rule


def locate(hypotheses: Sequence[Hypothesis], rule: Rule) -> Fault | None:
    """The smallest repair of any of the readings that makes it the rule, proved so; None where none was found.

    Two small slips in two lines are likelier than one line that is altogether another.
    """
    likeliest, others = hypotheses[:2], hypotheses[2:]
    found = _proved([m for h in likeliest for m in _right(h, rule)], rule)
    if found is None or found.cost > TWO_SLIPS:
        two = [m for h in likeliest for start in _nearer(h, rule)[:BEAM] for m in _seconds(start, rule)]
        found = min(filter(None, (found, _proved(two, rule))), key=lambda fault: fault.cost, default=None)
    return found or _proved([m for h in others for m in _right(h, rule)], rule)


def _proved(candidates: Sequence[_Mended], rule: Rule) -> Fault | None:
    # Sorting keeps the order of equals: likelier readings come first.
    for mended in sorted(candidates, key=lambda m: m.cost)[:PROOFS]:
        way = replace(mended.hypothesis.way, extra={})
        if settle(mended.rule, rule, way, conditions=False).status == "proved":
            return _described(mended)
    return None


def _right(h: Hypothesis, rule: Rule) -> list[_Mended]:
    """The repairs after which the runs agree."""
    tried = trial(h.text, rule)
    return [
        m
        for m in _mended(h, (), h.text, rule, align(h.text, rule, h.way))
        if tried.agrees(Runs(m.steps[-1].rule), h.way) and not _idles(m)
    ]


def _idles(mended: _Mended) -> bool:
    """Whether a hyperparameter has no effect any more that is not in what the text should not read: no slip does so."""
    if mended.hypothesis.beside:  # what other parameters read is of no account
        return False
    text = mended.hypothesis.text
    taken = {n for s in mended.steps for n in NAME.findall(s.reads if isinstance(s.reads, str) else to_text(s.reads))}
    return not set(used(text)) - taken <= set(used(mended.rule))


def _nearer(h: Hypothesis, rule: Rule) -> list[_Mended]:
    """The repairs after which more of the names hold what they should: the best of each line, the best first."""
    before = align(h.text, rule, h.way)
    gains = [
        (_matched(m.steps[-1].rule, rule, h.way) - before.matched, m) for m in _mended(h, (), h.text, rule, before)
    ]
    lines: dict[tuple[int, str], _Mended] = {}
    for _, mended in sorted((g for g in gains if g[0] > 0), key=lambda g: (-g[0], g[1].cost)):
        lines.setdefault((mended.steps[0].line, mended.steps[0].kind), mended)
    return list(lines.values())


def _seconds(start: _Mended, rule: Rule) -> Iterator[_Mended]:
    """A second repair, in another line, after which the runs agree."""
    h = start.hypothesis
    tried = trial(h.text, rule)
    again = _mended(h, start.steps, start.steps[-1].rule, rule, align(start.rule, rule, h.way))
    return (
        m
        for m in again
        if m.steps[-1].line != start.steps[0].line and tried.agrees(Runs(m.steps[-1].rule), h.way) and not _idles(m)
    )


def _mended(h: Hypothesis, earlier: tuple[Repair, ...], text: Rule, rule: Rule, before: Alignment) -> Iterator[_Mended]:
    """Each repair of a text. One in a line whose value is right already is a little less likely, and so is one
    that takes away what the rule has too."""
    accounted = {mine for found in before.same.values() for mine in found}
    right = {a.line for a in text.body if a.target in accounted}
    known = {**{n: Symbol(m[0]) for n, m in before.same.items() if m}, **{n: Symbol(m) for n, m in h.way.names.items()}}
    his = {n for n in nodes(substitute([a.value for a in rule.body], known)) if isinstance(n, Apply)}
    numbered = bind(rule, {name: Number(value) for name, value in h.way.bound.items()})
    for repair in repairs(text, numbered, before.same, h.way.names):
        if repair.line in h.settled:
            continue
        extra = 0.5 * (repair.line in right) + 0.75 * (repair.kind == "reads" and repair.reads in his)
        yield _Mended(h, (*earlier, repair), sum(r.cost for r in (*earlier, repair)) + extra + h.unlikely)


def _matched(text: Rule, rule: Rule, way: Correspondence) -> int:
    try:
        return align(text, rule, way).matched
    except TooLong:
        return 0


# In words


def _described(mended: _Mended) -> Fault:
    roles = mended.hypothesis.roles
    given = {a.target: roles.get(str(a.value), str(a.value)) for a in mended.rule.body if is_given(a)}
    names = {word: name for word, name in {**roles, **given}.items() if word != name}
    said = "; ".join(_sentence(step, names, mended.hypothesis.text) for step in mended.steps)
    lines = tuple(dict.fromkeys(step.line for step in mended.steps if step.line))
    starts = [str(step.reads).split(" = ") for step in mended.steps if step.kind == "starts"]
    start = (names.get(starts[0][0], starts[0][0]), starts[0][1]) if starts else None
    return Fault(
        lines,
        said,
        tuple(_in_text(str(a), names) for a in mended.rule.body if not is_given(a)),
        mended.cost,
        start,
        any(step.kind == "asked" for step in mended.steps),
        mended.hypothesis,
    )


def _sentence(step: Repair, names: Mapping[str, str], text: Rule) -> str:
    reads, has = (_in_text(part if isinstance(part, str) else to_text(part), names) for part in (step.reads, step.has))
    if step.kind == "reads" and reads == has:  # two values that the text keeps under one name
        left = [a.line for a in text.body if a.target == str(step.reads) and a.line < step.line]
        here = f"as line {left[-1]} left it" if left else "as it was before the step"
        return f"line {step.line} reads `{reads}` {here} where the rule has it {_other_place(step, text, left)}"
    sentences = {
        "reads": f"line {step.line} reads `{reads}` where the rule has `{has}`",
        "exchanged": f"`{reads}` and `{has}` stand for one another",
        "moved": f"line {step.line}, `{reads}`, belongs {has}",
        "removed": f"line {step.line}, `{reads}`, is not in the rule",
        "kept apart": f"line {step.line}, `{reads}`, stores into `{has}` what the rule keeps apart from it",
        "starts": f"at the start `{reads}` where the rule has `{has}`",
        "counts": f"the steps are counted from {reads} where the rule counts from {has}",
        "asked": f"the gradient is taken at `{reads}` where the rule takes it at `{has}`",
        "missing": f"after line {step.line} the rule has `{has}`, which is missing",
    }
    return sentences[step.kind]


def _other_place(step: Repair, text: Rule, left: Sequence[int]) -> str:
    made = [a.line for a in text.body if a.target == str(step.has) and a.line < step.line]
    return f"as line {made[-1]} made it" if made and made != left else "as it was before the step"


def _in_text(words: str, names: Mapping[str, str]) -> str:
    return NAME.sub(lambda found: names.get(found.group(), found.group()), words)
