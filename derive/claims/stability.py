"""Claims about stability on quadratics: which learning rates and factors converge, and what noise is left."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import about, written
from derive.library.adam import adam
from derive.library.descent import gradient_descent
from derive.library.momentum import momentum, nesterov
from derive.library.nadam import nadam_constant
from derive.library.rmsprop import rmsprop
from derive.stating.properties import stability_of, stable_region, stationary_variance
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number

MOMENTUM: Any = momentum
NESTEROV: Any = nesterov
DESCENT: Any = gradient_descent
ADAM: Any = adam
RMSPROP: Any = rmsprop
NADAM: Any = nadam_constant

lr, beta = MOMENTUM.lr, MOMENTUM.beta
h, x, sigma2 = (any_number(name, "positive") for name in ("h", "x", "sigma2"))
lr_h = lr * h

ANY_FACTOR = """
def any_factor(theta, g, v=0, *, lr=nonnegative(0.01), beta=real(0.9)):
    v = beta * v + lr * g
    theta = theta - v
    return theta, v
"""


def stability(rule: Any) -> Any:
    """What is derived of the runs of a rule on h x^2/2."""
    return stability_of(rule)


def radius(rule: Any, rate: str, decay: str) -> Any:
    """The factor of a step in the long run at this lr h and this momentum."""
    return stability(rule).spectral_radius.at(lr=1, h=Fraction(rate), beta=Fraction(decay))


def descended(gradient: Any, steps: int = 1, **values: Any) -> Run:
    """Plain descent from x."""
    return run(DESCENT, gradient=gradient, steps=steps, start=x, **values)


def any_factor() -> Any:
    """The factor of momentum as any real number."""
    rule: Any = written(ANY_FACTOR)
    return rule.beta


def nesterovs_threshold() -> Any:
    """2(1 + b)/((1 - b)(1 + 2 b))."""
    return 2 * (1 + ADAM.beta1) / ((1 - ADAM.beta1) * (1 + 2 * ADAM.beta1))


CLAIMS = (
    Claim(
        "C029",
        "Heavy ball on a quadratic is stable exactly where 0 < lr h < 2(1 + b).",
        ("Goh 2017, Why momentum really works, https://distill.pub/2017/momentum/",),
        "Runs on h x^2/2 tend to 0 from everywhere exactly where 0 < lr h < 2(1 + b).",
        lambda: stable_region(MOMENTUM).same_as((lr_h > 0) & (lr_h < 2 * (1 + beta))),
        "proved",
        "By the Jury conditions of z^2 - (1 + b - lr h) z + b, for 0 <= b < 1, in the velocity form.",
        (Finding("without momentum it is 2", lambda: stability(MOMENTUM).threshold.at(beta=0) == 2),),
    ),
    Claim(
        "C031",
        "Adam becomes unstable where the preconditioned sharpness exceeds 38/lr.",
        ("Cohen et al. 2022, Adaptive gradient methods at the edge of stability, arXiv:2207.14484",),
        "With its preconditioner held Adam bears preconditioned curvatures below 38/lr.",
        lambda: (stability(ADAM).preconditioned_threshold == 38 / ADAM.lr).where(ADAM.lr > 0),
        "conditional",
        "2(1 + b1)/((1 - b1) lr) is 38/lr at b1 = 0.9 only. On a quadratic, with the preconditioner held; Nesterov's "
        "momentum bears less.",
        (
            Finding(
                "it is 2(1 + b1)/((1 - b1) lr)",
                lambda: (
                    stability(ADAM).preconditioned_threshold == 2 * (1 + ADAM.beta1) / ((1 - ADAM.beta1) * ADAM.lr)
                ).where(ADAM.lr > 0),
            ),
            Finding(
                "Adam with Nesterov's momentum bears 2(1 + b1)/((1 - b1)(1 + 2 b1) lr), which is 13.57/lr at 0.9",
                lambda: (
                    about(stability(NADAM).preconditioned_threshold.at(lr=1, beta1=0.9), 13.57, 2e-3)
                    & (stability(NADAM).preconditioned_threshold.at(lr=1) == nesterovs_threshold())
                ),
            ),
            Finding(
                "RMSProp, without momentum, bears 2/lr",
                lambda: (stability(RMSPROP).preconditioned_threshold == 2 / RMSPROP.lr).where(RMSPROP.lr > 0),
            ),
        ),
    ),
    Claim(
        "C032",
        "Nesterov's momentum tolerates larger learning rates than classical momentum.",
        ("https://www.aryanupadhyay.com/post/deep-learning-optimizers-explained-nag-adagrad-rmsprop-and-adam",),
        "On a quadratic the threshold of lr h is larger for Nesterov's rule than for momentum.",
        lambda: stability(NESTEROV).threshold > stability(MOMENTUM).threshold,
        "refuted",
        "It is 2(1 + b)/(1 + 2 b), smaller by 1 + 2 b, and below that of plain descent.",
        (
            Finding("it is never larger", lambda: stability(NESTEROV).threshold <= stability(MOMENTUM).threshold),
            Finding(
                "at 0.9 they are 1.357 and 3.8",
                lambda: (
                    about(stability(NESTEROV).threshold.at(beta=0.9), 1.357, 1e-3)
                    & (stability(MOMENTUM).threshold.at(beta=0.9) == 3.8)
                ),
            ),
            Finding("it is at most that of descent, 2", lambda: stability(NESTEROV).threshold <= 2),
            Finding(
                "at lr h = 1.5 and b = 0.9 momentum shrinks the error, and Nesterov's rule makes it larger",
                lambda: (radius(MOMENTUM, "1.5", "0.9") < 1) & (radius(NESTEROV, "1.5", "0.9") > 1),
            ),
        ),
    ),
    Claim(
        "C038",
        "With 1/L < lr < 2/L descent overshoots at every step along the stiffest axis, and yet converges.",
        ("https://gbasran.github.io/ADAM-Machine-Learning-Deepdive/concept-03-gradient-descent-full.html",),
        "On h x^2/2 with 1 < lr h < 2 every step from x > 0 leads below 0, and nearer to it.",
        lambda: (
            (descended(lambda theta: h * theta, defaults=False).theta[1] < 0)
            & (descended(lambda theta: h * theta, defaults=False).theta[1] > -x)
        ).where(lr_h > 1, lr_h < 2),
        "proved",
        "The factor 1 - lr h lies between -1 and 0.",
        (Finding("and runs tend to 0", lambda: stable_region(DESCENT).where(lr_h > 1, lr_h < 2)),),
    ),
    Claim(
        "C044",
        "The momentum factor must lie in [0, 1).",
        ("an answer on ai.stackexchange.com, by the likeness to friction",),
        "With the factor -1/2 momentum does not converge on h x^2/2 at lr h = 0.99.",
        lambda: ~stable_region(written(ANY_FACTOR)).at(lr=1, h=0.99, beta=Fraction(-1, 2)),
        "refuted",
        "It is stable for -1 < b < 1 with 0 < lr h < 2(1 + b): a negative factor only takes from the range.",
        (
            Finding(
                "at b = -1/2 and lr h = 0.99 a step multiplies by 0.993",
                lambda: about(radius(written(ANY_FACTOR), "0.99", "-0.5"), 0.993, 1e-3),
            ),
            Finding(
                "it is stable exactly where -1 < b < 1 and 0 < lr h < 2(1 + b)",
                lambda: stable_region(written(ANY_FACTOR)).same_as(
                    (any_factor() > -1) & (any_factor() < 1) & (lr_h > 0) & (lr_h < 2 * (1 + any_factor()))
                ),
            ),
        ),
    ),
    Claim(
        "C046",
        "On a noisy quadratic momentum keeps the variance lr s2 (1 + b)/(h (1 - b)(2 (1 + b) - lr h)).",
        ("often derived; for small lr: Mandt, Hoffman & Blei 2017, arXiv:1704.04289",),
        "With independent errors of variance sigma2 in every gradient of h x^2/2 that is the variance of x in the end.",
        lambda: (
            stationary_variance(MOMENTUM) == lr * sigma2 * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - lr_h))
        ).where(lr > 0, lr_h < 2 * (1 + beta)),
        "proved",
        "The solution of the Lyapunov equation of the pair of x and v, in the stable region.",
        (
            Finding(
                "without momentum it is lr s2/(h (2 - lr h))",
                lambda: (stationary_variance(DESCENT) == lr * sigma2 / (h * (2 - lr_h))).where(lr > 0, lr_h < 2),
            ),
        ),
    ),
)
