"""The state map between two systems that show the same: what each state of b is in the states of a.

What b shows from a state on determines that state up to what never shows. So the map is the one
solution of `b shows` times map = `a shows`, and it is a map of systems where a step and the
start agree with it. States of b that never show stay free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from derive.algebra.polynomials import Quotient
from derive.expr import Expr, Number, Symbol, substitute
from derive.linear.frame import Frame
from derive.linear.matrices import (
    IsZero,
    Matrix,
    Vector,
    beside,
    matrix,
    picked,
    reduced_rows,
    times,
)
from derive.linear.ratios import NOTHING, UNITY, Ratio
from derive.linear.structure import observable
from derive.linear.system import ALWAYS_ONE, LinearSystem


@dataclass(frozen=True)
class StateMap:
    """Each state of b that is not free: its coefficients in a's coordinates, and in the free ones of b."""

    in_a: Mapping[str, Mapping[str, Ratio]]
    in_free: Mapping[str, Mapping[str, Ratio]]


def state_map(a: LinearSystem, b: LinearSystem, is_zero: IsZero) -> StateMap | None:
    """The map from a to b, or None where no linear map of all of a's states is kept by a step."""
    if ALWAYS_ONE in (*a.states, *b.states):
        a, b = with_one(a), with_one(b)
    seen = observable(b, is_zero)
    shown_b, shown_a = seen.output, a.output
    left, right = [*shown_b], [*shown_a]
    for _ in range(seen.size - 1):
        shown_b, shown_a = times(shown_b, seen.transition), times(shown_a, a.transition)
        left, right = [*left, *shown_b], [*right, *shown_a]
    solved, pivots = reduced_rows(beside(matrix(left), matrix(right)), is_zero)
    if pivots != tuple(range(seen.size)):
        return None
    found = picked(solved, range(seen.size, seen.size + a.size))
    kept = (
        (times(found, a.transition), times(seen.transition, found) if found else ()),
        (times(found, a.input), seen.input),
        (times(found, a.start), seen.start),
        (a.output, times(seen.output, found) if found else matrix([NOTHING] * a.size for _ in a.output)),
    )
    if not all(_equal(x, y, is_zero) for x, y in kept) or not _keeps_one(a, b, found, seen.pivots, is_zero):
        return None
    free = [j for j in range(b.size) if j not in seen.pivots]
    return StateMap(
        {b.states[p]: _named(row, a.states) for p, row in zip(seen.pivots, found, strict=True)},
        {
            b.states[p]: _named([-row[j] for j in free], [b.states[j] for j in free])
            for p, row in zip(seen.pivots, seen.rows, strict=True)
        },
    )


def with_one(system: LinearSystem) -> LinearSystem:
    """The system with the state that is always one, as its last."""
    if ALWAYS_ONE in system.states:
        return system
    wider = [(*row, NOTHING) for row in system.transition]
    return replace(
        system,
        states=(*system.states, ALWAYS_ONE),
        transition=matrix([*wider, [*[NOTHING] * system.size, UNITY]]),
        input=matrix([*system.input, [NOTHING] * len(system.input[0])]),
        output=matrix((*row, NOTHING) for row in system.output),
        start=matrix([*system.start, (NOTHING, UNITY)]),
    )


def _keeps_one(a: LinearSystem, b: LinearSystem, found: Matrix, pivots: tuple[int, ...], is_zero: IsZero) -> bool:
    """A coordinate that is the number one is mapped to it."""
    if not pivots or b.states[pivots[-1]] != ALWAYS_ONE:
        return True
    wanted = [UNITY if name == ALWAYS_ONE else NOTHING for name in a.states]
    return _equal((found[-1],), (tuple(wanted),), is_zero)


def _equal(x: Matrix, y: Matrix, is_zero: IsZero) -> bool:
    return all(is_zero(p - q) for r, s in zip(x, y, strict=True) for p, q in zip(r, s, strict=True))


def _named(row: Iterable[Ratio] | Vector, names: Iterable[str]) -> dict[str, Ratio]:
    return {name: value for name, value in zip(names, row, strict=True) if value}


def mapped(found: StateMap, change: Callable[[Ratio], Ratio]) -> StateMap:
    """The map with every coefficient changed."""
    tables = ({n: {m: change(x) for m, x in row.items()} for n, row in t.items()} for t in (found.in_a, found.in_free))
    return StateMap(*tables)


@dataclass(frozen=True)
class Writer:
    """Writes maps as expressions; `formulas` are put in for hyperparameters that are roots."""

    frame: Frame
    formulas: Mapping[str, Expr]

    def states(self, found: StateMap, source: str, target: str) -> dict[str, Expr]:
        """Each state that is not free, in names "a.v" and "b.v"; `source` and `target` are these prefixes."""
        return {
            name: self.sum({**_prefixed(source, row), **_prefixed(target, found.in_free[name])})
            for name, row in found.in_a.items()
            if name != ALWAYS_ONE
        }

    def sum(self, terms: Mapping[str, Ratio]) -> Expr:
        """Coefficients times names, as one would write it; ALWAYS_ONE is the number one."""
        total: Expr | None = None
        for name, coefficient in terms.items():
            negative = 1 not in self.frame.case.signs(Quotient(coefficient.num, coefficient.den))
            size = substitute([self.frame.expr(-coefficient if negative else coefficient)], self.formulas)[0]
            term = (
                size
                if name.rpartition(".")[2] == ALWAYS_ONE
                else Symbol(name)
                if size is Number(1)
                else size * Symbol(name)
            )
            if total is None:
                total = -term if negative else term
            else:
                total = total - term if negative else total + term
        return Number(0) if total is None else total


def _prefixed(side: str, row: Mapping[str, Ratio]) -> dict[str, Ratio]:
    return {side + name: value for name, value in row.items()}
