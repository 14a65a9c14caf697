"""Iterations of one number, s -> p(s): fixed points with their slopes, and where an interval is after some steps.

What the polynomial iterations of orthogonalising optimizers do to each singular value, the Newton-Schulz steps of Muon
(Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) for instance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

from derive.algebra.differentiating import derivative
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions
from derive.rule import Domain

SAMPLES = 2_000
DIGITS = 10**4  # ends of ranges are rounded outwards to so many parts of one
WIDTH = Fraction(1, 10**9)


def scalar_iteration(step: Expr, low: Fraction, high: Fraction, times: int, name: str = "s") -> Derivation:
    """The iteration s -> step from every s in [low, high]: its fixed points there or near, and its range after `times`.

    The fixed points are bracketed between rationals by a change of sign; a slope above one in size, shown in the whole
    bracket, is what keeps an iteration from settling there.
    """
    chain = list(_ranges(step, name, low, high, times))
    last = chain[-1][1] if chain else (low, high)
    widest = max(end for _, (_, end) in chain) if chain else high
    brackets = list(_brackets(step, name, low, max(high, widest)))
    points = [_fixed_point(step, name, bracket) for bracket in brackets]
    shown = ", ".join(
        f"{float(bracket[0]):.6g}" + (" (repelling)" if repels else "")
        for bracket, (_, repels) in zip(brackets, points, strict=True)
    )
    one = substitute([step], {name: Number(1)})[0]
    [at_one] = exact([one], {})
    return Derivation(
        title="An iteration of one number",
        statement=f"From [{low}, {high}], {times} steps of {code(step)} lead into [{last[0]}, {last[1]}]. Fixed points "
        f"in reach: {shown or 'none'}; 1 leads to {at_one}.",
        assumptions=(),
        steps=(
            define(Symbol("p(s)"), step, "the iteration"),
            equal(
                Symbol("p(1)"),
                one,
                Number(at_one if isinstance(at_one, Fraction) else 0),
                given=Assumptions({}),
                why="where one leads",
            ),
            *(found for steps, _ in points for found in steps),
            *(_range_step(step, name, before, after) for before, after in chain),
        ),
        result=step,
        names={},
        quantities={
            "slope": derivative(step, name),
            "at_one": one,
            "range_low": Number(last[0]),
            "range_high": Number(last[1]),
            **{f"fixed_point_{k}": Number(b[0]) for k, b in enumerate(brackets, 1)},
        },
    )


def _at(step: Expr, name: str, value: Fraction) -> Fraction:
    [found] = exact([step], {name: value})
    assert isinstance(found, Fraction)
    return found


Ends = tuple[Fraction, Fraction]


def _ranges(step: Expr, name: str, low: Fraction, high: Fraction, times: int) -> Iterator[tuple[Ends, Ends]]:
    """An interval, and one that its image certainly lies in, step by step."""
    for _ in range(times):
        values = [_at(step, name, low + (high - low) * Fraction(k, SAMPLES)) for k in range(SAMPLES + 1)]
        least = Fraction(floor(min(values) * DIGITS) - 1, DIGITS)
        most = Fraction(ceil(max(values) * DIGITS) + 1, DIGITS)
        yield (low, high), (least, most)
        low, high = least, most


def _range_step(step: Expr, name: str, before: Ends, after: Ends) -> Step:
    inside = apply("and", apply("ge", step, after[0]), apply("le", step, after[1]))
    given = Assumptions({name: Domain(before[0], before[1])})
    return holds(inside, given=given, why=f"one step from [{before[0]}, {before[1]}]")


def _brackets(step: Expr, name: str, low: Fraction, high: Fraction) -> Iterator[Ends]:
    """Short intervals in which step - s changes its sign."""

    def gap(value: Fraction) -> Fraction:
        return _at(step, name, value) - value

    parts = 200
    ends = [low + (high - low) * Fraction(k, parts) for k in range(parts + 1)]
    for below, above in itertools.pairwise(ends):
        if gap(below) * gap(above) < 0:
            while above - below > WIDTH:
                middle = Fraction(round((below + above) / 2 * 10**12), 10**12)
                below, above = (below, middle) if gap(below) * gap(middle) < 0 else (middle, above)
            yield below, above


def _fixed_point(step: Expr, name: str, bracket: Ends) -> tuple[list[Step], bool]:
    """The change of sign, and the slope in the bracket where it is above one in size, or below."""
    gaps = [substitute([step], {name: Number(end)})[0] - Number(end) for end in bracket]
    where = f"between {float(bracket[0]):.9f} and {float(bracket[1]):.9f}"
    changes = apply("lt", gaps[0] * gaps[1], 0)
    steps = [holds(changes, given=Assumptions({}), why=f"p(s) - s changes its sign {where}")]
    slope, given = derivative(step, name), Assumptions({name: Domain(bracket[0], bracket[1])})
    outward = holds(apply("gt", apply("abs", slope), 1), given=given,
                    why="the slope there is above one in size: the fixed point repels")  # fmt: skip
    if outward.verdict:
        return [*steps, outward], True
    inward = holds(apply("lt", apply("abs", slope), 1), given=given, why="the slope there is below one in size")
    return [*steps, *([inward] if inward.verdict else [])], False
