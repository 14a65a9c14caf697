<<<<<<< HEAD
"""Claims about averages: what they average over, how they lag and smooth, their bias and its correction."""
=======
"""Claims about averages: what they average over, how they lag, and how noisy they are."""
>>>>>>> led1

from __future__ import annotations

from fractions import Fraction
<<<<<<< HEAD
from functools import cache
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.forms import written
from derive.deriving.averages import correction_multiplier
from derive.library.adam import adam
from derive.library.averages import ewma
from derive.stating.quantities import Quantity, Statement, combined
from derive.stating.vocabulary import any_number, derived, exp, from_derivation, log, minimum, sqrt, t, weights

AVERAGE: Any = ewma
ADAM: Any = adam
NG_WINDOW = "https://community.deeplearning.ai/t/exponentially-weighted-average/6220"
BIAS_BLOG = "https://saikatkumardey.com/ml-wiki/concepts/bias-correction"
b: Any = AVERAGE.beta
x, y = any_number("x"), any_number("y")
USUAL = {"beta1": Fraction(9, 10), "beta2": Fraction(999, 1000)}

RAMP = """
def ramp(x, t, m=0, *, d=decay(0.9999)):
    decay_t = minimum(d, t / (9 + t))
    m = decay_t * m + (1 - decay_t) * x
    output = m
    return output, m
"""


def average() -> Any:
    """What is derived for an exponentially weighted average."""
    return weights(AVERAGE.m)


def second_moment() -> Any:
    """The same for the second moment of Adam."""
    return weights(ADAM.v)


@cache
def uncorrected() -> Quantity:
    """The step of Adam without its corrections over that with them, without epsilon."""
    return from_derivation(adam, correction_multiplier(adam, without=()), "factor")


def usual() -> Quantity:
    """That at the usual decays, a function of the step."""
    return uncorrected().at(**USUAL)


def cut_off() -> Statement:
    """The squared magnitude, over that of a constant, is one half where the cosine is the derived one."""
    cosine = average().cutoff_cosine
    half: Statement = ((1 - b) ** 2 / (1 - 2 * b * cosine + b**2) == Fraction(1, 2)).where(b > 0)
    return half
=======
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import same, written
from derive.library.averages import ewma
from derive.stating.expecting import expected
from derive.stating.extremes import onset
from derive.stating.limits import limit
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, cos, exp, sqrt, t, weights

AVERAGE: Any = ewma
COURSE = "https://community.deeplearning.ai/t/exponentially-weighted-average/6220"

beta = AVERAGE.beta
n = any_number("n", "positive")
share = any_number("share", "unit")
x, y, sigma2 = any_number("x"), any_number("y"), any_number("sigma2", "positive")
beta1, beta2 = any_number("beta1", "decay"), any_number("beta2", "decay")

RAMPED_AGE = """
def ramped_age(x, t, age=0):
    decay = (1 + (t - 1)) / (10 + (t - 1))
    age = decay * (age + 1)
    output = age
    return output, age
"""

TENTH = """
def tenth(x, t):
    output = t / 10
    return output
"""


def memory() -> Any:
    """The weights of an average with everything derived of them."""
    return weights(AVERAGE.m)


def newest(count: int, decay: float) -> Any:
    """The share of all weight that so many newest inputs hold, at this decay."""
    return memory().share_of_newest.at(beta=decay, t=count)


def about(value: Any, number: float, within: float) -> Statement:
    """That a value is a number, but for less than a difference."""
    statement: Statement = abs(value - number) < within
    return statement
>>>>>>> led1


CLAIMS = (
    Claim(
        "C001",
<<<<<<< HEAD
        "An exponentially weighted average with decay b is an average of the last 1/(1-b) values.",
        ("Ng 2017, Improving Deep Neural Networks, week 2", NG_WINDOW),
        "It is as noisy as a plain average of 1/(1-b) values: that is its effective sample size.",
        lambda: average().effective_sample_size == 1 / (1 - b),
        "conditional",
        "Every past value keeps some weight, and what is called the window depends on what is asked: 1/(1-b) is the "
        "age at which a weight has fallen to about 1/e. The effective sample size is (1+b)/(1-b).",
        (
            Finding(
                "at b = 0.9 more than a third of the weight is older than ten values",
                lambda: average().share_within_nominal_window.at(beta=0.9) < Fraction(2, 3),
            ),
            Finding(
                "the effective sample size there is 19", lambda: average().effective_sample_size.at(beta=0.9) == 19
            ),
            Finding("the mean age is b/(1-b)", lambda: average().mean_age == b / (1 - b)),
            Finding(
                "half of a weight is left after more than 6.57 and less than 6.58 steps",
                lambda: (average().half_life.at(beta=0.9) > 6.57) & (average().half_life.at(beta=0.9) < 6.58),
=======
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
            Finding("half the weight is gone in 6.58 steps", lambda: about(memory().half_life.at(beta=0.9), 6.58, 5e-3)),
            Finding(
                "a weight falls to 1/e in 9.49 steps", lambda: about(memory().time_constant.at(beta=0.9), 9.49, 5e-3)
>>>>>>> led1
            ),
        ),
    ),
    Claim(
        "C002",
<<<<<<< HEAD
        "After 1/(1-b) steps the weight of a value has dropped to about 1/e.",
        ("Ng 2017, Improving Deep Neural Networks, week 2", NG_WINDOW),
        "The logarithm of b^(1/(1-b)) is below -1 and above -1/b, given that log(x) < x - 1 at b and at 1/b.",
        lambda: ((log(b) / (1 - b) < -1) & (log(b) / (1 - b) > -1 / b)).where(
            log(b) < b - 1, log(b) > 1 - 1 / b, b > 0
        ),
        "proved",
        "It is always less than 1/e, and tends to it as b tends to one, for -1/b does to -1.",
        tuple(
            Finding(
                f"at b = {value} it is above {low} and below 1/e",
                lambda value=value, low=low: (  # type: ignore[misc]
                    (average().weight_at_nominal_window.at(beta=value) > low)
                    & (average().weight_at_nominal_window.at(beta=value) < 1 / exp(1))
                ),
            )
            for value, low in ((0.5, 0.249), (0.9, 0.348), (0.98, 0.364), (0.999, 0.3676))
=======
        "After 1/(1 - b) steps the weight of an input has dropped to about 1/e.",
        (COURSE,),
        "For b from 1/2 to 0.99, b^(1/(1 - b)) is below 1/e, and above exp(-1/b).",
        lambda: (
            (memory().weight_at_nominal_window < exp(-1)) & (memory().weight_at_nominal_window > exp(-1 / beta))
        ).where(beta >= 0.5, beta <= 0.99),
        "proved",
        "By 1 - 1/b < log(b) < b - 1 the logarithm of the weight lies between -1/b and -1, which meet as b comes "
        "near 1: the weight is below 1/e at every b and tends to it.",
        (
            Finding("it is 1/4 at b = 0.5", lambda: memory().weight_at_nominal_window.at(beta=0.5) == 0.25),
            Finding("0.3487 at 0.9", lambda: about(memory().weight_at_nominal_window.at(beta=0.9), 0.3487, 1e-4)),
            Finding("0.3642 at 0.98", lambda: about(memory().weight_at_nominal_window.at(beta=0.98), 0.3642, 1e-4)),
            Finding("0.3677 at 0.999", lambda: about(memory().weight_at_nominal_window.at(beta=0.999), 0.3677, 1e-4)),
            Finding("exp(-1/b) tends to 1/e", lambda: limit(exp(-1 / beta), "beta", to=1) == exp(-1)),
>>>>>>> led1
        ),
    ),
    Claim(
        "C004",
        "beta2 = 0.999 averages the last 1000 steps.",
        (
            "https://community.deeplearning.ai/t/why-does-rmsprop-look-at-a-moving-average-containing-past-gradients-"
            "instead-of-just-the-current-gradient/375355",
        ),
<<<<<<< HEAD
        "The newest 1000 gradients hold 95 % of all weight at beta2 = 0.999.",
        lambda: second_moment().share_of_newest.at(beta2=Fraction(999, 1000), t=1000) >= Fraction(95, 100),
        "refuted",
        "1000 is the time constant, about: the age at which a weight has fallen to 1/e. The newest 1000 hold 63 %; for "
        "95 % it takes 2995, for 99 % 4603.",
        (
            Finding(
                "the newest 1000 hold less than 64 %",
                lambda: second_moment().share_of_newest.at(beta2=Fraction(999, 1000), t=1000) < Fraction(64, 100),
            ),
            Finding(
                "95 % are held by the newest 2995 and more",
                lambda: (second_moment().share_of_newest.at(beta2=Fraction(999, 1000)) >= Fraction(95, 100)).where(
                    t >= 2995
                ),
            ),
            Finding(
                "99 % are held by the newest 4603, and not by 4602",
                lambda: (
                    (second_moment().share_of_newest.at(beta2=Fraction(999, 1000), t=4603) >= Fraction(99, 100))
                    & (second_moment().share_of_newest.at(beta2=Fraction(999, 1000), t=4602) < Fraction(99, 100))
                ),
            ),
            Finding(
                "after 100 steps the corrected average is nearly a plain mean: its effective sample size is above 99.9",
                lambda: (
                    second_moment().effective_sample_size_at_t.at(beta2=Fraction(999, 1000), t=100) > Fraction(999, 10)
                ),
            ),
        ),
=======
        "Of an average with decay 0.999 the newest 1000 inputs hold this share of all weight.",
        lambda: newest(1000, 0.999) >= share,
        "conditional",
        "They hold 63.2%. 1000 is the time constant; other questions about the window have other answers.",
        (
            Finding("they hold 63.2%", lambda: about(newest(1000, 0.999), 0.6323, 1e-4)),
            Finding(
                "95% takes 2995 steps", lambda: onset(memory().share_of_newest.at(beta=0.999) >= Fraction("0.95")) == 2995
            ),
            Finding(
                "99% takes 4603 steps", lambda: onset(memory().share_of_newest.at(beta=0.999) >= Fraction("0.99")) == 4603
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
>>>>>>> led1
    ),
    Claim(
        "C005",
        "The weights of an exponentially weighted average sum to 1 - beta^t, hence the correction 1/(1 - beta^t).",
        ("Kingma & Ba 2015, section 3, arXiv:1412.6980",),
        "The sum of the weights of m after t steps is 1 - beta^t.",
<<<<<<< HEAD
        lambda: average().weight_sum == 1 - b**t,
=======
        lambda: memory().weight_sum == 1 - beta**t,
>>>>>>> led1
        "proved",
        "A geometric sum, from a state that starts at zero and a constant beta.",
        (
            Finding(
                "after one step at beta = 0.9 a tenth of the weight is there",
<<<<<<< HEAD
                lambda: average().weight_sum.at(beta=0.9, t=1) == 0.1,
=======
                lambda: memory().weight_sum.at(beta=0.9, t=1) == 0.1,
>>>>>>> led1
            ),
        ),
    ),
    Claim(
<<<<<<< HEAD
        "C007",
        "Without bias correction Adam's first updates are too small.",
        (BIAS_BLOG,),
        "At the usual decays the first step without the corrections is shorter than that with them, without epsilon.",
        lambda: usual().at(t=1) < 1,
        "refuted",
        "m is too small by (1 - beta1), and the root of v by sqrt(1 - beta2), which is more: the quotient grows.",
        (
            Finding("the first step is above 3.16 times as long", lambda: usual().at(t=1) > 3.16),
            Finding("the twelfth above 6.568 times", lambda: usual().at(t=12) > 6.568),
            Finding("and none above 6.569 times", lambda: usual() < 6.569),
            Finding(
                "it is never longer where both decays are the same", lambda: uncorrected().at(beta2=ADAM.beta1) <= 1
            ),
        ),
    ),
    Claim(
        "C008",
        "Bias correction matters most in the first 100 to 500 steps.",
        (BIAS_BLOG,),
        "At the usual decays Adam's step without the corrections is within 5 % of that with them from step 500 on.",
        lambda: (usual() <= Fraction(105, 100)).where(t >= 500),
        "refuted",
        "The root of 1 - 0.999^t is slow to come to one: 5 % are reached at step 2375, 1 % at step 3925.",
        (
            Finding("at step 500 it is above 1.59 times as long", lambda: usual().at(t=500) > 1.59),
            Finding("from step 2375 on it is within 5 %", lambda: (usual() <= Fraction(105, 100)).where(t >= 2375)),
            Finding("and not at step 2374", lambda: usual().at(t=2374) > Fraction(105, 100)),
            Finding("within 1 % from step 3925 on", lambda: (usual() <= Fraction(101, 100)).where(t >= 3925)),
        ),
    ),
    Claim(
        "C010",
        "Leaving out bias correction does not matter if a reasonable warm-up is used.",
        ("https://github.com/google-research/bert/issues/153",),
        "At the usual decays, with a linear warm-up over 1000 steps, Adam's step without the corrections is at no step "
        "more than 5 % above the peak learning rate's.",
        lambda: usual() * minimum(1, t / 1000) <= Fraction(105, 100),
        "refuted",
        "The warm-up has to be longer than the memory of v: 2375 steps are enough for 5 %, 2374 are not.",
        (
            Finding(
                "with a warm-up over 2375 steps it is so at every step",
                lambda: usual() * minimum(1, t / 2375) <= Fraction(105, 100),
            ),
            Finding(
                "with one over 2374 steps not at the last of them", lambda: usual().at(t=2374) > Fraction(105, 100)
            ),
            Finding("with one over 100 steps the 100th is above 3.24 times as long", lambda: usual().at(t=100) > 3.24),
        ),
    ),
    Claim(
        "C013",
        "An exponentially weighted average lags the signal by 1/(1-b) steps.",
        ("blogs on trading and on machine learning",),
        "On a ramp, the average corrected for its weights is 1/(1-b) steps behind in the end.",
        lambda: average().lag == 1 / (1 - b),
        "refuted",
        "It lags by its mean age, b/(1-b).",
        (
            Finding("the lag is b/(1-b)", lambda: average().lag == b / (1 - b)),
            Finding("nine steps at b = 0.9", lambda: average().lag.at(beta=0.9) == 9),
=======
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
>>>>>>> led1
        ),
    ),
    Claim(
        "C014",
<<<<<<< HEAD
        "An exponentially weighted average with alpha = 2/(N+1) is comparable with a plain one of N values.",
        (
            "pandas, DataFrame.ewm, span",
            "https://timesiryz.webnode.page/forecasting/exponential-smoothing/single-exponential-smoothing",
        ),
        "With N = (1+b)/(1-b) its mean age is (N-1)/2 and its noise gain 1/N, as those of a plain average of N values.",
        lambda: (average().mean_age == (span() - 1) / 2) & (average().noise_gain == 1 / span()),
        "proved",
        "One N serves both: the age, and the variance left of independent inputs, in the end.",
        (Finding("alpha = 1 - b is 2/(N+1)", lambda: 1 - b == 2 / (span() + 1)),),
    ),
    Claim(
        "C016",
        "The corrected second moment is unbiased, so its root is an unbiased estimate of the root mean square.",
        ("implicit in tutorials",),
        "For a first gradient 1 or 7 with even chances, the mean of the root is the root of the mean.",
        lambda: (sqrt(any_number("x").at(x=1)) + sqrt(any_number("x").at(x=49))) / 2 == sqrt(x.at(x=25)),
        "refuted",
        "The root is concave: its mean is at most the root of the mean, and less unless the gradient has one size.",
        (
            Finding(
                "for x or y with even chances the mean of the root is at most the root of the mean",
                lambda: (abs(x) + abs(y)) / 2 <= sqrt((x**2 + y**2) / 2),
            ),
            Finding(
                "and less where their sizes differ",
                lambda: ((abs(x) + abs(y)) / 2 < sqrt((x**2 + y**2) / 2)).where(x**2 != y**2),
            ),
=======
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
        "C016",
        "v_hat is unbiased, so sqrt(v_hat) is an unbiased estimate of the root mean square.",
        ("implied in tutorials",),
        "For gradients of size 3 and 1 with even chances the mean of sqrt(v_hat) after one step is the root of the mean.",
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
>>>>>>> led1
        ),
    ),
    Claim(
        "C019",
<<<<<<< HEAD
        "The ramp min(d, (1+n)/(10+n)) makes an early average cover about the last tenth of training.",
        ("TensorFlow, tf.train.ExponentialMovingAverage, num_updates",),
        "While the ramp is below d, what is held after update n = t - 1, its start included, is (n+1)/10 steps old on "
        "the average.",
        lambda: derived(written(RAMP)).varying_mean_age == t / 10,
        "proved",
        "Ages grow by one and fade by the decay; the weight of the j-th value is a polynomial of degree eight in j.",
    ),
    Claim(
        "C047",
        "Momentum is a low-pass filter with a cut-off at about 1-b radians a step.",
        ("https://somefunagba.github.io/sglp_mean.html", "arXiv:2411.19671"),
        "Half the power of a constant is left at the frequency with cosine 1 - (1-b)^2/(2b).",
        cut_off,
        "proved",
        "2(1 - cos w) is about w^2, so that the cut-off is about (1-b)/sqrt(b). It exists from b = 3 - 2 sqrt(2) on.",
        (
            Finding(
                "there is such a frequency exactly from b = 3 - 2 sqrt(2) on",
                lambda: (average().cutoff_cosine >= -1).where(b >= 3 - 2 * sqrt(x.at(x=2))),
            ),
            Finding(
                "below that more than half the power is left at every frequency, that of the fastest swing too",
                lambda: (average().nyquist_gain ** 2 > Fraction(1, 2)).where(b < 3 - 2 * sqrt(x.at(x=2))),
            ),
            Finding(
                "at b = 0.9 it lies between 0.1054 and 0.1055 radians",
                lambda: (
                    (combined("cos", 0.1054) > average().cutoff_cosine.at(beta=0.9))
                    & (combined("cos", 0.1055) < average().cutoff_cosine.at(beta=0.9))
                ),
=======
        "The ramp min(d, (1 + n)/(10 + n)) makes an early average cover about the last tenth of training.",
        ("https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage",),
        "With decay (1 + n)/(10 + n), n = t - 1, the mean age of what is held after t steps is t/10.",
        lambda: same(written(RAMPED_AGE), written(TENTH)),
        "proved",
        "The age grows by one and is multiplied by the decay, at every step: (n + 1)/10, while the ramp is below d.",
        (
            Finding(
                "the weight of the input of step j grows like (j + 1)...(j + 8): it is (j + 9)/(j + 1) times as large at "
                "the next",
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
                "at b = 0.9 it lies between 0.1054 and 0.1055",
                lambda: _between(0.9, Fraction("0.1054"), Fraction("0.1055")),
            ),
            Finding(
                "at 0.99 between 0.01005 and 0.01006", lambda: _between(0.99, Fraction("0.01005"), Fraction("0.01006"))
            ),
            Finding(
                "there is one exactly where b is at least 3 - 2 sqrt(2)",
                lambda: (memory().cutoff_cosine >= -1).same_as(beta >= 3 - 2 * sqrt(2)).where(beta > 0),
>>>>>>> led1
            ),
        ),
    ),
    Claim(
<<<<<<< HEAD
        "C061",
        "Under pure-noise gradients Adam's update is about 0.23 lr in the root mean square.",
        ("https://github.com/marin-community/levanter/pull/1147",),
        "Of independent inputs with mean zero, the average with decay 0.9 keeps 0.23 in size, to two digits.",
        lambda: abs(weights(ADAM.m).noise_rms.at(beta1=Fraction(9, 10)) - 0.23) <= 0.005,
        "proved",
        "The root of the noise gain (1 - beta1)/(1 + beta1), over a denominator that is constant for beta2 near one.",
        (
            Finding(
                "the noise gain is (1 - beta1)/(1 + beta1), 1/19 at 0.9",
                lambda: weights(ADAM.m).noise_gain.at(beta1=Fraction(9, 10)) == Fraction(1, 19),
=======
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
            Finding("it tends to the variance as b comes near 1", lambda: limit(2 * beta**2 / (1 + beta), "beta", to=1) == 1),
            Finding(
                "after three steps of AdaBelief without epsilon s has that mean",
                lambda: _belief() == _belief_formula(),
>>>>>>> led1
            ),
        ),
    ),
    Claim(
        "C098",
<<<<<<< HEAD
        "RAdam's rho_t is twice the mean age of the debiased average plus one.",
        ("Liu et al. 2019, arXiv:1908.03265",),
        "rho_inf - 2 t b^t/(1 - b^t) with rho_inf = 2/(1-b) - 1 is twice the mean age after t steps and one.",
        lambda: 2 / (1 - b) - 1 - 2 * t * b**t / (1 - b**t) == 2 * average().mean_age_at_t + 1,
        "proved",
        "It is the length of the plain average that is as old.",
=======
        "RAdam's rho is one more than twice the mean age of the corrected average.",
        ("Liu et al. 2019, arXiv:1908.03265",),
        "2/(1 - b) - 1 - 2 t b^t/(1 - b^t) is twice the mean age after t steps, plus 1.",
        lambda: 2 / (1 - beta) - 1 - 2 * t * beta**t / (1 - beta**t) == 2 * memory().mean_age_at_t + 1,
        "proved",
        "The length of a plain mean with the same centre of mass.",
        (Finding("in the end it is (1 + b)/(1 - b)", lambda: limit(memory().span_at_t) == (1 + beta) / (1 - beta)),),
>>>>>>> led1
    ),
)


<<<<<<< HEAD
def span() -> Quantity:
    """N = (1+b)/(1-b)."""
    length: Quantity = (1 + b) / (1 - b)
    return length
=======
def _root(size: int) -> Quantity:
    """The root of Adam's corrected second moment after one gradient."""
    return sqrt(run("adam", [size]).v[1] / (1 - Fraction("0.999")))


def _ramp(count: Quantity) -> Quantity:
    """(1 + n)/(10 + n)."""
    return 1 - 9 / (10 + count)


def _between(decay: float, low: Fraction, high: Fraction) -> Statement:
    """That the frequency of half power lies between two, by its cosine, which falls."""
    at: Any = memory().cutoff_cosine.at(beta=decay)
    return (cos(high) < at) & (at < cos(low))


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
    return expected(s, {name: (0, sigma2) for name in names})


def _belief_formula() -> Any:
    """The same from the weights of m and of s."""
    return (1 - beta2) * sum(beta2 ** (3 - step) * _about_average_at(step) for step in (1, 2, 3))
>>>>>>> led1
