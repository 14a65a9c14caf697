"""What of a linear system shows: its observable quotient, its reachable part, and what is left hidden.

Reachable means: by the gradients or from the values at the start. A quotient by what never shows
keeps the coordinates whose columns are pivots, so each of them is one of the rule's states plus
a combination of those that are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.linear.matrices import (
    IsZero,
    Matrix,
    beside,
    is_nothing,
    kernel,
    picked,
    reduced_rows,
    times,
    transposed,
)
from derive.linear.system import LinearSystem


@dataclass(frozen=True)
class Observable:
    """A system without what never shows: new coordinates `rows` times old ones, one for each pivot column."""

    rows: Matrix
    pivots: tuple[int, ...]
    transition: Matrix
    input: Matrix
    output: Matrix
    start: Matrix

    @property
    def size(self) -> int:
        return len(self.pivots)


def observable(system: LinearSystem, is_zero: IsZero = is_nothing) -> Observable:
    """The quotient by the states that no output ever depends on."""
    seen = [*system.output]
    latest = system.output
    for _ in range(system.size):
        latest = times(latest, system.transition)
        seen.extend(latest)
    rows, pivots = reduced_rows(seen, is_zero)
    if not rows:
        return Observable((), (), (), (), tuple(() for _ in system.output), ())
    return Observable(
        rows, pivots,
        picked(times(rows, system.transition), pivots), times(rows, system.input),
        picked(system.output, pivots), times(rows, system.start),
    )  # fmt: skip


def unobservable(system: LinearSystem, seen: Observable) -> tuple[Matrix, Matrix]:
    """A basis (in rows) of the states that never show, and the transition on it."""
    basis = kernel(seen.rows, seen.pivots, system.size)
    free = [j for j in range(system.size) if j not in seen.pivots]
    moved = times(basis, transposed(system.transition, system.size)) if basis else ()
    return basis, transposed(picked(moved, free), len(free))


def reachable(transition: Matrix, sources: Matrix, is_zero: IsZero = is_nothing) -> tuple[Matrix, Matrix]:
    """A basis (in rows) of what the columns of `sources` generate, and the transition on it."""
    size = len(transition)
    turned = transposed(transition, size)
    latest = transposed(sources, len(sources[0]) if sources else 0)
    rows = [*latest]
    for _ in range(size - 1):
        latest = times(latest, turned)
        rows.extend(latest)
    basis, pivots = reduced_rows(rows, is_zero)
    moved = picked(times(basis, turned), pivots) if basis else ()
    return basis, transposed(moved, len(basis))


def all_sources(system: Observable) -> Matrix:
    """Everything that moves a state: the inputs, then the start."""
    return beside(system.input, system.start)
