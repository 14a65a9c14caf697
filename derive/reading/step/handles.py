"""Names that stand for an array which an in-place method changes: one name of each array is kept.

    exp_avg = state["exp_avg"]                  exp_avg stands for state["exp_avg"],
    exp_avg.mul_(beta).add_(grad)               so that is what the methods store into.

A name stops standing for another where either is bound anew; what it held is then stored under its
own name. What is not certain (`+=` through a name of what may be a number) is left for `aliases` to
judge. Texts without in-place methods are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from derive.expr import Expr, Symbol, substitute
from derive.reading.step.statements import Branch, Initialise, Procedure, Query, Returned, Statement, Store


@dataclass
class _Names:
    """What stands for what at one point.

    `lasting` outlive the step, `arrays` hold an array wherever they hold anything, `changed` hold one here.
    """

    lasting: frozenset[str]
    arrays: frozenset[str]
    stands: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def copy(self) -> _Names:
        return replace(self, stands=dict(self.stands), changed=set(self.changed))

    def of(self, name: str) -> str:
        return self.stands.get(name, name)

    def value(self, value: Expr) -> Expr:
        return substitute([value], {old: Symbol(new) for old, new in self.stands.items()})[0]

    def release(self, name: str, line: int) -> list[Statement]:
        """Stores that leave no other name standing for this one, which is about to be bound anew."""
        first, *others = [n for n, kept in self.stands.items() if kept == name] or [""]
        if not first:
            return []
        del self.stands[first]
        self.stands |= dict.fromkeys(others, first)
        return [_copy(first, name, line)]


def followed(procedure: Procedure) -> Procedure:
    """The procedure with in-place methods storing into the one name kept for their array."""
    lasting = {*procedure.kept, *(p.name for p in procedure.parameters)}
    empty = {n for n, start in procedure.kept.items() if start is None}
    empty |= {p.name for p in procedure.parameters if p.optional}
    statements, returned = follow(procedure.statements, procedure.returned, lasting, lasting - empty)
    return replace(procedure, statements=statements, returned=returned)


def follow(
    statements: tuple[Statement, ...], returned: tuple[Returned, ...], lasting: Iterable[str], given: Iterable[str]
) -> tuple[tuple[Statement, ...], tuple[Returned, ...]]:
    """The statements of a step and what it returns, with one name kept for each array that a method changes.

    `lasting` are the names that outlive the step; `given` those that may hold a number before it.
    """
    if not any(s.in_place and s.certain for s in _stores(statements)):
        return statements, returned
    names = _Names(frozenset(lasting), _arrays(statements, given))
    done = tuple(_follow(statements, names))
    return done, tuple(Returned(names.value(r.value), frozenset(map(names.of, r.shares))) for r in returned)


def _stores(statements: Iterable[Statement]) -> Iterator[Store]:
    for statement in statements:
        match statement:
            case Store():
                yield statement
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                yield from _stores((*then, *otherwise))


def _arrays(statements: Sequence[Statement], given: Iterable[str]) -> frozenset[str]:
    """The names that hold an array wherever they hold anything: made as one, or changed as only one can be.

    `given` hold something before the first store.
    """
    stores = list(_stores(statements))
    bound = {s.target for s in stores if not s.in_place}
    other = {s.target for s in stores if not s.in_place and not (s.certain and not s.shares)}
    changed = {s.target for s in statements if isinstance(s, Store) and s.in_place and s.certain}
    return frozenset((bound - other - set(given)) | (changed - bound))


def _follow(statements: Iterable[Statement], names: _Names) -> list[Statement]:
    done: list[Statement] = []
    for statement in statements:
        match statement:
            case Store(in_place=True):
                done += _in_place(statement, names)
            case Store(target=target, value=Symbol(name=name), shares=shares, certain=True) if shares == {name}:
                done += _named(statement, names.of(name), names) if target != name else []
            case Store(target=target):
                value, shares = names.value(statement.value), frozenset(map(names.of, statement.shares))
                done += [*_bound_anew(target, names, statement.line), replace(statement, value=value, shares=shares)]
            case Query(target=target, point=point):
                new = replace(statement, point=names.value(point))
                done += [*_bound_anew(target, names, statement.line), new]
            case Branch(condition=condition, then=then, otherwise=otherwise, line=line):
                condition = names.value(condition)
                sides = _sides(then, otherwise, names, line)
                done.append(Branch(condition, sides[0], sides[1], line))
            case Initialise(guard=guard, stores=first, otherwise=otherwise, line=line):
                guard = names.of(guard)
                sides = _sides(first, otherwise, names, line)
                done.append(Initialise(guard, sides[0], line, sides[1]))
    return done


def _bound_anew(target: str, names: _Names, line: int) -> list[Statement]:
    released = names.release(target, line)
    names.stands.pop(target, None)
    names.changed.discard(target)
    return released


def _named(store: Store, array: str, names: _Names) -> list[Statement]:
    """`target = array`, another name for it."""
    target = store.target
    if array in (target, names.stands.get(target)):
        return []
    done = _bound_anew(target, names, store.line)
    if target not in names.lasting:
        names.stands[target] = array
        return done
    done.append(replace(store, value=Symbol(array), shares=frozenset({array})))
    if array not in names.lasting:  # what outlives the step is the name to keep
        names.stands = {n: target if kept == array else kept for n, kept in names.stands.items()} | {array: target}
    return done


def _in_place(store: Store, names: _Names) -> list[Statement]:
    kept = names.of(store.target)
    value = names.value(store.value)
    if store.certain or kept in names.arrays | names.changed:
        names.changed.add(kept)
        return [replace(store, target=kept, value=value, is_array=True, certain=True)]
    done = names.release(store.target, store.line)
    if names.stands.pop(store.target, None) is not None:
        done.append(_copy(store.target, kept, store.line))
    return [*done, replace(store, value=value)]


def _sides(
    then: Iterable[Statement], otherwise: Iterable[Statement], names: _Names, line: int
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Both sides of a branch; after it a name stands for another only where it does after either side."""
    ends = (names.copy(), names.copy())
    sides = [_follow(side, end) for side, end in zip((then, otherwise), ends, strict=True)]
    names.stands = dict(ends[0].stands.items() & ends[1].stands.items())
    names.changed = ends[0].changed & ends[1].changed
    for side, end in zip(sides, ends, strict=True):
        side += [_copy(n, end.stands[n], line) for n in sorted(end.stands.keys() - names.stands.keys())]
    return tuple(sides[0]), tuple(sides[1])


def _copy(target: str, array: str, line: int) -> Store:
    return Store(target, Symbol(array), line, shares=frozenset({array}))
