"""What a formula foretells of a run: plain values for the hyperparameters, no two alike, and the formula at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import product

from derive.deriving.experiment import decimals
from derive.evaluate import enclosed
from derive.expr import Expr, Symbol, symbols
from derive.rule import Rule

PLAIN = tuple(Fraction(n, 8) for n in (4, 6, 7, 2, 5, 3, 1))  # floats know them; decays grow as usual
QUICK = tuple(Fraction(1, n) for n in (2, 4, 3, 5, 6))  # as decays they let everything settle within 40 steps
SIGNED = tuple(Fraction(g) for g in (1, -2, 3, Fraction(1, 2), -1, 4))
NEAR = 1e-10
MOVED = Symbol("before.theta") - Symbol("theta")  # the step, as a run shows it


def plain_values(rule: Rule, zero: Iterable[str] = (), *, choices: tuple[Fraction, ...] = PLAIN) -> dict[str, Fraction]:
    """A value of its own for every hyperparameter, where its domain allows: one in another's place is noticed."""
    values = {}
    for place, h in enumerate(rule.hyperparameters):
        turned = (*choices[place % len(choices) :], *choices[: place % len(choices)])
        other = Fraction(1) if h.default is None else h.default
        values[h.name] = next((value for value in turned if value in h.domain), other)
    return values | dict.fromkeys(zero, Fraction(0))


def foretold(formula: Expr, values: Mapping[str, Fraction], steps: Iterable[int]) -> dict[int, float] | None:
    """The formula at these values after each of the steps; None where it has no value, or needs another name."""
    if not symbols(formula) <= {*values, "t"}:
        return None
    return decimals({t: enclosed([formula], {**values, "t": Fraction(t)})[0] for t in steps})


def settled(formula: Expr, end: Expr, values: Mapping[str, Fraction], step: int) -> dict[int, float] | None:
    """What the formula tends to, foretold of a step by which it is there at these values; None where it is not."""
    there, reached = foretold(formula, values, (step,)), foretold(end, values, (step,))
    if there is None or reached is None or abs(there[step] - reached[step]) > NEAR:
        return None
    return reached


def a_number(expr: Expr, values: Mapping[str, Fraction]) -> Fraction | None:
    """The formula at these values, rounded where it is irrational; None where it has no value."""
    if not symbols(expr) <= {*values}:
        return None
    [value] = enclosed([expr], values)
    found = decimals({0: value})
    return value if isinstance(value, Fraction) else None if found is None else Fraction(found[0])


def every_sign(steps: int) -> tuple[tuple[Fraction, ...], ...]:
    """Gradients of size one: a coordinate for every sequence of signs, so that means over all are exact."""
    return tuple(zip(*product((Fraction(1), Fraction(-1)), repeat=steps), strict=True))
