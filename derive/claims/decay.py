"""Claims about weight decay beside the step, and about what goes on after the last gradient."""

from __future__ import annotations

from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import written
from derive.library.lookup import find_rule
from derive.stating.properties import decayed_range, decoupled_decay, lone_gradient, step_bound
from derive.stating.quantities import Quantity
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number, sqrt

ADAM: Any = find_rule("adam")
ADAMW: Any = find_rule("adamw")
a, b, x = any_number("a", "positive"), any_number("b", "positive"), any_number("x")
wd = ADAMW.weight_decay
lr = any_number("lr", "nonnegative")

SCHEDULED = """
def scheduled(theta, g, t, m=0, v=0, *,
              lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8),
              weight_decay=nonnegative(1e-2), eta=nonnegative(1)):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    theta = theta - eta * (lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps) + weight_decay * theta)
    return theta, m, v
"""

LAZY = """
def lazy(theta, g, t, m=0, v=0, *,
         lr=nonnegative(1e-3), beta1=decay(0.9), beta2=decay(0.999), eps=nonnegative(1e-8)):
    m = where(g == 0, m, beta1 * m + (1 - beta1) * g)
    v = where(g == 0, v, beta2 * v + (1 - beta2) * g**2)
    theta = where(g == 0, theta, theta - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps))
    return theta, m, v
"""


def share(rule: object, **values: Any) -> Quantity:
    """The share of theta that a step's decay takes, at some hyperparameters."""
    found: Quantity = decoupled_decay(rule).decay_per_step
    return found.at(**values)


def idle(rule: object) -> Run:
    """A gradient other than 0, and a step without one; no epsilon, the decays open."""
    return run(rule, [a, 0], eps=0, lr=1, defaults=False)


CLAIMS = (
    Claim(
        "C097",
        "Lazy (sparse) Adam gives the same as Adam on sparse gradients.",
        ("https://github.com/tensorflow/tensorflow/issues/23668", "https://github.com/pytorch/pytorch/pull/3137"),
        "A step with gradient 0, after one with gradient a > 0, moves by the same in both, without epsilon.",
        lambda: idle(ADAM).moved(2) == idle(written(LAZY)).moved(2),
        "refuted",
        "The lazy one stays where no gradient comes in, Adam goes on with its first moment: each step is b1/sqrt(b2) "
        "of the one before. Without a first moment both stay, and the squares still fade in one and not in the other.",
        (
            Finding(
                "late in a run a lone gradient moves Adam by lr (1 - b1)/sqrt(1 - b2), and then by b1/sqrt(b2) of "
                "that, again and again",
                lambda: (
                    (lone_gradient(ADAM) == lr * (1 - ADAM.beta1) / sqrt(1 - ADAM.beta2))
                    & (lone_gradient(ADAM).spike_ratio == ADAM.beta1 / sqrt(ADAM.beta2))
                ).where(ADAM.beta2 > 0),
            ),
            Finding(
                "at the defaults that is 3.16 lr at once and 28.6 lr afterwards",
                lambda: (abs(_spike() - 3.162) < 1e-3) & (abs(_spike() * _memory() - 28.60) < 1e-2),
            ),
            Finding("the lazy one stays", lambda: idle(written(LAZY)).moved(2) == 0),
        ),
    ),
    Claim(
        "C106",
        "AdamW makes weight decay independent of the learning rate.",
        (
            "https://github.com/NVIDIA/apex/issues/1849",
            "https://github.com/microsoft/mup/issues/1",
            "https://github.com/tensorflow/addons/issues/844",
        ),
        "As in PyTorch, the share of theta that a step takes is the same for any two learning rates a and b.",
        lambda: (share("adamw", lr=a) == share("adamw", lr=b)).where(wd > 0),
        "conditional",
        "The share is lr times weight_decay. The paper multiplies the decay by the schedule alone, not by the "
        "learning rate; there it is independent.",
        (
            Finding("halving lr halves the decay", lambda: share("adamw", lr=a / 2) == share("adamw", lr=a) / 2),
            Finding(
                "in the paper's form the share is the schedule times weight_decay, whatever lr",
                lambda: share(written(SCHEDULED)) == any_number("eta", "nonnegative") * wd,
            ),
            Finding(
                "at lr = 1e-3 and weight_decay = 1e-2 theta halves in 69,314 steps",
                lambda: abs(decoupled_decay("adamw").half_life.at(lr=1e-3, weight_decay=1e-2) - 69_314.4) < 0.1,
            ),
        ),
    ),
    Claim(
        "C107",
        "AdamW keeps |theta| below 1/weight_decay.",
        ("Xie & Li 2024, arXiv:2404.04454",),
        "Where the step has a bound, the range of theta is at most 1/weight_decay.",
        lambda: (decayed_range("adamw") <= 1 / wd).where(wd > 0, step_bound("adamw").finite),
        "conditional",
        "The range is the bound of the step over weight_decay, and that bound is lr only where both decays are equal. "
        "It is for a constant lr, in the long run.",
        (
            Finding(
                "at the default decays the range is 7.27/weight_decay",
                lambda: abs(decayed_range("adamw").at(beta1=0.9, beta2=0.999, weight_decay=1) - 7.2703) < 1e-4,
            ),
            Finding(
                "under a constant gradient, with eps = 0, theta does come to rest at 1/weight_decay: 10 for 0.1",
                lambda: (
                    decayed_range("adamw").theta_under_a_constant_gradient.at(weight_decay=0.1, eps=0) == 10
                ).where(any_number("g") != 0),
            ),
        ),
    ),
)


def _spike() -> Quantity:
    return lone_gradient(ADAM).at(beta1=0.9, beta2=0.999, lr=1)


def _memory() -> Quantity:
    found: Quantity = lone_gradient(ADAM).spike_memory.at(beta1=0.9, beta2=0.999)
    return found
