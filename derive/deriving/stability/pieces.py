"""A linear rule on a gradient of straight pieces: its exact run, and the cycle in which that is certified to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.deriving.stability.noise import lyapunov
from derive.evaluate import exact
from derive.linear.matrices import (
    Matrix,
    beside,
    identity_matrix,
    matrix,
    plus,
    reduced_rows,
    scaled,
    times,
    transposed,
)
from derive.linear.ratios import number
from derive.linear.system import LinearSystem
from derive.rule import Rule

LONGEST = 6


@dataclass(frozen=True)
class Piece:
    """f'(x) = slope x + offset for low <= x < high; None is an infinite end."""

    low: Fraction | None
    high: Fraction | None
    slope: Fraction
    offset: Fraction

    def __contains__(self, x: Fraction) -> bool:
        return (self.low is None or x >= self.low) and (self.high is None or x < self.high)

    def distance(self, x: Fraction) -> Fraction | None:
        """How far x is from the nearest end."""
        ends = [abs(x - end) for end in (self.low, self.high) if end is not None]
        return min(ends, default=None)


@dataclass(frozen=True)
class Run:
    """theta and states before each step, and the piece that answers it."""

    states: tuple[tuple[Fraction, ...], ...]
    pieces: tuple[Piece, ...]
    gradients: tuple[Fraction, ...]


@dataclass(frozen=True)
class Certified:
    """The points of a cycle; from step `since` on the run stays on its pieces, and `energy` shrinks."""

    points: tuple[tuple[Fraction, ...], ...]
    pieces: tuple[Piece, ...]
    transition: Matrix
    weights: Matrix
    since: int
    energy: Fraction
    allowed: Fraction
    phase: int

    def after(self, steps: int) -> Fraction:
        """theta on the cycle, as far on as the run is after so many steps."""
        return self.points[(steps - self.phase) % len(self.points)][0]


def run_on(rule: Rule, pieces: Sequence[Piece], start: Fraction, steps: int) -> Run:
    """The rule without hyperparameters on that gradient, in exact arithmetic."""
    names = ("theta", *rule.state_names)
    now: dict[str, Fraction] = {"theta": start}
    for state in rule.states:
        [now[state.name]] = exact([state.initial], now)  # type: ignore[assignment]
    states, passed, gradients = [tuple(now[n] for n in names)], list[Piece](), list[Fraction]()
    for _ in range(steps):
        [query] = exact([rule.questions[0][1]], now)
        assert isinstance(query, Fraction)
        piece = next(p for p in pieces if query in p)
        gradients.append(piece.slope * query + piece.offset)
        after = exact(rule.step.values(), {**now, "g": gradients[-1]})
        now = dict(zip(rule.step, after, strict=True))  # type: ignore[arg-type]
        states.append(tuple(now[n] for n in names))
        passed.append(piece)
    return Run(tuple(states), tuple(passed), tuple(gradients))


def certified(system: LinearSystem, run: Run) -> Certified | None:
    """The cycle in which the run ends, where all its pieces have one slope; None where none is certified."""
    pattern = _period(run.pieces)
    if pattern is None or len({p.slope for p in pattern}) != 1:
        return None
    slope = pattern[0].slope
    transition = plus(system.transition, scaled(number(slope), times(system.input, system.output)))
    points = _fixed(system, transition, pattern)
    weights = lyapunov(transposed(transition, len(transition)), identity_matrix(len(transition)))
    if points is None or weights is None or len(weights) > 2:
        return None
    reach = _reach(system, weights)
    queries = [_query(system, point) for point in points]
    margins = [piece.distance(q) for piece, q in zip(pattern, queries, strict=True) if q in piece]
    if reach is None or reach <= 0 or len(margins) < len(points) or None in margins:
        return None
    allowed = min(m for m in margins if m is not None) ** 2 / reach
    phase = len(run.pieces) - len(pattern)
    for since in range(len(run.pieces)):
        point = points[(since - phase) % len(points)]
        energy = _energy(weights, [a - b for a, b in zip(run.states[since], point, strict=True)])
        if energy < allowed:
            return Certified(points, pattern, transition, weights, since, energy, allowed, phase)
    return None


def _period(pieces: Sequence[Piece]) -> tuple[Piece, ...] | None:
    """The shortest pattern that the second half of the run repeats, more than one point long."""
    tail = pieces[len(pieces) // 2 :]
    for length in range(2, LONGEST + 1):
        pattern = tuple(pieces[-length:])
        if len(set(pattern)) > 1 and all(tail[i] == tail[i + length] for i in range(len(tail) - length)):
            return pattern
    return None


def _fixed(
    system: LinearSystem, transition: Matrix, pattern: Sequence[Piece]
) -> tuple[tuple[Fraction, ...], ...] | None:
    """The states that a whole period of steps brings back."""
    size = len(transition)
    total, constant = identity_matrix(size), matrix([[number(0)]] * size)
    for piece in pattern:
        total = times(transition, total)
        constant = plus(times(transition, constant), scaled(number(piece.offset), system.input))
    rows, pivots = reduced_rows(beside(plus(identity_matrix(size), scaled(number(-1), total)), constant))
    if pivots != tuple(range(size)):
        return None
    point = matrix([[row[-1]] for row in rows])
    found = []
    for piece in pattern:
        values = [row[0].constant() for row in point]
        found.append(tuple(v for v in values if v is not None))
        point = plus(times(transition, point), scaled(number(piece.offset), system.input))
    return tuple(found)


def _query(system: LinearSystem, point: Sequence[Fraction]) -> Fraction:
    return sum(
        ((c.constant() or Fraction(0)) * x for c, x in zip(system.output[0], point, strict=True)), start=Fraction(0)
    )


def _energy(weights: Matrix, error: Sequence[Fraction]) -> Fraction:
    """e' W e."""
    return sum(
        ((weights[i][j].constant() or Fraction(0)) * a * b for i, a in enumerate(error) for j, b in enumerate(error)),
        start=Fraction(0),
    )


def _reach(system: LinearSystem, weights: Matrix) -> Fraction | None:
    """C W^-1 C': a squared error of the queried point is at most that times the energy."""
    size = len(weights)
    rows, pivots = reduced_rows(beside(weights, transposed(system.output, size)))
    if pivots != tuple(range(size)):
        return None
    return _query(system, [row[-1].constant() or Fraction(0) for row in rows])
