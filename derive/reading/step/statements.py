"""The small statement form every front end makes: explicit stores, branches, and where a gradient is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.reading.source import Definition
from derive.rule import REAL, Assignment, Domain, Reference, inline

NO_REFERENCE = Reference()


@dataclass(frozen=True)
class Store:
    """`target = value`.

    `in_place` writes into the array `target` names already (`m += g`); otherwise the name is bound
    anew. `shares` are the names whose array `target` may name afterwards (`w = m` shares `m`).
    `is_array` says that the value is an array whatever its formula (`zeros_like(theta)`). `certain`
    says that it is known which: the one that is shared, a new one, or, in place, the target's.
    """

    target: str
    value: Expr
    line: int
    in_place: bool = False
    shares: frozenset[str] = frozenset()
    is_array: bool = False
    certain: bool = False


@dataclass(frozen=True)
class Query:
    """`target = grad(point)`: the gradient is asked for at `point`."""

    target: str
    point: Expr
    line: int


@dataclass(frozen=True)
class Initialise:
    """`if guard is None: ...`: what some places are at the start of the first step.

    `guard` is the place tested, or a record (`if not state:`), that must be empty until then.
    `stores` is what the first step does, `otherwise` what all others do.
    """

    guard: str
    stores: tuple[Statement, ...]
    line: int
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Branch:
    """`if condition: ... else: ...`."""

    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    line: int


Statement = Store | Query | Initialise | Branch


def stored(statements: Iterable[Statement]) -> list[str]:
    """The names given a value, branches and initialisations included, in order of their first store."""
    names: dict[str, None] = {}
    for statement in statements:
        match statement:
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                names.update(dict.fromkeys(stored(then) + stored(otherwise)))
            case Store(target=target) | Query(target=target):
                names[target] = None
    return list(names)


def certainly_stored(statements: Iterable[Statement]) -> list[str]:
    """The names given a value whichever way the branches go."""
    names: dict[str, None] = {}
    for statement in statements:
        match statement:
            case Branch(then=then, otherwise=otherwise):
                other = certainly_stored(otherwise)
                names.update(dict.fromkeys(n for n in certainly_stored(then) if n in other))
            case Store(target=target) | Query(target=target):
                names[target] = None
    return list(names)


def mentioned(statements: Iterable[Statement]) -> set[str]:
    """Every name that the statements read, or store into in place."""
    names = set[str]()
    for statement in statements:
        match statement:
            case Store(value=value):
                names |= symbols(value) | ({statement.target} if statement.in_place else set())
            case Query(point=point):
                names |= symbols(point)
            case Branch(condition=condition, then=then, otherwise=otherwise):
                names |= symbols(condition) | mentioned((*then, *otherwise))
            case Initialise(guard=guard, stores=first, otherwise=otherwise):
                names |= {guard} | mentioned((*first, *otherwise))
    return names


def substituted(statement: Statement, values: Mapping[str, Expr]) -> Statement:
    """The statement with names replaced; a store to a name replaced by another name goes to that one."""

    def value(old: Expr) -> Expr:
        return substitute([old], values)[0]

    def name(old: str) -> str:
        new = values.get(old)
        return new.name if isinstance(new, Symbol) else old

    def inner(statements: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(substituted(s, values) for s in statements)

    match statement:
        case Store():
            shares = frozenset(name(s) for s in statement.shares)
            return replace(statement, target=name(statement.target), value=value(statement.value), shares=shares)
        case Query():
            return replace(statement, target=name(statement.target), point=value(statement.point))
        case Branch():
            return replace(statement, condition=value(statement.condition), then=inner(statement.then),
                           otherwise=inner(statement.otherwise))  # fmt: skip
        case Initialise():
            first, otherwise = inner(statement.stores), inner(statement.otherwise)
            return replace(statement, guard=name(statement.guard), stores=first, otherwise=otherwise)


def parallel(assignments: list[Assignment], taken: Iterable[str]) -> list[Assignment]:
    """Simultaneous assignments as sequential ones: readers of an old value first, copies where they form a ring."""
    waiting, done, taken = list(assignments), list[Assignment](), set(taken)
    while waiting:
        free = next((a for a in waiting if not _read_by_others(a, waiting)), None)
        if free is None:
            old = waiting[0].target
            copy = fresh(f"{old}_old", taken)
            taken.add(copy)
            done.append(Assignment(copy, Symbol(old), waiting[0].line))
            waiting = [Assignment(a.target, _renamed(a.value, old, copy), a.line) for a in waiting]
        else:
            waiting.remove(free)
            done.append(free)
    return done


def _read_by_others(assignment: Assignment, waiting: list[Assignment]) -> bool:
    return any(assignment.target in symbols(other.value) for other in waiting if other is not assignment)


def _renamed(value: Expr, old: str, new: str) -> Expr:
    return inline([Assignment(old, Symbol(new)), Assignment("", value)])[""]


def fresh(name: str, taken: Iterable[str]) -> str:
    """`name`, with underscores added until it is not taken."""
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def merged(branch: Branch, then: list[Assignment], otherwise: list[Assignment], known: set[str]) -> list[Assignment]:
    """Both sides of a branch as `name = where(condition, then, otherwise)`, for each name defined after it."""
    left, right = inline(then), inline(otherwise)
    lines = {a.target: a.line for a in (*then, *otherwise)}
    chosen = [
        Assignment(
            name,
            apply("where", branch.condition, left.get(name, Symbol(name)), right.get(name, Symbol(name))),
            lines[name],
        )
        for name in dict.fromkeys([*left, *right])
        if name in known or (name in left and name in right)
    ]
    return parallel(chosen, known | set(left) | set(right))


@dataclass(frozen=True)
class Parameter:
    """An argument of the text: `default` is its literal, None where it has none or None itself (`optional`)."""

    name: str
    line: int
    default: Fraction | None = None
    domain: Domain = REAL
    keyword_only: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Returned:
    """One value that a step returns, with the names whose array it may be."""

    value: Expr
    shares: frozenset[str] = frozenset()

    @property
    def name(self) -> str | None:
        """Its name, where it has one."""
        return self.value.name if isinstance(self.value, Symbol) else None


@dataclass(frozen=True)
class Procedure:
    """One step in the small form, before anything is said about what its free names mean.

    `kept` are the places that outlast the step by themselves (`self.m`, `state["m"]`) and what they
    hold at first (None: not said yet). `declared` marks a text that promises the rule language's
    conventions, so that a break of them is an error.
    """

    definition: Definition
    parameters: tuple[Parameter, ...]
    kept: Mapping[str, Expr | None]
    statements: tuple[Statement, ...]
    returned: tuple[Returned, ...]
    return_line: int
    declared: bool = False
    reference: Reference = NO_REFERENCE
