"""Claims about what momentum does: how far it goes, how it filters, and how its forms relate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import every, same, set_to
from derive.library.descent import gradient_descent
from derive.library.momentum import momentum
from derive.stating.limits import limit
from derive.stating.properties import effective_lr, stability_of
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import sqrt, t

MOMENTUM: Any = momentum

beta, lr = MOMENTUM.beta, MOMENTUM.lr


def travel(steps: Quantity) -> Quantity:
    """How far momentum goes in so many steps under the gradient 1."""
    result: Quantity = lr * (steps / (1 - beta) - beta * (1 - beta**steps) / (1 - beta) ** 2)
    return result


def radius(rule: Any, curvature: Fraction, decay: Fraction | None = None) -> Any:
    """The factor of a step in the long run at this lr h; lr is one."""
    given = {} if decay is None else {"beta": decay}
    return stability_of(rule).spectral_radius.at(lr=1, h=curvature, **given)


CLAIMS = (
    Claim(
        "C025",
        "Momentum 0.9 equals a ten times larger learning rate.",
        ("https://github.com/PaddlePaddle/Paddle/issues/1002",),
        "Under a constant gradient every step of momentum is 1/(1 - b) times lr g.",
        lambda: (effective_lr(MOMENTUM) == lr / (1 - beta)).where(lr > 0),
        "conditional",
        "The steps come to that in the end, and to first order where the curvature is small; until then b(1 - b^t)/"
        "(1 - b)^2 steps are missing. Where lr h is above (1 - sqrt(b))^2 the error shrinks by sqrt(b) a step, at "
        "every learning rate.",
        (
            Finding("at 0.9 the step tends to 10 lr g", lambda: limit(effective_lr(MOMENTUM).at(beta=0.9)) == 10 * lr),
            Finding(
                "after t steps it has gone lr g (t/(1 - b) - b(1 - b^t)/(1 - b)^2): by induction",
                lambda: travel(t) - travel(t - 1) == effective_lr(MOMENTUM),
            ),
            Finding(
                "at 0.9 it is behind by 90 lr g in the end",
                lambda: limit(lr * t * 10 - travel(t).at(beta=0.9)) == 90 * lr,
            ),
            Finding(
                "at lr h = 0.21 momentum multiplies the error by sqrt(0.9), descent with 10 lr by 1.1",
                lambda: (
                    (radius(MOMENTUM, Fraction("0.21"), Fraction("0.9")) == sqrt(0.9))
                    & (radius(gradient_descent, Fraction("2.1")) == 1.1)
                ),
            ),
            Finding(
                "at lr h = 0.1 descent with 10 lr is there in one step",
                lambda: radius(gradient_descent, Fraction(1)) == 0,
            ),
        ),
    ),
    Claim(
        "C026",
        "Under a constant gradient momentum comes to the velocity lr g/(1 - b).",
        (
            "Goodfellow, Bengio & Courville 2016, Deep learning, section 8.3.2",
            "https://d2l.ai/chapter_optimization/momentum.html",
        ),
        "The step over the gradient tends to lr/(1 - b).",
        lambda: limit(effective_lr(MOMENTUM)) == lr / (1 - beta),
        "proved",
        "A geometric sum: the weights of the buffer come to lr/(1 - b).",
        (
            Finding(
                "after t steps it is 1 - b^t of that", lambda: effective_lr(MOMENTUM) == lr * (1 - beta**t) / (1 - beta)
            ),
        ),
    ),
    Claim(
        "C043",
        "QHM with nu = b is Nesterov's rule, with nu = 1 momentum, and with nu = 0 plain descent.",
        ("Ma & Yarats 2018, arXiv:1810.06801",),
        "With these values the rules are the same algorithms, where the learning rate of QHM is lr/(1 - b) for the "
        "first two.",
        lambda: every(
            same(set_to("qhm", nu="beta"), "nesterov_torch", "B.lr = A.lr * (1 - A.beta)"),
            same(set_to("qhm", nu=1), "momentum", "B.lr = A.lr * (1 - A.beta)"),
            same(set_to("qhm", nu=0), "gradient_descent"),
        ),
        "proved",
        "Its buffer is an average, 1 - b times the sum that momentum keeps.",
        (Finding("with nu = 1 it is momentum as an average", lambda: same(set_to("qhm", nu=1), "momentum_ema")),),
    ),
)
