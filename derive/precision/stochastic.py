"""Stochastic rounding: why it does without the thresholds of rounding to nearest."""

from __future__ import annotations

from derive.deriving.derivation import Derivation, define, equal
from derive.expr import Number, Symbol
from derive.proving import Assumptions
from derive.rule import POSITIVE, UNIT

LOWER, UNIT_HERE, UP = Symbol("lower"), Symbol("unit"), Symbol("p")
HELD = Symbol("v")


def unbiased() -> Derivation:
    """The mean of a value rounded up with probability p, p of the way from the number below to the one above.

    Forsythe 1950, Round-off errors in numerical integration on automatic machinery; Croci et al. 2022, Stochastic
    rounding, Royal Society Open Science 9.
    """
    given = Assumptions({UNIT_HERE.name: POSITIVE, UP.name: UNIT})
    x = LOWER + UP * UNIT_HERE
    mean = (1 - UP) * LOWER + UP * (LOWER + UNIT_HERE)
    spread = (1 - UP) * (LOWER - x) * (LOWER - x) + UP * (LOWER + UNIT_HERE - x) * (LOWER + UNIT_HERE - x)
    to_half = Number(1) / 4 - UP * (1 - UP)
    steps = (
        define(Symbol("x"), x, "a value between two numbers of the format, `p` of the way up"),
        equal(Symbol("E[rounded]"), mean, x, why="the mean of what is stored is the value", given=given),
        equal(
            Symbol("E[rounded - v]"), mean - HELD, x - HELD,
            why="so a buffer `v` changes by what it should in the mean, however small that is", given=given,
        ),
        equal(
            Symbol("E[(rounded - x)**2]"), spread, UP * (1 - UP) * (UNIT_HERE * UNIT_HERE),
            why="the price: noise", given=given,
        ),
        equal(None, to_half, (UP - Number(1) / 2) * (UP - Number(1) / 2),
              why="of at most a quarter of a unit squared, at `p = 1/2`", given=given),
    )  # fmt: skip
    return Derivation(
        title="Stochastic rounding",
        statement="The mean of a value rounded up with probability `p` is the value, for every `p` in [0, 1]: "
        "no change is too small to count, and averages decay and grow in the mean as over the reals.",
        assumptions=("`lower` and `lower + unit` are the two numbers of the format beside the value",),
        steps=steps,
        result=x,
        names={},
    )
