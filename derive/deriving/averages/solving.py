"""A gradient at which something that depends on it has a wanted value: proposed in floats, and seen to be so."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from derive.evaluate import enclosed
from derive.expr import Expr

EXPONENTS = (-64, 32)  # sizes of gradients, as powers of two, between which one is looked for
ROUNDS = 40
CLOSE = 1e-13


@lru_cache(maxsize=1024)
def solution(signal: Expr, source: str, wanted: Fraction) -> Fraction | None:
    """A gradient at which the signal, which depends on it alone, has the wanted value up to rounding; None if unseen.

    Tried are a line and a parabola through three values, then gradients of very different sizes.
    """

    def value(gradient: float) -> float:
        if not math.isfinite(gradient):
            return math.nan
        [found] = enclosed([signal], {source: Fraction(gradient)})
        return as_float(found)

    aim = as_float(wanted)
    at_zero, above, below = value(0.0), value(1.0), value(-1.0)
    for candidate in _by_parabola(at_zero - aim, above - aim, below - aim):
        if abs(value(candidate) - aim) <= CLOSE * max(1.0, abs(aim)):
            return Fraction(candidate)
    up = _by_sizes(value, aim)
    if up is not None:
        return Fraction(up)
    down = _by_sizes(lambda size: value(-size), aim)
    return None if down is None else Fraction(-down)


def _by_parabola(at_zero: float, above: float, below: float) -> Iterator[float]:
    """Zeros of the line through the values at 0 and 1, and of the parabola through those at -1, 0 and 1."""
    if not all(map(math.isfinite, (at_zero, above, below))):
        return
    if above != at_zero:
        yield at_zero / (at_zero - above)
    square, slope = (above + below) / 2 - at_zero, (above - below) / 2
    root = math.sqrt(max(0.0, slope * slope - 4 * square * at_zero))
    if square:
        yield from ((root - slope) / (2 * square), (-root - slope) / (2 * square))


def _by_sizes(value: Callable[[float], float], aim: float) -> float | None:
    """The size of a gradient, by Ridders' method on it as a power of two (IEEE Trans. Circuits Syst. 26, 1979)."""
    low, high = (float(e) for e in EXPONENTS)
    below, above = value(math.exp2(low)) - aim, value(math.exp2(high)) - aim
    for _ in range(ROUNDS):
        if not below * above < 0:
            break
        middle = (low + high) / 2
        between = value(math.exp2(middle)) - aim
        root = math.sqrt(between * between - below * above)
        guess = middle + (middle - low) * math.copysign(1.0, below - above) * between / root
        found = value(math.exp2(guess)) - aim
        if abs(found) <= CLOSE * max(1.0, abs(aim)):
            return math.exp2(guess)
        ends = sorted([(low, below), (high, above), (middle, between), (guess, found)])
        for (left, at_left), (right, at_right) in itertools.pairwise(ends):
            if at_left * at_right <= 0:
                low, below, high, above = left, at_left, right, at_right
                break
    return None


def as_float(value: Any) -> float:
    """The value as a float; not a number where it is none, or not decided."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
