"""Claims about which formulas are the same algorithm, and how one has to be translated into another."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import same, set_to, written
from derive.library.lookup import find_rule
from derive.rule import Rule
from derive.stating.runs import run
from derive.stating.vocabulary import any_number, sqrt

NG_THREAD = "https://community.deeplearning.ai/t/dls-2-week-2-gradient-descent-with-momentum-simplification/696993"

ACCUMULATED = """
def accumulated(theta, g, t, m=0, v=0, *,
        lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * m / (sqrt(v / (1 - beta2**t)) + eps)
    return theta, m, v
"""

DAMPENED = """
def dampened(theta, g, t, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = where(t == 1, g, beta * v + (1 - beta) * g)
    theta = theta - lr * v
    return theta, v
"""

LOOKING_AHEAD = """
def looking_ahead(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v - lr * g
    theta = theta + beta * v - lr * g
    return theta, v
"""

HALF_CORRECTED = """
def half_corrected(theta, g, t, m=0, v=0, *,
        lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * (m / (1 - beta1**t)) / sqrt(v + eps)
    return theta, m, v
"""

VARYING_DECAY = """
def varying_decay(x, t, m=0, *, beta=decay(0.9)):
    b = beta * (1 - beta ** (t - 1)) / (1 - beta**t)
    m = b * m + (1 - b) * x
    output = m
    return output, m
"""

DECAY_IN_RATE = """
def decay_in_rate(theta, g, t, m=0, v=0, *,
        lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
                  weight_decay=nonnegative(1e-2)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    lr_t = lr * sqrt(1 - beta2**t)
    theta = theta - lr_t * (m / (1 - beta1**t) / (sqrt(v) + eps) + weight_decay * theta)
    return theta, m, v
"""

SCHEDULED_EPSILON = """
def scheduled_epsilon(theta, g, t, m=0, v=0, *,
                      lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps / sqrt(1 - beta2**t))
    return theta, m, v
"""

COUPLED = """
def coupled(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), weight_decay=nonnegative(1e-2)):
    v = beta * v + (g + weight_decay * theta)
    theta = theta - lr * v
    return theta, v
"""

DECOUPLED = """
def decoupled(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), weight_decay=nonnegative(1e-2)):
    v = beta * v + g
    theta = theta - lr * (v + weight_decay * theta)
    return theta, v
"""


g, g1, lr, beta = any_number("g"), any_number("g1"), any_number("lr", "nonnegative"), any_number("beta", "decay")


def first_step(rule: Rule | str) -> Any:
    """How far the first step goes for a gradient g, with the hyperparameters open."""
    return run(rule, [g], defaults=False).moved(1)


def travel(rule: Rule, steps: int) -> Any:
    """How far a rule has gone after a first gradient g1 and none after it, with the hyperparameters open."""
    path = run(rule, [g1, *[0] * (steps - 1)], defaults=False).theta
    return path[0] - path[steps]


CLAIMS = (
    Claim(
        "C011",
        "A debiased average is an average with the time-varying decay b(1 - b^(t-1))/(1 - b^t).",
        ("https://github.com/facebookresearch/schedule_free/issues/38",),
        "The two averages give the same output at every step.",
        lambda: same("ewma_debiased", written(VARYING_DECAY)),
        "proved",
        "The stored average is the debiased one, b_1 = 0 makes any start do.",
    ),
    Claim(
        "C017",
        "Overwriting m with its bias-corrected value at every step is the same as Adam.",
        ("https://github.com/frgfm/holocron/issues/1", "https://github.com/deeplearning4j/nd4j/pull/1891"),
        "The rule that stores the corrected m asks for the same points as Adam.",
        lambda: same(written(ACCUMULATED), "adam"),
        "conditional",
        "The correction is applied to a value that holds all earlier corrections, and compounds. Only without a first "
        "moment (beta1 = 0) there is nothing to compound.",
        (
            Finding(
                "with g = 1 and beta1 = 0.9 the stored m is above 5 after two steps, above 100 after five",
                lambda: (run(written(ACCUMULATED), [1] * 5).m[2] > 5) & (run(written(ACCUMULATED), [1] * 5).m[5] > 100),
            ),
        ),
    ),
    Claim(
        "C022",
        "Dropping the factor (1 - b) in front of the gradient, the learning rate must be multiplied by 1/(1 - b).",
        (NG_THREAD,),
        "Momentum as an average with lr, and without the factor with lr/(1 - b), are the same algorithm.",
        lambda: same("momentum_ema", "momentum_lr_outside", "B.lr = A.lr / (1 - A.beta)"),
        "refuted",
        "The other way round: without the factor the buffer is 1/(1 - b) times as large, so lr has to shrink.",
        (
            Finding(
                "with lr (1 - b) they are the same",
                lambda: same("momentum_ema", "momentum_lr_outside", "B.lr = A.lr * (1 - A.beta)"),
            ),
        ),
    ),
    Claim(
        "C023",
        "... so one should use lr times b.",
        (NG_THREAD,),
        "Momentum as an average with lr, and without the factor with lr b, are the same algorithm.",
        lambda: same("momentum_ema", "momentum_lr_outside", "B.lr = A.lr * A.beta"),
        "refuted",
        "It takes 1 - b, which is b only at one half.",
        (
            Finding(
                "at b = 1/2 it happens to be right",
                lambda: same(
                    set_to("momentum_ema", beta="1/2"), set_to("momentum_lr_outside", beta="1/2"), "B.lr = A.lr / 2"
                ),
            ),
        ),
    ),
    Claim(
        "C028",
        "PyTorch's SGD with dampening = momentum keeps an average of the gradients.",
        ("https://github.com/pytorch/pytorch/pull/152833",),
        "The rule whose first buffer is the first gradient, undampened, is momentum as an average from zero.",
        lambda: same(written(DAMPENED), "momentum_ema"),
        "conditional",
        "The first step is not dampened: the average starts at the first gradient. Equal only without momentum.",
        (
            Finding(
                "after n = 3 steps it has gone further by lr b g1 (1 + b + b^2)",
                lambda: (
                    travel(written(DAMPENED), 3) - travel(find_rule("momentum_ema"), 3)
                    == lr * beta * g1 * (1 + beta + beta**2)
                ),
            ),
        ),
    ),
    Claim(
        "C040",
        "The Nesterov of Keras and PyTorch, without an explicit look-ahead gradient, is not real Nesterov.",
        (
            "https://github.com/keras-team/keras/issues/966",
            "https://github.com/keras-team/keras/issues/14115",
            "https://github.com/chainer/chainer/issues/4274",
            "https://github.com/lisa-lab/pylearn2/pull/1030",
        ),
        "The form theta + b v - lr g is Nesterov's rule, which asks for its gradient at theta - b v.",
        lambda: same(written(LOOKING_AHEAD), "nesterov"),
        "refuted",
        "What is stored is the look-ahead point itself, so both ask for the same gradients; the weights read in "
        "between are other points of the same path. It holds while lr and b are constant.",
        denies=True,
    ),
    Claim(
        "C041",
        "The Keras formula is p + b^2 v - (1 + b) lr g: it gives the gradient more weight.",
        ("https://stats.stackexchange.com/questions/179915",),
        "b (b v - lr g) - lr g is b^2 v - (1 + b) lr g.",
        lambda: beta * (beta * g1 - lr * g) - lr * g == beta**2 * g1 - (1 + beta) * lr * g,
        "proved",
        "Multiplied out; the weight of the current gradient is 1 + b, that of the old buffer b^2.",
    ),
    Claim(
        "C053",
        "Adam's first step is lr sign(g).",
        ("https://stats.stackexchange.com/questions/232741",),
        "For g other than 0 the first step is lr g/|g|.",
        lambda: (first_step("adam") == lr * g / abs(g)).where(g != 0),
        "conditional",
        "It is lr g/(|g| + eps): the correction makes m_hat = g and v_hat = g^2.",
        (
            Finding(
                "the first step is lr g/(|g| + eps)",
                lambda: (first_step("adam") == lr * g / (abs(g) + any_number("eps", "nonnegative"))).where(g != 0),
            ),
            Finding(
                "at |g| = 1e-9 and eps = 1e-8 it is lr/11",
                lambda: run("adam", [Fraction("1e-9")], lr=1).moved(1) == Fraction(1, 11),
            ),
        ),
    ),
    Claim(
        "C055",
        "Adam with beta1 = beta2 = 0 is plain gradient descent.",
        ("https://community.deeplearning.ai/t/adam-optimization/",),
        "With both decays 0 Adam and gradient descent are the same algorithm.",
        lambda: same("adam", "gradient_descent", "beta1 = 0, beta2 = 0"),
        "refuted",
        "It is lr g/(|g| + eps): the size of the gradient is divided away.",
        (
            Finding(
                "for g = 5 and eps = 0 the step is lr, for g = -5 it is -lr",
                lambda: (
                    (run("adam", [5], beta1=0, beta2=0, eps=0, lr=1).moved(1) == 1)
                    & (run("adam", [-5], beta1=0, beta2=0, eps=0, lr=1).moved(1) == -1)
                ),
            ),
        ),
    ),
    Claim(
        "C082",
        "It does not matter whether epsilon, of the same value, stands inside or outside the root.",
        (
            "https://github.com/keras-team/keras/issues/435",
            "https://community.deeplearning.ai/t/c2w2-rmsprop-has-the-epsilon-term-within-the-square-root-while-adam-"
            "optimization-has-it-outside-why-this-difference/313152",
        ),
        "RMSProp with epsilon outside and inside the root are the same algorithm.",
        lambda: same("rmsprop", "rmsprop_eps_inside"),
        "conditional",
        "Only without epsilon. Where v is 0 the divisor is eps on one side and sqrt(eps) on the other: at 1e-8 the "
        "second is 10^4 times the first.",
        (
            Finding("sqrt(1e-8) is 10^4 times 1e-8", lambda: sqrt(1e-8) == 1e-8 * 10**4),
            Finding(
                "at eps = 1 and v = 0.01 the divisors are 1.1 and above 1.004",
                lambda: (sqrt(0.01) + 1 == 1.1) & (sqrt(1.01) < 1.005),
            ),
        ),
    ),
    Claim(
        "C083",
        "The epsilon of TensorFlow's and Keras's Adam is the paper's epsilon.",
        (
            "https://github.com/tensorflow/tensorflow/issues/9047",
            "https://github.com/keras-team/keras/issues/17391",
            "https://github.com/pytorch/pytorch/pull/22628",
            "https://github.com/karpathy/nanochat/pull/353",
        ),
        "Adam and Adam with epsilon added before the correction are the same algorithm.",
        lambda: same("adam", "adam_eps_hat"),
        "conditional",
        "It is the paper's epsilon hat: the epsilon of Algorithm 1 would be epsilon hat/sqrt(1 - beta2^t), 31.6 "
        "times as large at the first step. Equal without epsilon, or without a memory of squares.",
        (
            Finding("1/sqrt(1 - 0.999) is above 31.6", lambda: 1 / sqrt(Fraction("0.001")) > 31.6),
            Finding(
                "where epsilon is scheduled as eps_hat/sqrt(1 - beta2^t) they are the same",
                lambda: same(written(SCHEDULED_EPSILON), "adam_eps_hat"),
            ),
        ),
    ),
    Claim(
        "C085",
        "The rule as printed in fastbook, an unbiased average over sqrt(sqr_avg + eps), is Adam.",
        ("https://github.com/fastai/fastbook/blob/master/16_accel_sgd.ipynb",),
        "The rule that corrects m and not v, epsilon inside the root, is Adam.",
        lambda: same(written(HALF_CORRECTED), "adam"),
        "conditional",
        "v is left biased towards zero, so that the first steps are too large by up to 1/sqrt(1 - beta2). The "
        "library's code corrects both.",
        (
            Finding(
                "its first step at beta2 = 0.99 and eps = 0 is 10 lr",
                lambda: run(written(HALF_CORRECTED), [1], beta2=0.99, eps=0, lr=1).moved(1) == 10,
            ),
        ),
    ),
    Claim(
        "C086",
        "for t in range(n): ... m / (1 - beta1**t) is Adam.",
        ("https://cs231n.github.io/neural-networks-3/",),
        "At t = 0 the divisor 1 - beta1^t is not zero.",
        lambda: 1 - any_number("beta1", "decay") ** any_number("t").at(t=0) != 0,
        "refuted",
        "Counted from 0 the first step divides by 1 - beta1^0 = 0; it takes t + 1.",
    ),
    Claim(
        "C103",
        "Weight decay and L2 regularisation are the same.",
        ("https://github.com/pytorch/pytorch/issues/38767", "https://github.com/d2l-ai/d2l-en/pull/2035"),
        "Adam with the decay added to the gradient and AdamW are the same algorithm.",
        lambda: same("adam_l2", "adamw"),
        "conditional",
        "In an adaptive rule a coupled decay is divided by the size of the gradients like the rest. Plain descent is "
        "another matter: there the two are one.",
        (
            Finding(
                "without momentum, in plain descent, they are the same step",
                lambda: same(set_to(written(COUPLED), beta=0), set_to(written(DECOUPLED), beta=0)),
            ),
        ),
    ),
    Claim(
        "C104",
        "With momentum, L2 regularisation and weight decay coincide.",
        ("https://pytorch.org/docs/stable/generated/torch.optim.SGD.html",),
        "Momentum with the decay added to the gradient, and with the decay beside the step, are the same algorithm.",
        lambda: same(written(COUPLED), written(DECOUPLED)),
        "conditional",
        "A coupled decay goes through the buffer and counts 1/(1 - b) times. Equal without momentum, or without decay.",
        (
            Finding(
                "from theta = 1, without gradients, at lr = b = 1/2 and wd = 1, they are 1/4 apart after two steps",
                lambda: (
                    run(written(DECOUPLED), [0, 0], start=1, beta=0.5, lr=0.5, weight_decay=1).theta[2]
                    - run(written(COUPLED), [0, 0], start=1, beta=0.5, lr=0.5, weight_decay=1).theta[2]
                    == 0.25
                ),
            ),
        ),
    ),
    Claim(
        "C119",
        "Absorbing sqrt(1 - beta2^t) into the learning rate is the same as correcting v.",
        ("https://github.com/facebookresearch/schedule_free/issues/38",),
        "Without epsilon AdamW with the factor in its learning rate, which scales the decay too, is AdamW.",
        lambda: same(set_to(written(DECAY_IN_RATE), eps=0), set_to("adamw", eps=0)),
        "conditional",
        "The factor also multiplies the decay, a warm-up of it. An epsilon would mean something else too.",
        (
            Finding(
                "without decay and epsilon they are the same",
                lambda: same(
                    set_to(written(DECAY_IN_RATE), weight_decay=0, eps=0), set_to("adamw", weight_decay=0, eps=0)
                ),
            ),
            Finding(
                "with eps = 1, and no decay, a first gradient 1 makes a step of less than lr/20 instead of lr/2",
                lambda: (
                    (run(written(DECAY_IN_RATE), [1], eps=1, weight_decay=0, lr=1).moved(1) < 0.05)
                    & (run("adamw", [1], eps=1, weight_decay=0, lr=1).moved(1) == 0.5)
                ),
            ),
        ),
    ),
)
