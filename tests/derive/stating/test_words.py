"""The further words: extremes, limits at a value, expectations, functions by pieces. What is wrong is not proved."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from derive.errors import UserError
from derive.stating import (
    any_number,
    correction_multiplier,
    cycle,
    decide,
    exp,
    expected,
    find,
    largest,
    limit,
    log,
    minimum,
    onset,
    piecewise,
    run,
    smallest,
    sqrt,
    stationary_variance,
    step_bound,
    t,
    using,
    weights,
    where,
)
from derive.stating.quantities import Statement

ADAM: Any = find("adam")
EWMA: Any = find("ewma")
RMSPROP: Any = find("rmsprop")
b = EWMA.beta
x, y, sigma2, mean = (any_number(name) for name in ("x", "y", "sigma2", "mean"))
h, lr = any_number("h", "positive"), any_number("lr", "positive")
n = any_number("n", "whole")


def usual() -> Any:
    """How much too long Adam's step is without corrections, at the defaults."""
    return correction_multiplier(ADAM, without=True).at_defaults


def kinked(theta: Any) -> Any:
    """The slope of |x| for |x| > 1, and of x^2/2 inside."""
    return piecewise((theta > 1, 1), (theta < -1, -1), otherwise=theta)


PROVED = (
    lambda: largest(usual()).step == 12,
    lambda: abs(largest(usual()) - Fraction("6.56852")) < Fraction(1, 10**5),
    lambda: smallest(weights(EWMA.m).weight_sum.at(beta=0.5)).step == 1,
    lambda: onset(abs(usual() - 1) <= 0.05) == 2375,
    lambda: onset(1 - Fraction(1, 2) * 1 / t > Fraction(89, 100)) == 5,
    lambda: limit(weights(EWMA.m).noise_gain, "beta", to=1) == 0,
    lambda: limit(b / (1 + b), "beta", to=1) == Fraction(1, 2),
    lambda: limit((x**2 - 1) / (x - 1), "x", to=1) == 2,
    lambda: limit(weights(EWMA.m).weight_sum) == 1,
    lambda: expected(x**2 * y + x, {"x": (mean, sigma2)}) == (mean**2 + sigma2) * y + mean,
    lambda: expected((x - y) ** 2, {"x": (mean, sigma2), "y": (mean, sigma2)}) == 2 * sigma2,
    lambda: run("gradient_descent", gradient=kinked, steps=3, start=3, lr=1).theta[3] == 0,
    lambda: where(x > 0, x, -x) == abs(x),
    lambda: (minimum(1, t / n) <= minimum(1, t / 7)).where(n >= 7),
    lambda: usual() * minimum(1, t / 2375) <= 1.05,
    lambda: (cycle(RMSPROP).cycle_amplitude.at(eps=0) == RMSPROP.lr / 2).where(h > 0),
    lambda: n >= 1,
)

# The same with a number or a comparison that is a little wrong.
WRONG = (
    lambda: largest(usual()).step == 13,
    lambda: abs(largest(usual()) - Fraction("6.5684")) < Fraction(1, 10**5),
    lambda: onset(abs(usual() - 1) <= 0.05) == 2374,
    lambda: onset(abs(usual() - 1) <= 0.05) > 2375,
    lambda: limit(weights(EWMA.m).noise_gain, "beta", to=1) > 0,
    lambda: limit(b / (1 + b), "beta", to=1) == Fraction(51, 100),
    lambda: expected(x**2 * y + x, {"x": (mean, sigma2)}) == mean**2 * y + mean,
    lambda: expected((x - y) ** 2, {"x": (mean, sigma2), "y": (mean, sigma2)}) == sigma2,
    lambda: run("gradient_descent", gradient=kinked, steps=2, start=3, lr=1).theta[2] == 0,
    lambda: where(x > 0, x, x) == abs(x),
    lambda: (minimum(1, t / n) <= minimum(1, t / 7)).where(n >= 6),
    lambda: usual() * minimum(1, t / 2374) <= 1.05,
    lambda: (cycle(RMSPROP).cycle_amplitude.at(eps=0) == RMSPROP.lr / 3).where(h > 0, RMSPROP.lr > 0),
    lambda: n >= 2,
)


@pytest.mark.parametrize("stated", PROVED)
def test_proved(stated: Any) -> None:
    assert decide(stated())


@pytest.mark.parametrize("stated", WRONG)
def test_not_proved(stated: Any) -> None:
    assert decide(stated()).status in ("refuted", "conditional")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (lambda: largest(b**t), "beta has no value"),
        (lambda: largest(x.at(x=1) + 0 * n), "has no 't'|has no value"),
        (lambda: largest(-(x**2), "x"), "does not count from 1"),
        (lambda: largest(1 - Fraction(1, 2) * 1 / t), "no largest value"),
        (lambda: onset(t < 5), "no step is found"),
        (lambda: limit(abs(x) / x, "x", to=0), "no limit|on each side"),
        (lambda: limit(1 / x, "x", to=0), "no limit"),
        (lambda: limit(b ** (1 / (1 - b)), "beta", to=1), "no limit"),
        (lambda: limit(b, "beta", to=2), "does not come near 2"),
        (lambda: limit(b, "gamma", to=1), "there is no 'gamma'"),
        (lambda: limit(b**t, "t", to=3), "leave out to="),
        (lambda: limit(b, "beta", to=x), "is no number"),
        (lambda: expected(x**3, {"x": (0, sigma2)}), "degree two"),
        (lambda: expected(abs(x), {"x": (0, sigma2)}), "degree two"),
        (lambda: expected(x**2, {"y": (0, sigma2)}), "there is no 'y'"),
        (lambda: expected(x**2, {"x": (x, sigma2)}), "depends on it"),
        (lambda: where((x > 0).where(x < 1), 1, 2), "under premises"),
    ],
)
def test_mistakes_have_one_line(words: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        words()
    assert "\n" not in str(caught.value)


def test_conditions_are_found_in_balls_too() -> None:
    stated: Statement = usual().at(t=n) <= 1.05
    verdict = decide(stated, n >= 2375)
    assert verdict.condition == {"any_of": ["n >= 2375"], "degenerate": [], "exact": True}
    late = decide(stated, n >= 2376)
    assert late.condition == {"any_of": ["n >= 2376"], "degenerate": [], "exact": False}
    assert decide(stated, n >= 2374).status == "refuted"


def test_a_limit_is_said_by_name() -> None:
    assert str(limit(weights(EWMA.m).noise_gain, "beta", to=1)) == "limit(noise_gain(ewma), beta to 1)"
    assert str(limit(2 * b, "beta", to=1)) == "2"


def test_expectations_agree_with_weights() -> None:
    names = ("x1", "x2", "x3")
    path = run(EWMA, [any_number(name) for name in names], defaults=False)
    left = expected(path.m[3] ** 2, dict.fromkeys(names, (0, sigma2)))
    assert decide(left == sigma2 * weights(EWMA.m).square_sum.at(t=3))
    assert not decide(left == sigma2 * weights(EWMA.m).square_sum.at(t=4))
    assert decide(sqrt(1) == exp(0))


def test_a_lemma_is_proved_itself() -> None:
    stated = (log(b) / (1 - b) < -1).where(b > 0)
    lemma = (log(b) < b - 1).where(b > 0)
    assert decide(using(stated, lemma))
    assert decide(stated).status == "unknown"
    assert decide(using((log(b) / (1 - b) < -2).where(b > 0), lemma)).status != "proved"
    wrong = (log(b) < b - 2).where(b > 0)
    assert decide(using(stated, wrong)).status == "unknown"
    assert "rests on what is not proved" in decide(using(stated, wrong)).message


def test_a_lemma_does_not_narrow_a_statement() -> None:
    lemma = (log(b) < b - 1).where(b > 0)
    assert not decide(using(b >= 1 / 2, lemma))
    assert not decide(using((b < 1 / 2).where(b <= 0.6), (b < 0.5).where(b < 0.5)))
    with pytest.raises(UserError, match="is only about x in"):
        using(x > 0, any_number("x", "positive") > 0)
    moved = using((log(b) / (1 - b) < -1).where(b > 0), lemma).at(beta=0.5)
    assert moved.lemmas == ()
    assert decide(moved)


def test_a_bound_is_in_the_names_of_the_rule() -> None:
    bound = step_bound(ADAM)
    assert decide(limit(bound.at_defaults) == bound.limit.at_defaults)
    assert decide(bound.at(beta1=0.5, beta2=0.5) == 1)
    assert decide(bound.at(beta1=0.5, beta2=0.6) == 1).status == "refuted"
    assert decide(bound.at_defaults.at(t=1) == 1)


def test_variances_are_not_negative() -> None:
    momentum: Any = find("momentum")
    stated = stationary_variance(momentum) >= 0
    assert decide(stated.where(momentum.lr > 0, momentum.lr * h < 2))


def test_by_induction() -> None:
    assert decide(b**n >= 1 - n * (1 - b))
    assert decide(weights(EWMA.m) <= 1 - b)
    assert decide(weights(EWMA.m) < 1 - b).status != "proved"
    assert decide(b**n >= 1 - n * (1 - b) / 2).status != "proved"


def test_what_is_put_in_for_a_name_is_seen_to_while_that_is_known() -> None:
    c, rho = any_number("c", "positive"), any_number("rho", "decay")
    z, r = any_number("z", "nonnegative"), any_number("r")
    assert decide(limit((1 / (1 + z)).at(z=c * rho**n), "n") == 1)
    wrong = limit((1 / (1 + z * z)).at(z=r * rho**n), "n") == 1  # r may be negative
    assert decide(wrong).status == "unknown"
