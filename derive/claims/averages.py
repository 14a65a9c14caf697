"""Claims about averages: what they average over, how they lag, and which frequencies they let through."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import about, written
from derive.library.averages import ewma
from derive.stating.deciding import using
from derive.stating.extremes import onset
from derive.stating.limits import limit
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, cos, derived, exp, log, sqrt, t, weights

AVERAGE: Any = ewma
COURSE = "https://community.deeplearning.ai/t/exponentially-weighted-average/6220"

beta = AVERAGE.beta
n = any_number("n", "positive")
share = any_number("share", "unit")

RAMP = """
def ramp(x, t, m=0, *, d=decay(0.9999)):
    decay_t = minimum(d, t / (9 + t))
    m = decay_t * m + (1 - decay_t) * x
    output = m
    return output, m
"""


def memory() -> Any:
    """The weights of an average with everything derived of them."""
    return weights(AVERAGE.m)


def newest(count: int, decay: float) -> Any:
    """The share of all weight that so many newest inputs hold, at this decay."""
    return memory().share_of_newest.at(beta=decay, t=count)


def _nearly_one_over_e() -> Statement:
    """By the bounds of a logarithm, whose sides part at 1."""
    below, above = (log(beta) < beta - 1).where(beta > 0), (log(beta) > 1 - 1 / beta).where(beta > 0)
    between = (log(beta) / (1 - beta) < -1) & (log(beta) / (1 - beta) > -1 / beta)
    return using(between.where(beta > 0), below, above)


CLAIMS = (
    Claim(
        "C001",
        "An exponentially weighted average with decay b is the average of the last 1/(1 - b) values.",
        (COURSE,),
        "The newest 1/(1 - b) inputs hold all the weight.",
        lambda: memory().share_within_nominal_window == 1,
        "conditional",
        "Every input keeps some weight; the newest 1/(1 - b) hold 1 - b^(1/(1 - b)) of it, all of it only without "
        "memory (b = 0). 1/(1 - b) is one of five numbers called the window, each right for a question of its own.",
        (
            Finding(
                "at b = 0.9, 34.87% of the weight is older than ten inputs",
                lambda: about(1 - newest(10, 0.9), 0.3487, 1e-4),
            ),
            Finding("there the mean age is 9", lambda: memory().mean_age.at(beta=0.9) == 9),
            Finding("it is as noisy as a plain mean of 19", lambda: memory().effective_sample_size.at(beta=0.9) == 19),
            Finding(
                "half the weight is gone in 6.58 steps", lambda: about(memory().half_life.at(beta=0.9), 6.58, 5e-3)
            ),
            Finding(
                "a weight falls to 1/e in 9.49 steps", lambda: about(memory().time_constant.at(beta=0.9), 9.49, 5e-3)
            ),
        ),
    ),
    Claim(
        "C002",
        "After 1/(1 - b) steps the weight of an input has dropped to about 1/e.",
        (COURSE,),
        "The logarithm of b^(1/(1 - b)), which is log(b)/(1 - b), lies between -1/b and -1.",
        _nearly_one_over_e,
        "proved",
        "By 1 - 1/b < log(b) < b - 1. So the weight is below 1/e at every b, and tends to it as b comes near 1, where "
        "-1/b tends to -1.",
        (
            Finding(
                "the weight itself lies between exp(-1/b) and 1/e, for b from 1/2 to 0.99",
                lambda: (
                    (memory().weight_at_nominal_window < exp(-1)) & (memory().weight_at_nominal_window > exp(-1 / beta))
                ).where(beta >= 0.5, beta <= 0.99),
            ),
            Finding("it is 1/4 at b = 0.5", lambda: memory().weight_at_nominal_window.at(beta=0.5) == 0.25),
            Finding("0.3487 at 0.9", lambda: about(memory().weight_at_nominal_window.at(beta=0.9), 0.3487, 1e-4)),
            Finding("0.3642 at 0.98", lambda: about(memory().weight_at_nominal_window.at(beta=0.98), 0.3642, 1e-4)),
            Finding("0.3677 at 0.999", lambda: about(memory().weight_at_nominal_window.at(beta=0.999), 0.3677, 1e-4)),
            Finding("exp(-1/b) tends to 1/e", lambda: limit(exp(-1 / beta), "beta", to=1) == exp(-1)),
        ),
    ),
    Claim(
        "C004",
        "beta2 = 0.999 averages the last 1000 steps.",
        (
            "https://community.deeplearning.ai/t/why-does-rmsprop-look-at-a-moving-average-containing-past-gradients-"
            "instead-of-just-the-current-gradient/375355",
        ),
        "Of an average with decay 0.999 the newest 1000 inputs hold this share of all weight.",
        lambda: newest(1000, 0.999) >= share,
        "conditional",
        "They hold 63.2%. 1000 is the time constant; other questions about the window have other answers.",
        (
            Finding("they hold 63.2%", lambda: about(newest(1000, 0.999), 0.6323, 1e-4)),
            Finding(
                "95% takes 2995 steps",
                lambda: onset(memory().share_of_newest.at(beta=0.999) >= Fraction("0.95")) == 2995,
            ),
            Finding(
                "99% takes 4603 steps",
                lambda: onset(memory().share_of_newest.at(beta=0.999) >= Fraction("0.99")) == 4603,
            ),
            Finding(
                "in the end it is as noisy as a plain mean of 1999",
                lambda: memory().effective_sample_size.at(beta=0.999) == 1999,
            ),
            Finding(
                "after 100 steps, corrected, as one of 99.9: it is nearly a plain mean",
                lambda: about(memory().effective_sample_size_at_t.at(beta=0.999, t=100), 99.9, 0.05),
            ),
        ),
        condition=lambda: share <= newest(1000, 0.999),
    ),
    Claim(
        "C005",
        "The weights of an exponentially weighted average sum to 1 - beta^t, hence the correction 1/(1 - beta^t).",
        ("Kingma & Ba 2015, section 3, arXiv:1412.6980",),
        "The sum of the weights of m after t steps is 1 - beta^t.",
        lambda: memory().weight_sum == 1 - beta**t,
        "proved",
        "A geometric sum, from a state that starts at zero and a constant beta.",
        (
            Finding(
                "after one step at beta = 0.9 a tenth of the weight is there",
                lambda: memory().weight_sum.at(beta=0.9, t=1) == 0.1,
            ),
        ),
    ),
    Claim(
        "C013",
        "An exponentially weighted average lags its input by 1/(1 - b) steps.",
        ("blogs on trading and on learning",),
        "On a ramp the average is the input of 1/(1 - b) steps ago.",
        lambda: memory().lag == 1 / (1 - beta),
        "refuted",
        "It is b/(1 - b), one step less: the newest input counts without delay.",
        (
            Finding("the lag is b/(1 - b)", lambda: memory().lag == beta / (1 - beta)),
            Finding(
                "at b = 0.9, on x = 1, 2, 3, ..., it is behind by 9 after 300 steps, but for 1e-10",
                lambda: about(300 - run(AVERAGE, list(range(1, 301)), beta=Fraction(9, 10)).m[300], 9, 1e-10),
            ),
        ),
    ),
    Claim(
        "C014",
        "An exponentially weighted average with alpha = 2/(N + 1) is comparable with a plain mean of N values.",
        (
            "https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.ewm.html",
            "https://timesiryz.webnode.page/forecasting/exponential-smoothing/single-exponential-smoothing",
        ),
        "With b = 1 - 2/(n + 1) its mean age is (n - 1)/2 and it leaves 1/n of the variance, for n from 1 on.",
        lambda: (
            (memory().mean_age.at(beta=1 - 2 / (n + 1)) == (n - 1) / 2)
            & (memory().noise_gain.at(beta=1 - 2 / (n + 1)) == 1 / n)
        ).where(n >= 1),
        "proved",
        "One number matches both, the mean age of a plain mean and its noise, for white noise and after the start.",
        (
            Finding(
                "that number is the effective sample size",
                lambda: (memory().effective_sample_size.at(beta=1 - 2 / (n + 1)) == n).where(n >= 1),
            ),
        ),
    ),
    Claim(
        "C019",
        "The ramp min(d, (1 + n)/(10 + n)) makes an early average cover about the last tenth of training.",
        ("https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage",),
        "While the ramp is below d, what is held after update n = t - 1, its start included, is (n + 1)/10 steps old "
        "on the average.",
        lambda: derived(written(RAMP)).varying_mean_age == t / 10,
        "proved",
        "The age grows by one and is multiplied by the decay, at every step.",
        (
            Finding(
                "the weight of the input of step j grows like (j + 1)...(j + 8): a step later it is (j + 9)/(j + 1) "
                "times as large",
                lambda: (1 - _ramp(n)) / ((1 - _ramp(n - 1)) * _ramp(n)) == (n + 9) / (n + 1),
            ),
            Finding("it is at d = 0.999 or above from n = 8990 on", lambda: (_ramp(n) >= 0.999).same_as(n >= 8990)),
        ),
    ),
    Claim(
        "C047",
        "Momentum is a low-pass filter whose cut-off is about 1 - b radians a step.",
        ("https://somefunagba.github.io/sglp_mean.html", "arXiv:2411.19671"),
        "The cosine of the frequency w of half power makes 2 (1 - cos(w))/(1 - b)^2, which is w^2/(1 - b)^2 for small "
        "w, tend to 1 as b comes near 1.",
        lambda: limit(2 * (1 - memory().cutoff_cosine) / (1 - beta) ** 2, "beta", to=1) == 1,
        "proved",
        "Half the power is left where cos(w) = 1 - (1 - b)^2/(2 b).",
        (
            Finding(
                "the squared magnitude over that of a constant is 1/2 there",
                lambda: ((1 - beta) ** 2 / (1 - 2 * beta * memory().cutoff_cosine + beta**2) == Fraction(1, 2)).where(
                    beta > 0
                ),
            ),
            Finding(
                "at b = 0.9 it lies between 0.1054 and 0.1055",
                lambda: _between(0.9, Fraction("0.1054"), Fraction("0.1055")),
            ),
            Finding(
                "at 0.99 between 0.01005 and 0.01006", lambda: _between(0.99, Fraction("0.01005"), Fraction("0.01006"))
            ),
            Finding(
                "there is one exactly where b is at least 3 - 2 sqrt(2)",
                lambda: (memory().cutoff_cosine >= -1).same_as(beta >= 3 - 2 * sqrt(2)).where(beta > 0),
            ),
        ),
    ),
    Claim(
        "C098",
        "RAdam's rho is one more than twice the mean age of the corrected average.",
        ("Liu et al. 2019, arXiv:1908.03265",),
        "2/(1 - b) - 1 - 2 t b^t/(1 - b^t) is twice the mean age after t steps, plus 1.",
        lambda: 2 / (1 - beta) - 1 - 2 * t * beta**t / (1 - beta**t) == 2 * memory().mean_age_at_t + 1,
        "proved",
        "The length of a plain mean with the same centre of mass.",
        (Finding("in the end it is (1 + b)/(1 - b)", lambda: limit(memory().span_at_t) == (1 + beta) / (1 - beta)),),
    ),
)


def _ramp(count: Quantity) -> Quantity:
    """(1 + n)/(10 + n)."""
    return 1 - 9 / (10 + count)


def _between(decay: float, low: Fraction, high: Fraction) -> Statement:
    """That the frequency of half power lies between two, by its cosine, which falls."""
    at: Any = memory().cutoff_cosine.at(beta=decay)
    inside: Statement = (cos(high) < at) & (at < cos(low))
    return inside
