"""Claims about averages: what they average over, their bias and its correction."""

from __future__ import annotations

from typing import Any

from derive.claims.claim import Claim, Finding
from derive.library.averages import ewma
from derive.stating.vocabulary import t, weights

AVERAGE: Any = ewma

CLAIMS = (
    Claim(
        "C005",
        "The weights of an exponentially weighted average sum to 1 - beta^t, hence the correction 1/(1 - beta^t).",
        ("Kingma & Ba 2015, section 3, arXiv:1412.6980",),
        "The sum of the weights of m after t steps is 1 - beta^t.",
        lambda: weights(AVERAGE.m).weight_sum == 1 - AVERAGE.beta**t,
        "proved",
        "A geometric sum, from a state that starts at zero and a constant beta.",
        (
            Finding(
                "after one step at beta = 0.9 a tenth of the weight is there",
                lambda: weights(AVERAGE.m).weight_sum.at(beta=0.9, t=1) == 0.1,
            ),
        ),
    ),
)
