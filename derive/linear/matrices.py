"""Linear algebra over a field of ratios: elimination, and the characteristic polynomial with the adjugate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from derive.linear.ratios import NOTHING, UNITY, Ratio, number, total

Vector: TypeAlias = tuple[Ratio, ...]
Matrix: TypeAlias = tuple[Vector, ...]
IsZero: TypeAlias = Callable[[Ratio], bool]


def is_nothing(value: Ratio) -> bool:
    return not value


def matrix(rows: Iterable[Iterable[Ratio]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


def identity_matrix(size: int) -> Matrix:
    return matrix((UNITY if i == j else NOTHING for j in range(size)) for i in range(size))


def transposed(a: Matrix, width: int) -> Matrix:
    """The transpose; `width` is the number of columns, which no rows do not tell."""
    return matrix((row[j] for row in a) for j in range(width))


def times(a: Matrix, b: Matrix) -> Matrix:
    columns = range(len(b[0]) if b else 0)
    return matrix((total(x * b[k][j] for k, x in enumerate(row) if x) for j in columns) for row in a)


def plus(a: Matrix, b: Matrix) -> Matrix:
    return matrix((x + y for x, y in zip(r, s, strict=True)) for r, s in zip(a, b, strict=True))


def scaled(factor: Ratio, a: Matrix) -> Matrix:
    return matrix((factor * x for x in row) for row in a)


def beside(a: Matrix, b: Matrix) -> Matrix:
    """The columns of a, then those of b."""
    return matrix((*r, *s) for r, s in zip(a, b, strict=True))


def picked(a: Matrix, columns: Sequence[int]) -> Matrix:
    return matrix((row[j] for j in columns) for row in a)


def reduced_rows(rows: Sequence[Vector], is_zero: IsZero = is_nothing) -> tuple[Matrix, tuple[int, ...]]:
    """The reduced row echelon form without its zero rows, and the pivot columns."""
    left, pivots = [list(row) for row in rows], list[int]()
    for column in range(len(rows[0]) if rows else 0):
        rank = len(pivots)
        below = [i for i in range(rank, len(left)) if not is_zero(left[i][column])]
        if not below:
            continue
        # A number, or else what has the fewest terms, keeps the entries small.
        best = min(below, key=lambda i: len(left[i][column].num) + len(left[i][column].den))
        left[rank], left[best] = left[best], left[rank]
        lead = left[rank][column]
        left[rank] = [x / lead if x else x for x in left[rank]]
        for i, row in enumerate(left):
            if i != rank and row[column]:
                factor = row[column]
                left[i] = [x - factor * y if y else x for x, y in zip(row, left[rank], strict=True)]
        pivots.append(column)
    return matrix(left[: len(pivots)]), tuple(pivots)


def kernel(rows: Matrix, pivots: Sequence[int], width: int) -> Matrix:
    """A basis of what the reduced rows send to zero, a vector for each column without a pivot."""
    found = []
    for free in (j for j in range(width) if j not in pivots):
        vector = [NOTHING] * width
        vector[free] = UNITY
        for row, pivot in zip(rows, pivots, strict=True):
            vector[pivot] = -row[free]
        found.append(vector)
    return matrix(found)


def resolvent(a: Matrix) -> tuple[Vector, tuple[Matrix, ...]]:
    """det(z - a), lowest power first, and the coefficients of adj(z - a), highest power first (Faddeev-LeVerrier)."""
    size = len(a)
    coefficients, adjugate = [UNITY], list[Matrix]()
    for k in range(1, size + 1):
        previous = times(a, adjugate[-1]) if adjugate else ()
        shift = scaled(coefficients[0], identity_matrix(size))
        adjugate.append(plus(previous, shift) if previous else shift)
        moved = times(a, adjugate[-1])
        coefficients.insert(0, total(moved[i][i] for i in range(size)) * number(-1) / number(k))
    return tuple(coefficients), tuple(adjugate)
