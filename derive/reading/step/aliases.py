"""Arrays under two names: an in-place store through one of them would change the other unseen, and is refused.

Every name is followed to the set of arrays it may stand for. The step is followed twice, because
what shares an array at the end of a step still shares it at the start of the next. A name that is
not used any more may change unseen.
"""

from __future__ import annotations

from collections.abc import Iterable

from derive.expr import Symbol, symbols
from derive.reading.source import Definition
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, mentioned, stored

Arrays = dict[str, frozenset[object]]


def refuse_shared_stores(
    definition: Definition,
    statements: Iterable[Statement],
    scalars: Iterable[str],
    carried: Iterable[str],
    anew: Iterable[str],
) -> None:
    """Raises UserError at the first in-place store into an array that another name may stand for.

    `scalars` are the names that hold immutable numbers, `carried` those that are looked at after the
    step, `anew` those that each step is given another array for.
    """
    steps, kept = list(statements), set(carried)
    lasting = kept | (_stored_into_first(steps) - set(anew))
    first = _follow(steps, {}, set(scalars), definition, kept)
    _follow(steps, {n: a for n, a in first.items() if n in lasting}, set(scalars), definition, kept)


def _stored_into_first(statements: Iterable[Statement]) -> set[str]:
    """The names that are stored into before the step binds them: to arrays that they keep from the step before."""
    first: dict[str, bool] = {}
    for s in statements:
        match s:
            case Store(target=target, in_place=in_place):
                first.setdefault(target, in_place)
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                for n in stored([s]):
                    first.setdefault(n, n in _stored_into_first(then) | _stored_into_first(otherwise))
    return {n for n, in_place in first.items() if in_place}


def sharing_after(definition: Definition, statements: Iterable[Store]) -> list[Store]:
    """Stores that change no value and say which names may share an array after the statements."""
    stores = list(statements)
    arrays = _follow(stores, {}, set(), definition, set(stored(stores)))
    shared = {n: frozenset(o for o in arrays if arrays[o] & arrays[n]) for n in arrays}
    return [Store(name, Symbol(name), 0, shares=others) for name, others in shared.items() if len(others) > 1]


def _follow(
    statements: Iterable[Statement], arrays: Arrays, scalars: set[str], definition: Definition, used: set[str]
) -> Arrays:
    """The arrays after the statements; `used` are the names that matter then."""
    now, steps = dict(arrays), list(statements)
    for statement, later in zip(steps, _used_after(steps, used), strict=True):
        match statement:
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                sides = [_follow(side, now, set(scalars), definition, later) for side in (then, otherwise)]
                now = {n: _of(n, sides[0]) | _of(n, sides[1]) for n in {*sides[0], *sides[1]}}
                scalars -= set(now)
            case Query(target=target):
                now[target] = frozenset({object()})
            case Store():
                _store(statement, now, scalars, definition, later)
    return now


def _used_after(steps: list[Statement], used: set[str]) -> list[set[str]]:
    """For each statement, the names that later ones use, or whoever comes after them."""
    after = [set(used)]
    for statement in reversed(steps[1:]):
        after.append(after[-1] | mentioned([statement]))
    return after[len(steps) - 1 :: -1] if steps else []


def _store(store: Store, now: Arrays, scalars: set[str], definition: Definition, later: set[str]) -> None:
    name, read = store.target, symbols(store.value)
    number = bool(read) and read <= scalars and not store.is_array
    if number and (name in scalars or not store.in_place):  # even `+=` binds a number anew
        scalars.add(name)
        now[name] = frozenset({object()})
        return
    scalars.discard(name)
    if store.in_place:
        now[name] = _of(name, now)
        _refuse_sharing(store, now, definition, later)
    else:
        for shared in store.shares:
            now[shared] = _of(shared, now)
        now[name] = frozenset[object]().union(*(now[s] for s in store.shares)) or frozenset({object()})


def _refuse_sharing(store: Store, now: Arrays, definition: Definition, later: set[str]) -> None:
    others = sorted(n for n, arrays in now.items() if n != store.target and arrays & now[store.target] and n in later)
    if others:
        what = f"the in-place store into {store.target!r} may change {others[0]!r}, another name of the same array"
        raise definition.error(what, store.line, f"write {store.target} = ..., or copy the array first")


def _of(name: str, arrays: Arrays) -> frozenset[object]:
    """The arrays a name may stand for; one not met yet stands for its own."""
    return arrays.get(name, frozenset({name}))
