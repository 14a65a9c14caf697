"""Claims about rules as special cases or limits of others."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import same, set_to
from derive.library.lookup import find_rule
from derive.stating.limits import limit
from derive.stating.properties import constant_step, effective_rate, large_constant
from derive.stating.quantities import Quantity
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number, sqrt

ADAM: Any = find_rule("adam")
ADADELTA: Any = find_rule("adadelta")
a, b, c, d, eta = (any_number(name, "positive") for name in ("a", "b", "c", "d", "eta"))
x, y, z, lr = any_number("x"), any_number("y"), any_number("z"), any_number("lr", "nonnegative")
n = any_number("n", "whole")
rho = ADADELTA.rho


def adam_like_adagrad(gradients: list[Any], steps: int) -> Quantity:
    """The last step of Adam without first moment and epsilon, with eta/sqrt(steps), as beta2 comes near 1."""
    last = run(ADAM, gradients, beta1=0, eps=0, lr=eta / sqrt(steps), defaults=False).moved(steps)
    return limit(last, "beta2", to=1)


def adadelta_at_rest() -> Quantity:
    """Adadelta's rate, lr = 1, t steps after the last gradient: what both averages held then has faded by rho^t."""
    states = {"u": c * rho ** any_number("t", "whole"), "v[t]": d * rho ** any_number("t", "whole")}
    return effective_rate(ADADELTA).at(lr=1, eps=b, **states)


def idle_adadelta() -> Run:
    """Two gradients and a step without one, epsilon positive."""
    return run(ADADELTA, [x, y, 0], eps=b, defaults=False)


CLAIMS = (
    Claim(
        "C056",
        "Adam with beta1 = beta2 = 0 is signSGD.",
        ("Balles & Hennig 2018, arXiv:1705.07774",),
        "With both decays 0 Adam and signSGD are the same algorithm.",
        lambda: same("adam", "sign_sgd", "A.beta1 = 0, A.beta2 = 0"),
        "conditional",
        "g/(|g| + eps) is the sign where eps is 0 and no gradient is 0.",
        (
            Finding(
                "where |g| is eps the step is lr/2",
                lambda: run(ADAM, [Fraction("1e-8")], beta1=0, beta2=0, lr=1).moved(1) == 0.5,
            ),
        ),
    ),
    Claim(
        "C062",
        "RMSProp is Adam with beta1 = 0.",
        ("https://github.com/tdrussell/qlora-pipe/pull/35",),
        "Adam with beta1 = 0 and RMSProp with the same decay of squares are the same algorithm.",
        lambda: same("adam", "rmsprop", "A.beta1 = 0, B.beta = A.beta2"),
        "refuted",
        "RMSProp does not correct its average: under constant gradients its step is 1/sqrt(1 - beta^t) times Adam's. "
        "The two come together after a few times 1/(1 - beta) steps; with the correction they are the same.",
        (
            Finding(
                "RMSProp with Adam's correction is Adam with beta1 = 0",
                lambda: same(set_to("adam", beta1=0), "rmsprop_debiased", "B.beta = A.beta2"),
            ),
            Finding(
                "so it is where neither remembers squares",
                lambda: same(set_to("adam", beta1=0, beta2=0), set_to("rmsprop", beta=0)),
            ),
            Finding(
                "its constant step is lr/sqrt(1 - beta^t), which tends to lr",
                lambda: limit(constant_step("rmsprop").scale_free_step) == lr,
            ),
            Finding(
                "at beta = 0.999 that is 31.6 lr at first, 1.26 lr after 1,000 steps; at 0.99 it begins with 10 lr",
                lambda: (
                    (abs(_constant(0.999, 1) - 31.62) < 0.01)
                    & (abs(_constant(0.999, 1000) - 1.258) < 0.001)
                    & (_constant(0.99, 1) == 10)
                ),
            ),
        ),
    ),
    Claim(
        "C068",
        "Adagrad is Adam with beta1 = 0, beta2 near 1 and a learning rate lr/sqrt(t).",
        ("Kingma & Ba 2015, section 5, arXiv:1412.6980",),
        "After three gradients a, b, d of any size and no epsilon, Adam's step tends to Adagrad's as beta2 goes to 1.",
        lambda: adam_like_adagrad([a, b, d], 3) == run("adagrad", [a, b, d], lr=eta, eps=0).moved(3),
        "proved",
        "The corrected second moment tends to the plain mean of the squares, and the root of t turns the mean into a "
        "sum. It is the limit only: at beta2 = 0.999 the two are close, not equal.",
        (
            Finding(
                "for five gradients of other sizes and signs too",
                lambda: (
                    adam_like_adagrad([1, -2, 3, -4, 5], 5) == run("adagrad", [1, -2, 3, -4, 5], lr=eta, eps=0).moved(5)
                ),
            ),
            Finding(
                "after gradients 1, 2, 3 at beta2 = 0.999 they are between 1e-4 and 1e-3 of lr apart",
                lambda: (_distance(0.999) > 1e-4) & (_distance(0.999) < 1e-3),
            ),
            Finding(
                "at beta2 = 0.999999 less than 1e-6",
                lambda: _distance(0.999999) < 1e-6,
            ),
        ),
    ),
    Claim(
        "C070",
        "Adadelta's effective rate tends to 1 as gradients and steps vanish.",
        ("Zeiler 2012, section 4.3, arXiv:1212.5701", "https://github.com/tensorflow/tensorflow/pull/36849"),
        "Once all gradients are zero the rate, with lr = 1 and eps > 0, tends to 1 from any averages u and v.",
        lambda: limit(adadelta_at_rest()) == 1,
        "proved",
        "Both averages fade by rho in every such step, and what is left is sqrt(eps)/sqrt(eps). It takes the same "
        "epsilon in both roots.",
        (
            Finding(
                "a step without gradient multiplies both averages by rho",
                lambda: (
                    (idle_adadelta().v[3] == rho * idle_adadelta().v[2])
                    & (idle_adadelta().u[3] == rho * idle_adadelta().u[2])
                ),
            ),
        ),
    ),
    Claim(
        "C071",
        "Adam contains gradient descent with momentum as a limit.",
        ("Choi et al. 2019, arXiv:1910.05446",),
        "With lr = c eps the third step tends to c times the corrected average of the gradients as eps grows, for any "
        "three of them.",
        lambda: (
            limit(run(ADAM, [x, y, z], lr=c * n, eps=n, defaults=False).moved(3), "n")
            == c * run("ewma_debiased", [x, y, z], beta=ADAM.beta1).output[3]
        ),
        "proved",
        "A large epsilon drowns the second moment, and what is left is momentum as a corrected average.",
        (
            Finding(
                "whatever the gradients were the step tends to c m/(1 - b1^t)",
                lambda: large_constant(ADAM) == c * any_number("m[t]") / (1 - ADAM.beta1 ** any_number("t", "whole")),
            ),
            Finding(
                "for gradients 1, 2, 3 it is less than 1e-5 c from that at eps = 10^6",
                lambda: _from_momentum(10**6) < 1e-5,
            ),
            Finding("and more than 1e-3 c at eps = 10^3", lambda: _from_momentum(10**3) > 1e-3),
        ),
    ),
)


def _constant(beta: float, step: int) -> Quantity:
    found: Quantity = constant_step("rmsprop").scale_free_step.at(lr=1, beta=beta, t=step)
    return found


def _distance(beta2: float) -> Quantity:
    """Between the third steps of Adam and Adagrad, in units of lr."""
    adam = run(ADAM, [1, 2, 3], beta1=0, beta2=beta2, eps=0, lr=1 / sqrt(3)).moved(3)
    return abs(adam - run("adagrad", [1, 2, 3], lr=1, eps=0).moved(3))


def _from_momentum(eps: int) -> Quantity:
    """Between the third steps of Adam with lr = eps and of corrected momentum with 1."""
    adam = run(ADAM, [1, 2, 3], eps=eps, lr=eps).moved(3)
    return abs(adam - run("ewma_debiased", [1, 2, 3], beta=0.9).output[3])
