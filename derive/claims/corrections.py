"""Claims about leaving out the bias correction."""

from __future__ import annotations

from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import about
from derive.library.adam import adam
from derive.library.momentum import momentum_ema
from derive.stating.extremes import largest, onset
from derive.stating.properties import correction_multiplier
from derive.stating.quantities import Statement
from derive.stating.vocabulary import any_number, minimum, sqrt, t

WIKI = "https://saikatkumardey.com/ml-wiki/concepts/bias-correction"
ADAM: Any = adam
EMA: Any = momentum_ema

warmup = any_number("warmup", "whole")


def multiplier() -> Any:
    """The step of Adam without its corrections over that with them."""
    return correction_multiplier(ADAM, without=True)


def within(difference: float, **values: float) -> Statement:
    """That the multiplier at these decays, else the defaults, differs from 1 by no more than this."""
    statement: Statement = abs(multiplier().at(**values).at_defaults - 1) <= difference
    return statement


def highest(steps: int) -> Any:
    """The largest multiplier of the planned learning rate, where that rises linearly for so many steps."""
    return largest(multiplier().at_defaults * minimum(1, t / steps))


CLAIMS = (
    Claim(
        "C007",
        "Without bias correction Adam's first updates are too small.",
        (WIKI,),
        "At the defaults the step without corrections is smaller than that with them, at every step.",
        lambda: multiplier().at_defaults < 1,
        "refuted",
        "m is a tenth of what it should be, but the root of v a thirty-second: the quotient is too large. Too small it "
        "is where nothing is divided, or where both decays are equal.",
        (
            Finding("the first step is sqrt(10) times too long", lambda: multiplier().at_defaults.at(t=1) == sqrt(10)),
            Finding(
                "the factor is largest at t = 12, where it is 6.569",
                lambda: (
                    (largest(multiplier().at_defaults).step == 12)
                    & about(largest(multiplier().at_defaults), 6.569, 1e-3)
                ),
            ),
            Finding(
                "with equal decays it is below 1", lambda: (multiplier().at(beta2=ADAM.beta1) < 1).where(ADAM.beta1 > 0)
            ),
            Finding("without a second moment too", lambda: (correction_multiplier(EMA) < 1).where(EMA.beta > 0)),
        ),
    ),
    Claim(
        "C008",
        "Bias correction matters most in the first 100 to 500 steps.",
        (WIKI,),
        "At the defaults the step without corrections is within 5% of that with them from t = 500 on.",
        lambda: within(0.05).where(t >= 500),
        "refuted",
        "v fills up in 1/(1 - beta2) = 1000 steps: at t = 500 the step is still 1.59 times too long. The error is "
        "largest early, but it takes thousands of steps to vanish.",
        (
            Finding("at t = 500 it is 1.594", lambda: about(multiplier().at_defaults.at(t=500), 1.594, 1e-3)),
            Finding("at t = 100 it is 3.24", lambda: about(multiplier().at_defaults.at(t=100), 3.24, 5e-3)),
            Finding("5% takes 2375 steps", lambda: onset(within(0.05)) == 2375),
            Finding("1% takes 3925 steps", lambda: onset(within(0.01)) == 3925),
            Finding("with beta2 = 0.99 5% takes 237 steps", lambda: onset(within(0.05, beta2=0.99)) == 237),
        ),
    ),
    Claim(
        "C010",
        "Leaving out bias correction does not matter if a reasonable warm-up is used.",
        ("https://github.com/google-research/bert/issues/153",),
        "At the end of a linear warm-up of this many steps, at the defaults, the step is at most 5% too long.",
        lambda: multiplier().at_defaults.at(t=warmup) <= 1.05,
        "conditional",
        "It has to last as long as the correction: 2375 steps for 5%. Then the rate stays within 5% of its plan before "
        "and after too.",
        (
            Finding(
                "with 2375 steps it is never 5% above its plan, for all t",
                lambda: multiplier().at_defaults * minimum(1, t / 2375) <= 1.05,
            ),
            Finding(
                "and with more it is below that",
                lambda: (minimum(1, t / warmup) <= minimum(1, t / 2375)).where(warmup >= 2375),
            ),
            Finding("with 100 steps it is 3.24 times its plan", lambda: about(highest(100), 3.24, 5e-3)),
            Finding("with 1000 steps 1.26", lambda: about(highest(1000), 1.26, 5e-3)),
            Finding("with 2000 steps 1.075", lambda: about(highest(2000), 1.075, 1e-3)),
            Finding("with 10,000 steps 1.00002", lambda: about(highest(10_000), 1.00002, 1e-5)),
        ),
        condition=lambda: warmup >= 2375,
    ),
)
