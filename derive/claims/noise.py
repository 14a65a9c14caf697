"""Claims about random gradients: what averages of them estimate, and how much of their noise is left."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.averages import beta, memory
from derive.claims.claim import Claim, Finding
from derive.claims.words import about
from derive.library.momentum import momentum_ema
from derive.stating.expecting import expected
from derive.stating.limits import limit
from derive.stating.quantities import Quantity
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, sqrt, weights

EMA: Any = momentum_ema

x, y, sigma2 = any_number("x"), any_number("y"), any_number("sigma2", "positive")
beta1, beta2 = any_number("beta1", "decay"), any_number("beta2", "decay")


def noise() -> Any:
    """The root mean square an average leaves of independent inputs of mean 0 and variance 1."""
    return weights(EMA.v).noise_rms


CLAIMS = (
    Claim(
        "C016",
        "v_hat is unbiased, so sqrt(v_hat) is an unbiased estimate of the root mean square.",
        ("implied in tutorials",),
        "For gradients 3 and 1 with even chances the mean of sqrt(v_hat) after one step is the root of the mean.",
        lambda: (_root(3) + _root(1)) / 2 == sqrt(5),
        "refuted",
        "The root is concave: its mean is below the root of the mean (Jensen), unless |g| does not vary. The "
        "difference vanishes with the noise of v as b comes near 1.",
        (
            Finding(
                "for sizes x and y the mean of the roots is never above the root of the mean",
                lambda: (abs(x) + abs(y)) / 2 <= sqrt((x**2 + y**2) / 2),
            ),
            Finding(
                "and below it where the sizes differ",
                lambda: ((abs(x) + abs(y)) / 2 < sqrt((x**2 + y**2) / 2)).where(abs(x) != abs(y)),
            ),
            Finding("the noise of v vanishes", lambda: limit(memory().noise_gain, "beta", to=1) == 0),
        ),
    ),
    Claim(
        "C061",
        "Under gradients that are pure noise the root mean square of Adam's step is about 0.23 lr.",
        ("https://github.com/marin-community/levanter/pull/1147",),
        "The root mean square of m over that of its inputs is sqrt((1 - b1)/(1 + b1)), within 0.001 of 0.23 at 0.9.",
        lambda: (noise() == sqrt((1 - beta) / (1 + beta))) & about(noise().at(beta=0.9), 0.23, 1e-3),
        "proved",
        "For independent gradients of mean 0, after the start, and v at its mean, the variance: the noise of v "
        "vanishes as beta2 comes near 1.",
        (
            Finding("at 0.9 it is 0.2294", lambda: about(noise().at(beta=0.9), 0.2294, 1e-4)),
            Finding("the noise of v vanishes", lambda: limit(weights(EMA.v).noise_gain, "beta", to=1) == 0),
        ),
    ),
    Claim(
        "C094",
        "AdaBelief's s estimates the variance of the gradient.",
        ("Zhuang et al. 2020, arXiv:2010.07468",),
        "For independent gradients the mean of (g - m)^2 tends to their variance.",
        lambda: _about_average() == sigma2,
        "refuted",
        "m contains g itself, so that g - m is smaller: the mean is 2 b^2/(1 + b) of the variance.",
        (
            Finding(
                "it is 2 b^2/(1 + b) of the variance", lambda: _about_average() == 2 * beta**2 / (1 + beta) * sigma2
            ),
            Finding("at b = 0.9 that is 0.8526", lambda: about((2 * beta**2 / (1 + beta)).at(beta=0.9), 0.8526, 1e-4)),
            Finding(
                "it tends to the variance as b comes near 1", lambda: limit(2 * beta**2 / (1 + beta), "beta", to=1) == 1
            ),
            Finding(
                "after three steps of AdaBelief without epsilon s has that mean",
                lambda: _belief() == _belief_formula(),
            ),
        ),
    ),
)


def _root(size: int) -> Quantity:
    """The root of Adam's corrected second moment after one gradient."""
    return sqrt(run("adam", [size]).v[1] / (1 - Fraction("0.999")))


def _about_average() -> Any:
    """The mean of (x - m)^2 over independent x of mean 0 in the end, by the weights 1 - w(0), -w(1), -w(2), ..."""
    return sigma2 * (1 - 2 * memory().at(k=0) + memory().noise_gain)


def _about_average_at(step: int) -> Any:
    """The same after so many steps."""
    return (sigma2 * (1 - 2 * memory().at(k=0) + memory().square_sum)).at(t=step, beta=beta1)


def _belief() -> Quantity:
    """The mean of AdaBelief's s after three gradients of mean 0."""
    names = ("g1", "g2", "g3")
    s = run("adabelief", [any_number(name) for name in names], eps=0, defaults=False).s[3]
    return expected(s, dict.fromkeys(names, (0, sigma2)))


def _belief_formula() -> Any:
    """The same from the weights of m and of s."""
    return (1 - beta2) * sum(beta2 ** (3 - step) * _about_average_at(step) for step in (1, 2, 3))
