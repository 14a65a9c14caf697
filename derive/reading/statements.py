"""The small statement form every front end makes: explicit stores, branches, and where a gradient is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.expr import Expr, Symbol, apply, symbols
from derive.reading.source import Definition
from derive.rule import REAL, Assignment, Domain, Reference, inline


@dataclass(frozen=True)
class Store:
    """`target = value`.

    `in_place` writes into the array `target` names already (`m += g`); otherwise the name is bound
    anew. `shares` are the names whose array `target` may name afterwards (`w = m` shares `m`).
    """

    target: str
    value: Expr
    line: int
    in_place: bool = False
    shares: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Query:
    """`target = grad(point)`: the gradient is asked for at `point`."""

    target: str
    point: Expr
    line: int


@dataclass(frozen=True)
class Initialise:
    """`if target is None: target = value`: what `target` is at the start of the first step."""

    target: str
    value: Expr
    line: int
    shares: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Branch:
    """`if condition: ... else: ...`."""

    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    line: int


Statement = Store | Query | Initialise | Branch


def stored(statements: Iterable[Statement]) -> list[str]:
    """The names stored to, branches included, in order of their first store."""
    names: dict[str, None] = {}
    for statement in statements:
        if isinstance(statement, Branch):
            names.update(dict.fromkeys(stored(statement.then) + stored(statement.otherwise)))
        elif not isinstance(statement, Initialise):
            names[statement.target] = None
    return list(names)


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
    """Both sides of a branch as one list: `name = where(condition, then, otherwise)` for each name both leave defined."""
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
class Procedure:
    """One step in the small form, before anything is said about what its free names mean.

    `kept` are the places that outlast the step by themselves (`self.m`, `state["m"]`), with what they
    hold at first (None: not said yet). `returned` are the places the step returns, in order; an
    expression returned stands in the place `RETURNED.format(position)`. `declared` marks a text that
    promises the rule language's conventions, so that a break of them is an error.
    """

    definition: Definition
    parameters: tuple[Parameter, ...]
    kept: Mapping[str, Expr | None]
    statements: tuple[Statement, ...]
    returned: tuple[str, ...]
    return_line: int
    declared: bool = False
    reference: Reference = Reference()


RETURNED = "return[{}]"
