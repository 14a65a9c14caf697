"""Claims about rates that fall: sums and maxima of squared gradients, and denominators that come near zero."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import same, written
from derive.library.lookup import find_rule
from derive.stating.limits import limit
from derive.stating.properties import effective_lr, never_increases, rate_at_least, rate_ratio, travel
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, sqrt

RMSPROP: Any = find_rule("rmsprop")
ADAGRAD: Any = find_rule("adagrad")
a, g, lr, n = any_number("a", "positive"), any_number("g"), any_number("lr", "nonnegative"), any_number("n", "whole")

AMSGRAD_AS_PRINTED = """
def amsgrad_as_printed(theta, g, m=0, v=0, v_max=0, *, lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_max = maximum(v_max, v)
    theta = theta - lr * m / sqrt(v_max)
    return theta, m, v, v_max
"""


def denominator(step: int) -> Quantity:
    """The root of AMSGrad's corrected maximum, as in PyTorch, after gradients 1, 0, 0 at beta2 = 0.999."""
    kept = run("amsgrad", [1, 0, 0], beta2=0.999).v_max[step]
    return sqrt(kept / (1 - Fraction("0.999") ** step))


def centred(step: int) -> Quantity:
    """The step of centred RMSProp under gradients of size 1, in units of lr, at the defaults."""
    return effective_lr("rmsprop_centered").at(lr=1, g=1, beta=0.99, eps=1e-8, t=step)


def on_the_bowl() -> Statement:
    """Adagrad on x^2/2: where it is, and what its rate is."""
    path = run(ADAGRAD, gradient=lambda x: x, start=1, steps=300, lr=0.1, eps=0)
    return (0.1 / sqrt(path.s[300]) > 0.0315) & (path.theta[300] < 1e-4)


CLAIMS = (
    Claim(
        "C064",
        "RMSProp is a less aggressive Adagrad: its rate is always larger.",
        ("https://forums.fast.ai/t/momentum-rmsprop-lesson-5/56890",),
        "With the same lr and epsilon > 0 the rate of RMSProp is at least that of Adagrad, on the same gradients.",
        lambda: rate_at_least("rmsprop", "adagrad"),
        "proved",
        "An average of squares with weights up to 1 - beta is at most 1 - beta times their sum.",
        (
            Finding(
                "without epsilon it is at least 1/sqrt(1 - beta) times as large",
                lambda: rate_ratio("rmsprop", "adagrad") == 1 / sqrt(1 - RMSPROP.beta),
            ),
            Finding("ten times, at beta = 0.99", lambda: rate_ratio("rmsprop", "adagrad").at(beta=0.99) == 10),
        ),
    ),
    Claim(
        "C065",
        "Adagrad's effective learning rate never increases.",
        ("Duchi, Hazan & Singer 2011, JMLR 12",),
        "The rate lr/(sqrt(s) + eps) is at every step at most what it was a step before, whatever the gradients.",
        lambda: never_increases("adagrad"),
        "proved",
        "A sum of squares does not shrink, and lr is constant.",
    ),
    Claim(
        "C067",
        "Adagrad stops learning in the end because its rate goes to zero.",
        ("Ruder 2016, arXiv:1609.04747", "https://cs231n.github.io/neural-networks-3/"),
        "Under gradients of one sign and size Adagrad has no bound to its way: n (n + 2) steps lead at least 2 lr n.",
        lambda: travel("adagrad").at(eps=0, t=n * (n + 2)) == 2 * lr * n,
        "refuted",
        "The rate goes to zero exactly because gradients keep coming, and then the steps, of size lr/sqrt(t), add up "
        "to any distance. Where gradients fade, as on a bowl, their squares have a finite sum and the rate stays up.",
        (
            Finding(
                "under a constant gradient the rate does tend to zero",
                lambda: limit(effective_lr("adagrad").at(g=a)) == 0,
            ),
            Finding(
                "on x^2/2 from 1 with lr = 0.1 the rate is above 0.0315 after 300 steps, and x below 1e-4",
                on_the_bowl,
            ),
        ),
        denies=True,
    ),
    Claim(
        "C088",
        "AMSGrad's effective learning rate never increases.",
        ("Reddi, Kale & Kumar 2018, arXiv:1904.09237",),
        "In the algorithm as printed, without bias correction, the rate is at every step at most what it was before.",
        lambda: never_increases(written(AMSGRAD_AS_PRINTED)),
        "proved",
        "A maximum does not shrink. It depends on where the bias is corrected: Optax corrects before the maximum and "
        "keeps the property, PyTorch and TensorFlow divide the maximum by 1 - beta2^t, which grows, and lose it.",
        (
            Finding("corrected before the maximum it never grows either", lambda: never_increases("amsgrad_debiased")),
            Finding(
                "corrected afterwards, gradients 1, 0, 0 have the denominators 1, 0.707 and 0.578",
                lambda: (
                    (denominator(1) == 1)
                    & (abs(denominator(2) - 0.7073) < 1e-4)
                    & (abs(denominator(3) - 0.5777) < 1e-4)
                ),
            ),
        ),
    ),
    Claim(
        "C089",
        "In AMSGrad it does not matter whether the maximum is taken before or after the bias correction.",
        (
            "https://github.com/google-deepmind/optax/issues/1389",
            "https://github.com/pytorch/pytorch/issues/142323",
        ),
        "AMSGrad as in PyTorch and as in Optax are the same algorithm.",
        lambda: same("amsgrad", "amsgrad_debiased"),
        "conditional",
        "Only without a memory of squares. Else they part wherever gradients shrink early on; once 1 - beta2^t is "
        "nearly 1 there is no difference to speak of.",
        (
            Finding(
                "after gradients 1, 0 the second step is 1.41 times as long where the maximum is corrected afterwards",
                lambda: (
                    abs(
                        run("amsgrad", [1, 0], eps=0).moved(2) / run("amsgrad_debiased", [1, 0], eps=0).moved(2) - 1.414
                    )
                    < 1e-3
                ),
            ),
        ),
    ),
    Claim(
        "C095",
        "Centred RMSProp is a safer RMSProp.",
        ("https://www.tensorflow.org/api_docs/python/tf/keras/optimizers/RMSprop",),
        "Under a constant gradient other than 0, with lr, eps and beta positive, the step of centred RMSProp is at "
        "most that of RMSProp.",
        lambda: (effective_lr("rmsprop_centered") <= effective_lr("rmsprop")).where(
            RMSPROP.eps > 0, RMSPROP.lr > 0, RMSPROP.beta > 0, g != 0
        ),
        "refuted",
        "A steady gradient has no variance, and nothing but epsilon is left to divide by. Only noise keeps it away "
        "from there.",
        (
            Finding(
                "it is always at least that of RMSProp",
                lambda: (effective_lr("rmsprop_centered") >= effective_lr("rmsprop")).where(RMSPROP.eps > 0),
            ),
            Finding(
                "its rate tends to lr/eps",
                lambda: (limit(effective_lr("rmsprop_centered").at(g=a)) == lr / RMSPROP.eps).where(RMSPROP.eps > 0),
            ),
            Finding(
                "under gradients of size 1 the step is 152 lr at step 1,000 and 23,000 lr at step 2,000",
                lambda: (abs(centred(1000) - 152.2) < 0.1) & (abs(centred(2000) - 23158) < 1),
            ),
        ),
    ),
)
