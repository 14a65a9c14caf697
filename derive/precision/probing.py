"""A question put to one formula in a format: for which values of one name does an effect occur?

The boundary is found by bisection over the numbers of the format, in exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from derive.expr import Expr
from derive.precision.arithmetic import calculated, rounded
from derive.precision.formats import Format, Model, Value

RUNGS = 48  # looked at before bisection, so that an effect at both ends is not taken for one everywhere

Side = Literal["<=", ">="]


@dataclass(frozen=True)
class Grid:
    """The values a name can take, in order: `at(first)` to `at(last)`; `floats` gives many at once, in float64."""

    first: int
    last: int
    at: Callable[[int], Fraction]
    floats: Callable[[Any], Any]


def numbers(kept: Format, low: Fraction | None = None, high: Fraction | None = None) -> Grid:
    """The positive numbers of the format, from `low` to `high` (both of the format)."""
    first = 1 if low is None else max(1, kept.index(low))
    return Grid(first, kept.index(kept.largest if high is None else high), kept.number, kept.floats)


def counts(last: int) -> Grid:
    """The whole numbers from 1."""
    return Grid(1, last, Fraction, lambda indices: indices.astype(float))


@dataclass(frozen=True)
class Effect:
    """Something that can be seen of a result: `below` a size, `not_finite`, or the `same` as a number.

    The number compared with is the varied value itself where it is None.
    """

    kind: Literal["below", "not_finite", "same"]
    number: Fraction | None = None

    def of_value(self, varied: Fraction, result: Value) -> bool:
        """Whether it occurs, of an exact result."""
        if self.kind == "not_finite":
            return isinstance(result, float)
        if isinstance(result, float):
            return False
        number = varied if self.number is None else self.number
        return abs(result) < number if self.kind == "below" else result == number

    def of_run(self, varied: Any, results: Any) -> Any:
        """Whether it occurs, of results of NumPy; float64 holds every number of every format here."""
        import numpy as np

        found = np.asarray(results).astype(np.float64)
        if self.kind == "not_finite":
            return ~np.isfinite(found)
        number = np.asarray(varied).astype(np.float64) if self.number is None else float(self.number)
        return abs(found) < number if self.kind == "below" else found == number


VANISHES = Effect("same", Fraction(0))
OVERFLOWS = Effect("not_finite")
UNCHANGED = Effect("same")


def stays(number: Fraction) -> Effect:
    return Effect("same", number)


def below(number: Fraction) -> Effect:
    return Effect("below", number)


@dataclass(frozen=True)
class Probe:
    """A formula, the name varied over a grid, the values of its other names, and the effect looked for.

    `is_stored`: the result is rounded to what is kept between steps before it is looked at.
    """

    formula: Expr
    varied: str
    grid: Grid
    others: Mapping[str, Fraction]
    effect: Effect
    is_stored: bool = False

    def occurs(self, index: int, model: Model) -> bool:
        """Whether the effect is there, in exact arithmetic."""
        value = self.grid.at(index)
        [result] = calculated([self.formula], {**self.others, self.varied: value}, model.arithmetic)
        return self.effect.of_value(value, rounded(result, model.storage) if self.is_stored else result)


@dataclass(frozen=True)
class Boundary:
    """The effect occurs up to (or from) `index` of the probe's grid, and not at the neighbour."""

    probe: Probe
    side: Side
    index: int

    @property
    def value(self) -> Fraction:
        """The last value with the effect."""
        return self.probe.grid.at(self.index)

    @property
    def neighbour(self) -> Fraction | None:
        """The first value without it; None where there is no further value."""
        beyond = self.index + (1 if self.side == "<=" else -1)
        return self.probe.grid.at(beyond) if self.probe.grid.first <= beyond <= self.probe.grid.last else None

    @property
    def everywhere(self) -> bool:
        return self.neighbour is None


def boundary(probe: Probe, side: Side, model: Model) -> Boundary | None:
    """Where the effect ends, of an effect that occurs for all small values ("<=") or all large ones (">=").

    None where it does not occur at that end. Ties go to the even number, so that beside the boundary every
    second value may have the effect: it lies where the effect is there at two values in a row.
    """
    grid = probe.grid
    sign, start, stop = (1, grid.first, grid.last) if side == "<=" else (-1, grid.last, grid.first)

    def here(index: int) -> bool:
        before = index - sign
        return probe.occurs(index, model) and (not grid.first <= before <= grid.last or probe.occurs(before, model))

    if not here(start):
        return None
    inside, outside = start, None
    for rung in range(1, RUNGS + 1):
        reached = start + sign * (abs(stop - start) * rung // RUNGS)
        if not here(reached):
            outside = reached
            break
        inside = reached
    if outside is None:
        return Boundary(probe, side, stop)
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if here(middle) else (inside, middle)
    return Boundary(probe, side, inside)
