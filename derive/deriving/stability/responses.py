"""What a linear rule on a quadratic does, from what is derived of it: its recurrence, and its response to noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.deriving.experiment import plain_values
from derive.deriving.stability.closed import ClosedLoop
from derive.evaluate import exact
from derive.expr import Apply, Expr, symbols
from derive.rule import Rule

Values = Mapping[str, Fraction]
CURVATURES = tuple(Fraction(h) for h in (1, 0.5, 2, 0.25, 4, 0.125, 8))
QUICK = 0.75  # the factor of a step below which a run of some ten steps is a long one


def coefficients_at(loop: ClosedLoop, values: Values) -> list[Fraction] | None:
    """Those of the characteristic polynomial, lowest first; None where one is not rational. h is among the values."""
    return _rational(exact([loop.expr(c) for c in loop.coefficients], values))


def along_recurrence(
    rule: Rule,
    coefficients: Sequence[Fraction],
    idle: int,
    curvature: Fraction,
    values: Values,
    steps: int,
    start: Fraction = Fraction(1),
) -> dict[int, float]:
    """theta after each step: the rule's own first ones, and from there on what that recurrence makes of them.

    Empty where the first ones are not rational, or more than float64 can tell.
    """
    degree = len(coefficients) - 1
    first = degree + idle - 1
    thetas = [start, *run(rule, curvature, first, values, start)]
    if len(thetas) <= first:
        return {}
    for _ in range(steps - first):
        recent = zip(coefficients[:-1], thetas[-degree:], strict=True)
        thetas.append(-sum((c * theta for c, theta in recent), Fraction(0)) / coefficients[-1])
    try:
        return {t: float(theta) for t, theta in enumerate(thetas) if t}
    except OverflowError:
        return {}


def run(
    rule: Rule, curvature: Fraction, steps: int, values: Values | None = None, start: Fraction = Fraction(1)
) -> list[Fraction]:
    """theta after each step on curvature theta^2 / 2, exactly; shorter where a value is not rational."""
    constants = {**rule.defaults, **(values or {})}
    now: dict[str, Fraction] = {"theta": start}
    for state in rule.states:
        [now[state.name]] = exact([state.initial], {**constants, **now})  # type: ignore[assignment]
    found: list[Fraction] = []
    for t in range(1, steps + 1):
        here = {**constants, **now, "t": Fraction(t)}
        [query] = exact([rule.questions[0][1]], here)
        if not isinstance(query, Fraction):
            break
        after = exact(rule.step.values(), {**here, "g": curvature * query})
        if not all(isinstance(value, Fraction) for value in after):
            break
        now = dict(zip(rule.step, after, strict=True))  # type: ignore[arg-type]
        found.append(now["theta"])
    return found


def noise_response(loop: ClosedLoop, values: Values, steps: int) -> list[Fraction] | None:
    """theta in the steps after an error of one in a single gradient, from zero: the first entries of A^k B."""
    size = range(len(loop.transition))
    entries = [loop.expr(x) for row in loop.transition for x in row] + [loop.expr(row[0]) for row in loop.noise]
    found = _rational(exact(entries, values))
    if found is None:
        return None
    a, now = [found[i * len(size) : (i + 1) * len(size)] for i in size], found[-len(size) :]
    response = []
    for _ in range(steps):
        response.append(now[0])
        now = [sum((x * y for x, y in zip(row, now, strict=True)), Fraction(0)) for row in a]
    return response


def factor_at(loop: ClosedLoop, curvature: Fraction, values: Values) -> float:
    """By how much a step multiplies theta in the long run at these values, roughly: the largest zero of p."""
    import numpy

    found = coefficients_at(loop, {**values, loop.curvature.name: curvature})
    zeros = numpy.roots([float(c) for c in reversed(found or ())])
    return max((float(abs(z)) for z in zeros), default=0.0)


def is_quick(loop: ClosedLoop, curvature: Fraction, values: Values, steps: int) -> bool:
    """Whether in so many steps it is seen whether theta shrinks or grows: to a hundredth, or a hundred times."""
    factor = factor_at(loop, curvature, values) ** steps
    return factor < 0.01 or factor > 100


def decided_by_curvature(loop: ClosedLoop, condition: Expr, values: Values) -> bool:
    """Whether one of the conditions is about the curvature, and all others hold at these values."""
    parts = [condition]
    while any(isinstance(part, Apply) and part.op == "and" for part in parts):
        parts = [p for part in parts for p in (part.args if isinstance(part, Apply) and part.op == "and" else (part,))]
    others = [part for part in parts if loop.curvature.name not in symbols(part)]
    return len(others) == len(parts) - 1 and all(value is True for value in exact(others, values))


def quick_setting(loop: ClosedLoop) -> dict[str, Fraction] | None:
    """Plain hyperparameters and a curvature at which theta shrinks quickly; None where none of some is so."""
    values = plain_values(loop.rule)
    for curvature in CURVATURES:
        if 0 < factor_at(loop, curvature, values) < QUICK:
            return {**values, loop.curvature.name: curvature}
    return None


def starts_at_zero(rule: Rule, values: Values) -> bool:
    """Whether every state begins as zero where theta does."""
    return not any(exact([state.initial for state in rule.states], {**values, "theta": Fraction(0)}))


def _rational(found: Sequence[object]) -> list[Fraction] | None:
    values = [value for value in found if isinstance(value, Fraction)]
    return values if len(values) == len(found) else None
