"""Small repairs of a body: every way in which one line may have slipped, the smallest first.

A line may read one thing for another, stand in the wrong place, be too many or be missing; it may
store into a name that others still need; and the steps may be counted from another number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, islice, permutations

from derive.expr import Apply, Expr, Number, Symbol, apply, nodes, substitute, symbols, to_text
from derive.matching.mending.edits import Scope, edits
from derive.reading.step.statements import fresh
from derive.rule import Assignment, Rule, State

EXCHANGED = 13
SWAPPED, REMOVED, KEPT_APART, OTHER_TARGET, STARTED, SHIFTED, RULES_LINE, INSERTED = 16, 17, 18, 12, 14, 15, 20, 21
ASKED, ASKED_ELSEWHERE = 12, 19  # at a point the text names, and at the parameter
PAIRINGS = 6  # of states that do not hold the same
WRITTEN_OUT = 6  # more for each further line of the rule that the repair has to contain


@dataclass(frozen=True)
class Repair:
    """A text's rule with one slip mended: where it was, what it reads and what it should read."""

    rule: Rule
    line: int
    kind: str  # "reads", "exchanged", "moved", "removed", "kept apart", "starts", "counts", "asked", "missing"
    reads: Expr | str
    has: Expr | str
    cost: int


def repairs(text: Rule, rule: Rule, same: Mapping[str, tuple[str, ...]], names: Mapping[str, str]) -> Iterator[Repair]:
    """Every rule one repair away from the text's. `same` says which names of the text hold what the rule's hold,
    `names` which name of the text is which hyperparameter."""
    yield from _edited(text, rule, names)
    yield from _exchanged(text)
    yield from _other_targets(text)
    yield from _rearranged(text)
    yield from _kept_apart(text)
    yield from _started(text, rule)
    yield from _shifted(text)
    yield from _asked(text, rule)
    yield from _from_rule(text, rule, same, names)


def _numbers(text: Rule, rule: Rule) -> list[Number]:
    roots = [a.value for a in (*text.body, *rule.body)]
    return sorted({n for n in nodes(roots) if isinstance(n, Number)} | {Number(v) for v in (0, 1, 2)},
                  key=lambda n: (n.value.denominator, n.value))  # fmt: skip


def _inputs(text: Rule) -> list[str]:
    return list(dict.fromkeys([*text.inputs, "g", *text.state_names, *text.hyperparameter_names]))


def _factors(text: Rule, rule: Rule, names: Mapping[str, str]) -> list[Expr]:
    """What corrects something in either: made of hyperparameters and the counter alone, and its root."""
    own = {*text.hyperparameter_names, "t"}
    his = substitute([a.value for a in rule.body], {n: Symbol(m) for n, m in names.items()})
    found = {n: None for n in nodes([*his, *(a.value for a in text.body)])
             if isinstance(n, Apply) and n.op == "sub" and "t" in symbols(n) <= own}  # fmt: skip
    return [e for n in found for e in (n, apply("sqrt", n))]


def _edited(text: Rule, rule: Rule, hyperparameters: Mapping[str, str]) -> Iterator[Repair]:
    """One part of one formula."""
    known = list(dict.fromkeys([*_inputs(text), *hyperparameters.values()]))
    numbers, factors = _numbers(text, rule), _factors(text, rule, hyperparameters)
    if "t" in rule.inputs and "t" not in known:
        known.append("t")
    constants = frozenset({*text.hyperparameter_names, *hyperparameters.values()})
    for index, a in enumerate(text.body):
        for edit in () if is_given(a) else edits(a.value, Scope(known, numbers, factors, constants)):
            if is_mostly_other(a.value, edit.value):
                continue
            changed = _put(text, index, replace(a, value=edit.value))
            yield Repair(changed, a.line, "reads", edit.reads, edit.has, edit.cost)
        if a.target not in known:
            known.append(a.target)


def _put(text: Rule, index: int, *lines: Assignment, drop: int = 1) -> Rule:
    return _with(text, (*text.body[:index], *lines, *text.body[index + drop :]))


def _with(text: Rule, body: tuple[Assignment, ...]) -> Rule:
    counted = "t" not in text.inputs and any(_counts(a.value) for a in body)
    return replace(text, body=body, inputs=(*text.inputs, "t") if counted else text.inputs)


@lru_cache(maxsize=4096)
def _counts(value: Expr) -> bool:
    return "t" in symbols(value)


def _exchanged(text: Rule) -> Iterator[Repair]:
    """Two names stand for one another: in one line, or two hyperparameters in all of them."""
    for index, a in enumerate(text.body):
        for one, other in combinations(sorted(symbols(a.value)), 2):
            [value] = substitute([a.value], {one: Symbol(other), other: Symbol(one)})
            if value is not a.value:
                reads, has = smallest_difference(a.value, value)
                yield Repair(_put(text, index, replace(a, value=value)), a.line, "reads", reads, has, EXCHANGED)
    for one, other in combinations(sorted(text.hyperparameter_names), 2):
        names: dict[str, Expr] = {one: Symbol(other), other: Symbol(one)}
        values = substitute([a.value for a in text.body], names)
        body = tuple(replace(a, value=value) for a, value in zip(text.body, values, strict=True))
        query = None if text.query is None else substitute([text.query], names)[0]
        yield Repair(replace(text, body=body, query=query), 0, "exchanged", one, other, EXCHANGED)


def _other_targets(text: Rule) -> Iterator[Repair]:
    """The value belongs into another of the text's names."""
    names = dict.fromkeys([*text.state_names, *(a.target for a in text.body)])
    for index, a in enumerate(text.body):
        for other in names:
            if other != a.target and not _is_last_store(text, index) and not is_given(a):
                changed = _put(text, index, replace(a, target=other))
                if not _is_read(changed, index):
                    continue  # a line that no longer does anything is no repair of it
                yield Repair(changed, a.line, "reads", f"{a.target} = ...", f"{other} = ...", OTHER_TARGET)


def _is_read(text: Rule, index: int) -> bool:
    """Whether what a line stores is read before something else is stored there."""
    target = text.body[index].target
    for later in text.body[index + 1 :]:
        if target in symbols(later.value):
            return True
        if later.target == target:
            return False
    return target in (*text.outputs, *text.state_names)


def _rearranged(text: Rule) -> Iterator[Repair]:
    body = text.body
    for i, a in enumerate(body):
        if is_given(a):
            continue
        if not _is_last_store(text, i):
            yield Repair(_put(text, i), a.line, "removed", str(a), "", REMOVED)
        for j in range(len(body)):
            if j not in (i, i + 1):
                rest = [*body[:i], *body[i + 1 :]]
                at = j if j < i else j - 1
                moved = (*rest[:at], a, *rest[at:])
                there = body[j].line if j < len(body) else body[-1].line + 1
                yield Repair(_with(text, moved), a.line, "moved", str(a), _place(body, j, there), SWAPPED + abs(i - j))


def is_given(a: Assignment) -> bool:
    """Whether a line only gives another name to what the step is given: the reader's, not the text's."""
    return a.value in (Symbol("g"), Symbol("x"))


def _is_last_store(text: Rule, index: int) -> bool:
    """Whether the line is all that stores an output."""
    target = text.body[index].target
    return target in text.outputs and sum(a.target == target for a in text.body) == 1


def _place(body: Sequence[Assignment], index: int, line: int) -> str:
    return f"before line {line}" if index < len(body) else f"after line {body[-1].line}"


def _kept_apart(text: Rule) -> Iterator[Repair]:
    """What a line stores goes into a name of its own: the old value outlasts the step."""
    taken = {*_inputs(text), *(a.target for a in text.body)}
    for index, a in enumerate(text.body):
        if a.target in text.state_names and a.target in symbols(a.value):
            new = fresh(f"{a.target}_hat", taken)
            later = [_renamed(b, a.target, new) for b in text.body[index + 1 :]]
            changed = (*text.body[:index], replace(a, target=new), *later)
            yield Repair(_with(text, changed), a.line, "kept apart", str(a), a.target, KEPT_APART)


def _renamed(a: Assignment, old: str, new: str) -> Assignment:
    [value] = substitute([a.value], {old: Symbol(new)})
    return replace(a, value=value)


def _started(text: Rule, rule: Rule) -> Iterator[Repair]:
    """A state starts elsewhere."""
    values: dict[Expr, None] = dict.fromkeys([Number(0), Number(1), *(s.initial for s in rule.states
                                                                      if isinstance(s.initial, Number))])  # fmt: skip
    if not text.is_average:
        values[Symbol("theta")] = None
    for index, state in enumerate(text.states):
        for value in values:
            if value is not state.initial:
                states = (*text.states[:index], State(state.name, value), *text.states[index + 1 :])
                yield Repair(replace(text, states=states), 0, "starts", f"{state.name} = {to_text(state.initial)}",
                             f"{state.name} = {to_text(value)}", STARTED)  # fmt: skip


def _shifted(text: Rule) -> Iterator[Repair]:
    """The steps are counted from another number."""
    t = Symbol("t")
    uses = [a.line for a in text.body if "t" in symbols(a.value)]
    for by in (1, -1) if uses else ():
        body = [replace(a, value=substitute([a.value], {"t": t + by})[0]) for a in text.body]
        starts = _first_count(text)
        yield Repair(_with(text, tuple(body)), uses[0], "counts", str(starts), str(starts + by), SHIFTED)


def _asked(text: Rule, rule: Rule) -> Iterator[Repair]:
    """The gradient is taken at another point."""
    if text.is_average or (text.query is None and rule.query is None):
        return
    here = Symbol("theta") if text.query is None else text.query
    constants = frozenset(text.hyperparameter_names)
    names = ["theta", *text.state_names, *text.hyperparameter_names]
    points = [e.value for e in edits(here, Scope(names, [], [], constants))]
    steps = [Symbol(h) * Symbol(s) for h in text.hyperparameter_names for s in text.state_names]
    points += [p for step in steps if text.query is None for p in (here + step, here - step)]
    for point in dict.fromkeys(points):
        query = None if point is Symbol("theta") else point
        cost = ASKED_ELSEWHERE if text.query is None else ASKED
        yield Repair(replace(text, query=query), 0, "asked", here, point, cost)


def _first_count(text: Rule) -> int:
    """What the text's counter is at the first step: t - 1 stands where it counts from 0."""
    t = Symbol("t")
    below, above = apply("sub", t, 1), apply("add", t, 1)
    found = set(nodes([a.value for a in text.body]))
    return 0 if below in found else 2 if above in found else 1


def _from_rule(
    text: Rule, rule: Rule, same: Mapping[str, tuple[str, ...]], names: Mapping[str, str]
) -> Iterator[Repair]:
    """The rule's own line, in the text's names: in place of one, or where it is missing."""
    written = {a.target for a in text.body}
    for paired in _paired_states(text, rule, same):
        for k, his in enumerate(rule.body):
            for target in _targets(his.target, paired, written):
                value, written_out = _in_text(rule.body[:k], his, target, paired, names)
                if value is not None:
                    kept = _keeping(text, target, rule.states, his.target)
                    yield from _placed(kept, Assignment(target, value), WRITTEN_OUT * written_out)


def _keeping(text: Rule, target: str, states: Sequence[State], name: str) -> Rule:
    """The text with a name kept from step to step that is a state of the rule: `s = g**2` for `s = s + g**2`."""
    started = [State(target, s.initial) for s in states if s.name == name]
    if not started or target in text.state_names or target in text.outputs:
        return text
    return replace(text, states=(*text.states, *started))


def _placed(text: Rule, line: Assignment, more: int) -> Iterator[Repair]:
    for index in range(len(text.body) + 1):
        if index < len(text.body) and is_given(text.body[index]):
            continue
        replaced = index < len(text.body) and text.body[index].target == line.target
        if replaced and not is_mostly_other(text.body[index].value, line.value):
            a = text.body[index]
            reads: Expr | str
            has: Expr | str
            reads, has = smallest_difference(a.value, line.value)
            if reads is a.value:  # nothing of the line is as it should be
                reads, has = str(a), str(line)
            yield Repair(
                _put(text, index, replace(a, value=line.value)), a.line, "reads", reads, has, RULES_LINE + more
            )
        after = text.body[index - 1].line if index else 0
        inserted = _put(text, index, replace(line, line=after), drop=0)
        yield Repair(inserted, after, "missing", "", str(line), INSERTED + more)


def is_mostly_other(a: Expr, b: Expr) -> bool:
    """Whether more than one and more than half of the names and numbers of a formula have to go to make it the other.

    What has to be added does not count: a correction that was forgotten is one slip, however long.
    """
    mine = Counter(_leaves(a))
    wrong = (mine - Counter(_leaves(b))).total()
    return wrong > 1 and 2 * wrong > mine.total()


@lru_cache(maxsize=16_384)
def _leaves(value: Expr) -> tuple[str, ...]:
    if isinstance(value, Apply):
        return tuple(leaf for argument in value.args for leaf in _leaves(argument))
    return (to_text(value),)


def smallest_difference(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """The smallest parts that have to be exchanged to make one formula the other."""
    while isinstance(a, Apply) and isinstance(b, Apply) and a.op == b.op:
        unlike = [(x, y) for x, y in zip(a.args, b.args, strict=True) if x is not y]
        if len(unlike) != 1:
            break
        [(a, b)] = unlike
    return a, b


def _paired_states(
    text: Rule, rule: Rule, same: Mapping[str, tuple[str, ...]]
) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """What holds the same, with the other states of the rule given to the other states of the text in every way."""
    taken = {m for found in same.values() for m in found[:1]}
    his = [n for n in rule.state_names if not same.get(n)]
    mine = [n for n in text.state_names if n not in taken]
    for chosen in islice(permutations(mine, min(len(his), len(mine))), PAIRINGS):
        yield {**same, **{n: (m,) for n, m in zip(his, chosen, strict=False)}}


def _targets(name: str, same: Mapping[str, tuple[str, ...]], written: set[str]) -> tuple[str, ...]:
    """The names of the text that a name of the rule may be: those that hold the same, or else any not accounted for."""
    if name in ("theta", "g", "output"):
        return (name,)
    if same.get(name):
        return same[name]
    taken = {m for found in same.values() for m in found[:1]}
    return tuple(sorted(written - taken - {"theta", "output"}))


def _in_text(
    before: Sequence[Assignment], his: Assignment, target: str, same: Mapping[str, tuple[str, ...]],
    names: Mapping[str, str],
) -> tuple[Expr | None, int]:  # fmt: skip
    """The value of a line of the rule in the text's names, and how many lines had to be written out in it.

    These are the ones for whose value the text has no name.
    """
    fixed = {"theta", "g", "t", "x"}
    known: dict[str, Expr] = {**{n: Symbol(m[0]) for n, m in same.items() if m}, his.target: Symbol(target),
                              **{n: Symbol(m) for n, m in names.items()}, **{n: Symbol(n) for n in fixed}}  # fmt: skip
    value, written_out = his.value, 0
    for earlier in reversed(before):
        if earlier.target in symbols(value) and earlier.target not in known:
            [value] = substitute([value], {earlier.target: earlier.value})
            written_out += 1
    if not symbols(value) <= known.keys():
        return None, 0
    return substitute([value], known)[0], written_out
