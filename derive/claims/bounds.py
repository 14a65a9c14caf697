"""Claims about the longest step: what bounds it, where the known bounds are too small, and the first step."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import written
from derive.library.lookup import find_rule
from derive.stating.limits import limit
from derive.stating.properties import constant_step, effective_lr, first_step, lone_gradient, step_bound, step_within
from derive.stating.quantities import Quantity, quantity
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, sqrt, t, weights

ADAM: Any = find_rule("adam")
ADAMAX: Any = find_rule("adamax")
EWMA: Any = find_rule("ewma")
b1, b2 = ADAM.beta1, ADAM.beta2
lr, p, n = any_number("lr", "positive"), any_number("p", "positive"), any_number("n", "whole")
two = quantity(2)
ADAM_PAPER = "Kingma & Ba 2015, section 2.1, arXiv:1412.6980"
STEP_THREAD = "https://math.stackexchange.com/questions/3325577"

NESTEROV_BY_RUDER = """
def nesterov_by_ruder(theta, g, t, m=0, v=0, *,
                      lr=nonnegative(2e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_bar = beta1 * m / (1 - beta1**t) + (1 - beta1) * g / (1 - beta1**t)
    theta = theta - lr * m_bar / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v
"""


def longest(**decays: float) -> Quantity:
    """The most Adam moves in a late step with lr 1, at these decays."""
    found: Quantity = step_bound(ADAM).limit.at(**decays)
    return found


def grown(rule: str, ratio: Fraction, steps: int, **values: Any) -> Quantity:
    """The last step of a run, without epsilon and with lr 1, under gradients that grow by a factor."""
    return run(rule, [ratio**j for j in range(steps)], eps=0, lr=1, **values).moved(steps)


CLAIMS = (
    Claim(
        "C049",
        "Where 1 - b1 > sqrt(1 - b2), Adam's step is at most lr (1 - b1)/sqrt(1 - b2), 3.16 lr at the defaults.",
        (ADAM_PAPER, STEP_THREAD),
        "Where 1 - b1 > sqrt(1 - b2), the limit of the exact bound of the step is at most (1 - b1)/sqrt(1 - b2).",
        lambda: (step_bound(ADAM).limit <= (1 - b1) / sqrt(1 - b2)).where(1 - b1 > sqrt(1 - b2)),
        "conditional",
        "That much is reached by a lone gradient among zeros. Gradients that grow in every step do better, as far as "
        "there is a first moment to keep them (beta1 > 0): 7.27 lr at the defaults. The proof offered in the thread "
        "was withdrawn by its author, and there is none.",
        (
            Finding(
                "a lone gradient gives exactly lr (1 - b1)/sqrt(1 - b2)",
                lambda: lone_gradient(ADAM) == any_number("lr", "nonnegative") * (1 - b1) / sqrt(1 - b2),
            ),
            Finding("that is 3.162 lr at the defaults", lambda: abs((0.1 / sqrt(0.001)) - 3.1623) < 1e-4),
            Finding(
                "the exact bound at the defaults is 7.270", lambda: abs(longest(beta1=0.9, beta2=0.999) - 7.2703) < 1e-4
            ),
            Finding(
                "220 gradients that grow by 1.11 in every step make a step of more than 3.2 lr",
                lambda: grown("adam", Fraction(111, 100), 220) > 3.2,
            ),
            Finding("no step is longer than 7.2703 lr", lambda: step_within(ADAM, 7.2703, eps=0)),
        ),
    ),
    Claim(
        "C050",
        "Where 1 - b1 <= sqrt(1 - b2), Adam's step is at most lr.",
        (ADAM_PAPER, STEP_THREAD),
        "Where 1 - b1 <= sqrt(1 - b2) and b1^2 < b2, the limit of the exact bound of the step is at most 1.",
        lambda: (step_bound(ADAM).limit <= 1).where(step_bound(ADAM).finite, 1 - b1 <= sqrt(1 - b2)),
        "conditional",
        "Only with b1 = b2: with other weights above than below the fraction bar some gradients have a mean that is "
        "larger, so weighted, than their root mean square. With b1^2 >= b2 there is no bound at all.",
        (
            Finding(
                "gradients 18, 19 at b1 = 0.9, b2 = 0.95 make a second step of 1.00036 lr",
                lambda: run(ADAM, [18, 19], beta1=0.9, beta2=0.95, eps=0, lr=1).moved(2) > 1.00036,
            ),
            Finding(
                "the bound there is 1.165, and 2.345 at b2 = 0.99",
                lambda: (
                    (abs(longest(beta1=0.9, beta2=0.95) - 1.165) < 1e-3)
                    & (abs(longest(beta1=0.9, beta2=0.99) - 2.345) < 1e-3)
                ),
            ),
        ),
    ),
    Claim(
        "C052",
        "AdaMax's steps are at most lr.",
        ("Kingma & Ba 2015, section 7.1, arXiv:1412.6980",),
        "Where b1 < b2, the limit of the exact bound of the step is at most 1.",
        lambda: (step_bound(ADAMAX).limit <= 1).where(step_bound(ADAMAX).finite),
        "conditional",
        "The maximum fades by b2 in every step, and gradients that fade as fast are all as large as it says. The "
        "bound is (1 - b1)/(1 - b1/b2): lr without a first moment, or as b2 comes near 1.",
        (
            Finding(
                "the bound is (1 - b1)/(1 - b1/b2), and there is one exactly where b1 < b2",
                lambda: (step_bound(ADAMAX).limit == (1 - ADAMAX.beta1) / (1 - ADAMAX.beta1 / ADAMAX.beta2)).where(
                    ADAMAX.beta1 < ADAMAX.beta2
                ),
            ),
            Finding("as b2 comes near 1 it is 1", lambda: limit(step_bound(ADAMAX).limit, "beta2", to=1) == 1),
            Finding(
                "gradients 0.999^j make a step of more than 1.009 lr at the defaults",
                lambda: grown("adamax", Fraction(999, 1000), 100) > 1.009,
            ),
            Finding("the bound at b2 = 0.95 is 1.9", lambda: step_bound(ADAMAX).limit.at(beta1=0.9, beta2=0.95) == 1.9),
        ),
    ),
    Claim(
        "C058",
        "RMSProp with momentum takes steps of the order of lr.",
        ("https://pytorch.org/docs/stable/generated/torch.optim.RMSprop.html",),
        "The limit of the exact bound of the step, in units of lr, is at most 1.",
        lambda: step_bound("rmsprop_momentum").limit <= 1,
        "refuted",
        "The momentum is over adapted steps and has no factor 1 - mu: even under a constant gradient it adds up to "
        "lr/(1 - mu), and at most to lr/((1 - mu) sqrt(1 - beta)).",
        (
            Finding(
                "the bound at mu = 0.9, beta = 0.99 is 100",
                lambda: step_bound("rmsprop_momentum").limit.at(mu=0.9, beta=0.99) == 100,
            ),
            Finding(
                "gradients 10^t make a step of more than 99 lr",
                lambda: grown("rmsprop_momentum", Fraction(10), 70) > 99,
            ),
            Finding(
                "under gradients of size 1, at beta = 0.9, the 100th step is 10 lr to three digits",
                lambda: abs(run("rmsprop_momentum", [1] * 100, beta=0.9, eps=0, lr=1).moved(100) - 10) < 0.01,
            ),
        ),
    ),
    Claim(
        "C059",
        "NAdam's first step is lr, like Adam's.",
        ("Ruder 2016, section 4.9, arXiv:1609.04747",),
        "For lr > 0 the first step of NAdam with a constant momentum coefficient, without epsilon, is lr.",
        lambda: (first_step("nadam_constant").first_step_size == lr).where(lr > 0),
        "conditional",
        "The look-ahead adds to a step that is already one of size lr. How much depends on how the next momentum is "
        "corrected; only without momentum nothing is added.",
        (
            Finding(
                "it is lr (1 + 2 b1)/(1 + b1): 1.47 lr at the defaults",
                lambda: first_step("nadam_constant").first_step_size == lr * (1 + 2 * b1) / (1 + b1),
            ),
            Finding(
                "by Ruder's formula it is 1.9 lr",
                lambda: run(written(NESTEROV_BY_RUDER), [5], eps=0, lr=1).moved(1) == 1.9,
            ),
            Finding(
                "with Dozat's schedule, as in PyTorch, it is 1.056 lr at the defaults",
                lambda: abs(first_step("nadam").first_step_size.at(lr=1, beta1=0.9, psi=0.004) - 1.0565) < 1e-4,
            ),
        ),
    ),
    Claim(
        "C100",
        "Adam needs a warm-up because 1/sqrt(v) has no finite variance in its first steps, so that updates explode.",
        ("Liu et al. 2020, arXiv:1908.03265", "Ma & Yarats 2019, arXiv:1910.04209"),
        "The first step is at most lr, for every gradient other than 0.",
        lambda: (abs(first_step(ADAM)) <= any_number("lr", "nonnegative")).where(any_number("g") != 0),
        "refuted",
        "That is true of the rate, not of the step: where the rate is large the gradient is small, and the first step "
        "is lr. Later ones can be longer, though not without bound.",
        (
            Finding(
                "where gradients near 0 have a density of at least p, those between 2^-(n+1) and 2^-n add at least p "
                "lr to the mean of the first rate, for every n: it has no mean",
                lambda: (
                    p * two**-n * first_step(ADAM).first_rate.at(eps=0, g=two**-n)
                    == p * any_number("lr", "nonnegative")
                ),
            ),
            Finding("no step at the defaults is longer than 7.2703 lr", lambda: step_within(ADAM, 7.2703, eps=0)),
        ),
        denies=True,
    ),
    Claim(
        "C101",
        "A linear warm-up over 2/(1 - b2) steps is a good one without tuning.",
        ("Ma & Yarats 2019, arXiv:1910.04209",),
        "At b2 = 0.999, with the warm-up t/2000, an uncorrected second moment under a constant gradient never makes a "
        "step of more than 1.0755 lr.",
        lambda: (t / 2000 * effective_lr("rmsprop").at(lr=1, g=1, eps=0, beta=0.999) <= 1.0755).where(t <= 2000),
        "proved",
        "A rule of thumb: how well it trains is for experiments to say. What can be said is that it outlasts the "
        "start, where the second moment is too small, and takes away as much as the exponential warm-up, nearly.",
        (
            Finding(
                "without a warm-up the first step is 31.6 lr",
                lambda: abs(constant_step("rmsprop").scale_free_step.at(lr=1, beta=0.999, t=1) - 31.623) < 1e-3,
            ),
            Finding(
                "after the warm-up the weights of the second moment add up to more than 0.864",
                lambda: weights(EWMA.m).weight_sum.at(beta=0.999, t=2000) > 0.864,
            ),
            Finding(
                "all together it takes away 999.5 steps, the exponential one 999",
                lambda: (
                    ((1 / (1 - b2)).at(beta2=0.999) - 0.5 == 999.5) & (weights(EWMA.m).mean_age.at(beta=0.999) == 999)
                ),
            ),
        ),
    ),
)
