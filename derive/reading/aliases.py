"""Arrays under two names: an in-place store through one of them would change the other unseen, and is refused.

Every name is followed to the set of arrays it may stand for. The step is followed twice, because
what shares an array at the end of a step still shares it at the start of the next.
"""

from __future__ import annotations

from collections.abc import Iterable

from derive.expr import symbols
from derive.reading.source import Definition
from derive.reading.statements import Branch, Initialise, Query, Statement, Store

Arrays = dict[str, frozenset[object]]


def refuse_shared_stores(
    definition: Definition, statements: Iterable[Statement], scalars: Iterable[str], carried: Iterable[str]
) -> None:
    """Raises UserError at the first in-place store into an array that another name may stand for.

    `scalars` are the names that hold immutable numbers, `carried` those that keep their array from
    one step to the next.
    """
    steps, kept = list(statements), set(carried)
    first = _follow(steps, {}, set(scalars), definition)
    _follow(steps, {n: a for n, a in first.items() if n in kept}, set(scalars), definition)


def _follow(statements: Iterable[Statement], arrays: Arrays, scalars: set[str], definition: Definition) -> Arrays:
    now = dict(arrays)
    for statement in statements:
        match statement:
            case Branch(then=then, otherwise=otherwise):
                left = _follow(then, now, set(scalars), definition)
                right = _follow(otherwise, now, set(scalars), definition)
                now = {n: _of(n, left) | _of(n, right) for n in {*left, *right}}
            case Query(target=target):
                now[target] = frozenset({object()})
            case Initialise(target=target, shares=shares):
                now[target] = _of(target, now).union(*(_of(s, now) for s in shares))
                now.update({s: _of(s, now) for s in shares})
            case Store():
                _store(statement, now, scalars, definition)
    return now


def _store(store: Store, now: Arrays, scalars: set[str], definition: Definition) -> None:
    name = store.target
    if symbols(store.value) <= scalars:  # immutable numbers: every store binds anew
        scalars.add(name)
        now[name] = frozenset({object()})
    elif store.in_place:
        scalars.discard(name)
        now[name] = _of(name, now)
        others = sorted(n for n, arrays in now.items() if n != name and arrays & now[name])
        if others:
            short = name.rsplit(".", 1)[-1]
            raise definition.error(
                f"the in-place store into {name!r} may change {others[0]!r}, which names the same array",
                store.line,
                f"write {short} = ... , or copy first",
            )
    else:
        scalars.discard(name)
        shared = [_of(s, now) for s in store.shares if s not in scalars]
        now.update({s: _of(s, now) for s in store.shares if s not in scalars})
        now[name] = frozenset[object]().union(*shared) or frozenset({object()})


def _of(name: str, arrays: Arrays) -> frozenset[object]:
    """The arrays a name may stand for; one not met yet stands for its own."""
    return arrays.get(name, frozenset({name}))
