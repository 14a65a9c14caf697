"""What the statements of a step read, change and carry to the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.expr import Expr, Symbol, symbols
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, stored


def reads(statement: Statement) -> frozenset[str]:
    """The names a statement reads anywhere."""
    match statement:
        case Store(value=value):
            return symbols(value)
        case Query(point=point):
            return symbols(point)
        case Branch(condition=condition, then=then, otherwise=otherwise):
            return symbols(condition).union(*(reads(s) for s in (*then, *otherwise)))
        case Initialise(stores=stores, otherwise=otherwise):
            return frozenset[str]().union(*(reads(s) for s in (*stores, *otherwise)))


def carried(statements: Sequence[Statement]) -> list[str]:
    """The names read before they are surely given a value, and given one in the step: what one step leaves the next."""
    open_, _ = _open(statements, set())
    changed = stored(statements)
    return [n for n in changed if n in open_]


def _open(statements: Iterable[Statement], sure: set[str]) -> tuple[set[str], set[str]]:
    """The names read before they are surely given a value; those surely given one at the end."""
    found, given = set[str](), set(sure)
    for s in statements:
        match s:
            case Branch(condition=condition, then=then, otherwise=otherwise):
                found |= symbols(condition) - given
                left, right = _open(then, given), _open(otherwise, given)
                found |= left[0] | right[0]
                given |= left[1] & right[1]  # what one side leaves is not given: a later read counts
            case Initialise(stores=first, otherwise=otherwise):
                left, right = _open(first, given), _open(otherwise, given)
                found |= left[0] | right[0]
                given |= left[1] & right[1]
            case Store(target=target, value=value):
                found |= symbols(value) - given
                given.add(target)
            case Query(target=target, point=point):
                found |= symbols(point) - given
                given.add(target)
    return found, given


def dependencies(statements: Iterable[Statement]) -> dict[str, frozenset[str]]:
    """For every name given a value, the names before the step that its last value is made from."""
    made: dict[str, frozenset[str]] = {}
    for s in statements:
        read = frozenset[str]().union(*(made.get(n, frozenset({n})) for n in reads(s)))
        for target in stored([s]):
            kept = made.get(target, frozenset({target})) if isinstance(s, Branch | Initialise) else frozenset[str]()
            made[target] = read | kept
    return made


def needed(statements: Sequence[Statement], wanted: Iterable[str]) -> list[Statement]:
    """The statements that the wanted names at the end of the step are made by, what they carry included."""
    targets = set(wanted)
    while True:
        kept, now = _backwards(statements, targets)
        carries = set(carried(statements)) & now
        if carries <= targets:
            return [_own_starts(s, now) for s in kept]
        targets |= carries


def last_stores(statements: Iterable[Statement]) -> dict[str, tuple[object, ...]]:
    """What gives every name its value at the end: two lists that agree in it leave the name the same."""
    found: dict[str, tuple[object, ...]] = {}
    for s in statements:
        match s:
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                sides = last_stores(then), last_stores(otherwise)
                found |= {n: tuple(side.get(n, found.get(n)) for side in sides) for n in {*sides[0], *sides[1]}}
            case _:
                found |= dict.fromkeys(stored([s]), (s,))
    return found


def _backwards(statements: Sequence[Statement], wanted: Iterable[str]) -> tuple[list[Statement], set[str]]:
    """The statements that the wanted names are made by, with all the names that takes."""
    kept, now = list[Statement](), set(wanted)
    for s in reversed(statements):
        if now.isdisjoint(stored([s])):
            continue
        if isinstance(s, Branch):
            s = replace(s, then=tuple(_backwards(s.then, now)[0]), otherwise=tuple(_backwards(s.otherwise, now)[0]))
        kept.append(s)
        now |= reads(s)
    return kept[::-1], now


def _own_starts(s: Statement, wanted: set[str]) -> Statement:
    """What a first step makes for several parameters at once, for this one: each is there from then on."""
    if not isinstance(s, Initialise) or s.otherwise or s.guard not in stored(s.stores):
        return s
    own = tuple(needed(s.stores, wanted & set(stored(s.stores))))
    return replace(s, guard=s.guard if s.guard in stored(own) else stored(own)[-1], stores=own)


def without_conversions(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without `x = cast(x, dtype)`, where nothing is stored into x later: it is the same number."""
    written = {n for s in statements for n in _written(s)}
    return tuple(s for s in statements if not (_keeps(s) and s.target not in written))  # type: ignore[union-attr]


def _keeps(s: Statement) -> bool:
    return isinstance(s, Store) and not s.in_place and s.value is Symbol(s.target)


def _written(s: Statement) -> list[str]:
    """The names whose arrays a statement may store into."""
    match s:
        case Store(target=target, in_place=True):
            return [target]
        case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
            return [n for inner in (*then, *otherwise) for n in _written(inner)]
    return []


def asked_once(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements without a question that was asked before, of a point that has not moved since."""
    answers: dict[tuple[str, Expr], frozenset[str]] = {}
    kept: list[Statement] = []
    for s in statements:
        if isinstance(s, Query) and (s.target, s.point) in answers:
            continue
        kept.append(s)
        changed = set(stored([s]))
        answers = {q: names for q, names in answers.items() if changed.isdisjoint(names)}
        if isinstance(s, Query):
            answers[s.target, s.point] = symbols(s.point) | {s.target}
    return tuple(kept)
