"""Claims about the size of steps: what adaptive rules do with large, small, clipped and rescaled gradients."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import same, written
from derive.library.lookup import find_rule
from derive.stating.quantities import Quantity
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number, sqrt

a, b, c, lr = (any_number(name, "positive") for name in ("a", "b", "c", "eta"))
x, y = any_number("x"), any_number("y")
RMSPROP: Any = find_rule("rmsprop")

CLIPPED = """
def clipped(theta, g, t, m=0, v=0, *,
            lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8), c=positive(1.0)):
    g = minimum(maximum(g, -c), c)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v
"""


def without_eps(gradients: list[Any], **values: Any) -> Run:
    """RMSProp without epsilon, its decay open unless given."""
    return run(RMSPROP, gradients, eps=0, defaults=False, **values)


def warmed(*gradients: int) -> Run:
    """RMSProp at decay 0.9 and learning rate 1 after 200 gradients of size one, then these."""
    return run(RMSPROP, [*[1] * 200, *gradients], beta=Fraction(9, 10), eps=0, lr=1)


def descent(curvature: Quantity, rate: Quantity, start: Quantity) -> Run:
    """Two steps of Adam, at its defaults but without epsilon, on h x^2/2."""
    return run("adam", gradient=lambda theta: curvature * theta, steps=2, start=start, lr=rate, eps=0)


CLAIMS = (
    Claim(
        "C020",
        "v_t is the variance of the gradient.",
        ("https://www.workatafrontierlab.com/lessons/foundations/adam-internals",),
        "For a gradient that is x or y with even chances, the mean of its square is its variance.",
        lambda: (x**2 + y**2) / 2 == ((x - y) / 2) ** 2,
        "conditional",
        "It is the mean of the square: the variance plus the square of the mean. The two agree where the mean is zero.",
        (
            Finding(
                "under a constant gradient 3, whose variance is 0, v is above 8.99 after 1,000 steps of RMSProp",
                lambda: run(RMSPROP, [3] * 1000, beta=Fraction(9, 10)).v[1000] > 8.99,
            ),
        ),
    ),
    Claim(
        "C073",
        "RMSProp takes bigger steps where gradients are small.",
        ("https://deepai.org/machine-learning-glossary-and-terms/rmsprop",),
        "Under a constant gradient a < b the third step is longer than under b, without epsilon.",
        lambda: (without_eps([a] * 3).moved(3) > without_eps([b] * 3).moved(3)).where(a < b),
        "refuted",
        "The rate is larger, the step is not: only the size of a gradient against those before it counts.",
        (
            Finding("the two are equal", lambda: without_eps([a] * 3).moved(3) == without_eps([b] * 3).moved(3)),
            Finding(
                "after a sudden drop from 1 to 1/100 the step is below lr/90, smaller and not larger",
                lambda: (
                    run(RMSPROP, [*[1] * 200, Fraction(1, 100)], beta=0.9, eps=0, lr=1).moved(201) < Fraction(1, 90)
                ),
            ),
        ),
    ),
    Claim(
        "C076",
        "RMSProp is roughly sign(g).",
        ("https://community.deeplearning.ai/t/week-2-rmsprop-intuition/20263",),
        "The second step of RMSProp without epsilon is lr g/|g|, for any two gradients other than 0.",
        lambda: (without_eps([x, y]).moved(2) == any_number("lr", "nonnegative") * y / abs(y)).where(x != 0, y != 0),
        "conditional",
        "g/sqrt(v) is the sign where |g| does not change, and long after the start. It is so for all gradients only "
        "without memory (beta = 0).",
        (
            Finding(
                "after gradients of size 1, a gradient 10 gives a step of 3.03 lr, the 1 after it 0.318 lr",
                lambda: (abs(warmed(10, 1).moved(201) - 3.03) < 0.01) & (abs(warmed(10, 1).moved(202) - 0.318) < 0.001),
            ),
            Finding("while |g| stays 1 the step is lr", lambda: abs(warmed(1).moved(201) - 1) < 1e-9),
        ),
        condition=lambda: RMSPROP.beta == 0,
    ),
    Claim(
        "C079",
        "Gradient clipping has no effect with Adam.",
        (
            "https://github.com/Jongchan/tensorflow-vdsr/issues/27",
            "https://github.com/Jongchan/tensorflow-vdsr/issues/28",
        ),
        "Adam with its gradient clipped to [-c, c] is Adam.",
        lambda: same(written(CLIPPED), "adam"),
        "refuted",
        "Clipping shrinks some gradients and not others, which changes their weights in both averages. Only a factor "
        "that is the same at every step is divided away.",
        (
            Finding(
                "clipped at 1, gradients 1 and 3 make Adam without epsilon step as for 1 and 1",
                lambda: run(written(CLIPPED), [1, 3], eps=0, lr=1).moved(2) == 1,
            ),
            Finding("unclipped the second step is not lr", lambda: run("adam", [1, 3], eps=0, lr=1).moved(2) < 0.95),
        ),
    ),
    Claim(
        "C092",
        "The amplitude of Adam's final oscillation is proportional to the learning rate.",
        ("https://stackoverflow.com/questions/39517431",),
        "On h x^2/2, without epsilon, start and learning rate c times as large give two steps c times as large.",
        lambda: descent(a, c * lr, c * b).theta[2] == c * descent(a, lr, b).theta[2],
        "proved",
        "Without epsilon the step is lr times a function that does not change when all gradients are scaled; on a "
        "quadratic they scale with the path.",
    ),
    Claim(
        "C109",
        "A batch k times as large needs a learning rate k times as large.",
        ("Goyal et al. 2017, arXiv:1706.02677",),
        "On h x^2/2 eight steps with lr go as far as one with 8 lr, where x = lr h.",
        lambda: (1 - x) ** 8 == 1 - 8 * x,
        "conditional",
        "Equal to first order in lr h: the gradient is taken for constant on the way. It breaks down where 8 lr h is "
        "not small, and above 2 the single step diverges.",
        (
            Finding(
                "at lr h = 0.01 the factors are 0.9227 and 0.92",
                lambda: (abs((1 - x).at(x=0.01) ** 8 - 0.9227) < 1e-4) & ((1 - 8 * x).at(x=0.01) == 0.92),
            ),
        ),
    ),
    Claim(
        "C110",
        "With Adam a batch k times as large needs a learning rate sqrt(k) times as large.",
        ("Malladi et al. 2022, arXiv:2205.10287", "https://kexue.fm/archives/10542"),
        "The drift of a step, mean over root mean square x/sqrt(x^2 + y^2/B), doubles where B is four times as large.",
        lambda: (x / sqrt(x**2 + y**2 / (4 * c)) == 2 * x / sqrt(x**2 + y**2 / c)).where(y > 0, x > 0),
        "refuted",
        "It is so in the limit B -> 0 only, where noise is all; above B = y^2/x^2 the drift hardly grows any more.",
        (
            Finding(
                "at mean 0.01 and noise 1 the drift is 0.01 for B = 1, 0.0995 for 100, 0.707 for 10,000",
                lambda: (
                    (abs(_drift(1) - 0.01) < 1e-5)
                    & (abs(_drift(100) - 0.0995) < 1e-4)
                    & (abs(_drift(10_000) - 0.7071) < 1e-4)
                ),
            ),
        ),
    ),
)


def _drift(batch: int) -> Quantity:
    mean = Fraction(1, 100)
    return mean / sqrt(mean**2 + Fraction(1, batch))
