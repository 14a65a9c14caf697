"""A compiled descent: points of a grid, from where to where, shared by threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.reading.landscapes import LANES
from derive.rule import Rule
from kernels.certificate import Certificate
from kernels.checks import SUBNORMAL
from kernels.running.pool import over_chunks

Array = np.ndarray[Any, Any]
WORK = 1 << 22  # steps of coordinates: what one thread takes at once


@dataclass(frozen=True)
class Points:
    """What every point of a grid is made of, as the compiled entry takes it.

    Value k of point p is `values[places[k, 0] + p // places[k, 1] % places[k, 2]]`: the rule's hyperparameters, then
    the coordinates of the start. `data` and `least` are the problem's numbers and its minimum; `functions` a user's own
    gradient and loss, compiled.
    """

    values: Array
    places: Array
    data: Array
    least: Array
    steps: int
    within: float
    functions: tuple[Any, ...] = field(default=(), repr=False)

    def aligned(self) -> Points:
        """The same numbers as compiled code reads them."""
        values, places, data, least = (
            np.require(a, requirements=["C", "A"]) for a in (self.values, self.places, self.data, self.least)
        )
        return replace(self, values=values, places=places, data=data, least=least)


@dataclass(frozen=True)
class Found:
    """What was found of points, one number each: see `kernels.grids.result`."""

    loss: Array
    distance: Array
    largest: Array
    settled: Array

    @staticmethod
    def empty(count: int) -> Found:
        return Found(np.empty(count), np.empty(count), np.empty(count), np.empty(count, np.int64))

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.loss, self.distance, self.largest, self.settled

    def part(self, lo: int, hi: int) -> Found:
        """The places lo to hi, in the same memory."""
        return Found(self.loss[lo:hi], self.distance[lo:hi], self.largest[lo:hi], self.settled[lo:hi])

    def take(self, found: Found) -> None:
        """What was found elsewhere, copied here."""
        for mine, others in zip(self.arrays, found.arrays, strict=True):
            mine[...] = others


@dataclass(frozen=True)
class Descent:
    """A rule compiled for one kind of problem."""

    rule: Rule
    kind: str
    certificate: Certificate
    source: str
    entry: Callable[..., int] = field(repr=False, compare=False)

    def run(self, points: Points, lo: int, hi: int, found: Found, threads: bool = True) -> KeyboardInterrupt | None:
        """Run the points lo to hi, and put what is found of point p at p - lo.

        The answer is a Ctrl-C that came meanwhile and waits to be raised: all points are done. Raises UserError where a
        thread flushes subnormal numbers, and KeyboardInterrupt where not all points are done.
        """
        done: list[int] = []

        def part(first: int, last: int) -> None:
            self._enter(points, lo, lo + first, lo + last, found)
            done.append(last - first)

        try:
            if threads:
                over_chunks(part, hi - lo, LANES * -(-WORK // (LANES * max(1, points.steps * points.least.size))))
            else:
                part(0, hi - lo)
        except KeyboardInterrupt as interrupt:
            if sum(done) == hi - lo:
                return interrupt
            raise
        return None

    def _enter(self, points: Points, base: int, lo: int, hi: int, found: Found) -> None:
        given = (points.values, points.places, points.data, points.least, points.steps, points.within)
        code = self.entry(*given, SUBNORMAL, base, lo, hi, *found.arrays, *points.functions)
        if code:
            what = "this thread flushes subnormal numbers to zero, so results would differ"
            raise UserError(what, where=self.rule.name, fix="a loaded library set that mode; clear it")
