"""Claims about stability: which learning rates converge, how fast, and what happens in the end."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.words import about, written
from derive.library.adam import adam
from derive.library.descent import gradient_descent
from derive.library.momentum import momentum, nesterov
from derive.library.rmsprop import rmsprop
from derive.stating.properties import cycle as found_cycle
from derive.stating.properties import stability_of, stable_region, stationary_variance
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number, sqrt

MOMENTUM: Any = momentum
NESTEROV: Any = nesterov
DESCENT: Any = gradient_descent
ADAM: Any = adam
RMSPROP: Any = rmsprop

lr, beta = MOMENTUM.lr, MOMENTUM.beta
h, a, x = (any_number(name, "positive") for name in ("h", "a", "x"))
c = any_number("c", "nonnegative")
s = any_number("s")
sigma2 = any_number("sigma2", "positive")
lr_h = lr * h

ANY_FACTOR = """
def any_factor(theta, g, v=0, *, lr=nonnegative(0.01), beta=real(0.9)):
    v = beta * v + lr * g
    theta = theta - v
    return theta, v
"""


def stability(rule: Any) -> Any:
    """What is derived of the runs of a rule on h x^2/2."""
    return stability_of(rule)


def at(rule: Any, rate: str, decay: str | None = None) -> Any:
    """The factor of a step in the long run at this lr h."""
    values = {} if decay is None else {"beta": Fraction(decay)}
    return stability(rule).spectral_radius.at(lr=1, h=Fraction(rate), **values)


def tuned(steps: int) -> Run:
    """Momentum tuned for curvatures from 1 to 100, at the curvature 100, from x = 1 at rest."""
    values = {"lr": Fraction(4, 121), "beta": Fraction(81, 121)}
    return run(MOMENTUM, gradient=lambda theta: 100 * theta, steps=steps, start=1, **values)


def descended(gradient: Any, steps: int = 1, **values: Any) -> Run:
    """Plain descent from x."""
    return run(DESCENT, gradient=gradient, steps=steps, start=x, **values)


CLAIMS = (
    Claim(
        "C029",
        "Heavy ball on a quadratic is stable exactly where 0 < lr h < 2(1 + b).",
        ("Goh 2017, Why momentum really works, https://distill.pub/2017/momentum/",),
        "Runs on h x^2/2 tend to 0 from everywhere exactly where 0 < lr h < 2(1 + b).",
        lambda: stable_region(MOMENTUM).same_as((lr_h > 0) & (lr_h < 2 * (1 + beta))),
        "proved",
        "By the Jury conditions of z^2 - (1 + b - lr h) z + b, for 0 <= b < 1, in the velocity form.",
        (Finding("without momentum it is 2", lambda: stability(MOMENTUM).threshold.at(beta=0) == 2),),
    ),
    Claim(
        "C031",
        "Adam becomes unstable where the preconditioned sharpness exceeds 38/lr.",
        ("Cohen et al. 2022, Adaptive gradient methods at the edge of stability, arXiv:2207.14484",),
        "With its preconditioner held Adam bears preconditioned curvatures below 38/lr.",
        lambda: (stability(ADAM).preconditioned_threshold == 38 / ADAM.lr).where(ADAM.lr > 0),
        "conditional",
        "2(1 + b1)/((1 - b1) lr) is 38/lr at b1 = 0.9 only. On a quadratic, with the preconditioner held; Nesterov's "
        "momentum bears less.",
        (
            Finding(
                "it is 2(1 + b1)/((1 - b1) lr)",
                lambda: (
                    stability(ADAM).preconditioned_threshold == 2 * (1 + ADAM.beta1) / ((1 - ADAM.beta1) * ADAM.lr)
                ).where(ADAM.lr > 0),
            ),
            Finding(
                "RMSProp, without momentum, bears 2/lr",
                lambda: (stability(RMSPROP).preconditioned_threshold == 2 / RMSPROP.lr).where(RMSPROP.lr > 0),
            ),
        ),
    ),
    Claim(
        "C032",
        "Nesterov's momentum tolerates larger learning rates than classical momentum.",
        ("https://www.aryanupadhyay.com/post/deep-learning-optimizers-explained-nag-adagrad-rmsprop-and-adam",),
        "On a quadratic the threshold of lr h is larger for Nesterov's rule than for momentum.",
        lambda: stability(NESTEROV).threshold > stability(MOMENTUM).threshold,
        "refuted",
        "It is 2(1 + b)/(1 + 2 b), smaller by 1 + 2 b, and below that of plain descent.",
        (
            Finding("it is never larger", lambda: stability(NESTEROV).threshold <= stability(MOMENTUM).threshold),
            Finding(
                "at 0.9 they are 1.357 and 3.8",
                lambda: (
                    about(stability(NESTEROV).threshold.at(beta=0.9), 1.357, 1e-3)
                    & (stability(MOMENTUM).threshold.at(beta=0.9) == 3.8)
                ),
            ),
            Finding("it is at most that of descent, 2", lambda: stability(NESTEROV).threshold <= 2),
            Finding(
                "at lr h = 1.5 and b = 0.9 a step of momentum shrinks the error, one of Nesterov's rule makes it larger",
                lambda: (at(MOMENTUM, "1.5", "0.9") < 1) & (at(NESTEROV, "1.5", "0.9") > 1),
            ),
        ),
    ),
    Claim(
        "C034",
        "Heavy ball converges at the rate (sqrt(k) - 1)/(sqrt(k) + 1).",
        ("Polyak 1964", "Lessard, Recht & Packard 2016, arXiv:1408.3595", "Goujaud et al. 2023, arXiv:2307.11291"),
        "On h x^2/2 the factor of a step in the long run is sqrt(b), which is that rate for the tuned b.",
        lambda: stability(MOMENTUM).spectral_radius == sqrt(beta),
        "conditional",
        "On quadratics, for every curvature between (1 - sqrt(b))^2/lr and (1 + sqrt(b))^2/lr, which for the tuned lr "
        "and b are the least and the largest. On other convex functions it can circle for ever.",
        (
            Finding(
                "with the tuned lr and b both extreme curvatures, 1 and k, have that rate",
                lambda: (_rate(1) & _rate(s)).where(s > 1),
            ),
        ),
        condition=lambda: stability(MOMENTUM).discriminant <= 0,
    ),
    Claim(
        "C035",
        "Tuned heavy ball decreases the loss at every step.",
        ("popular pictures",),
        "Tuned for curvatures from 1 to 100, at the curvature 100, its first step decreases x^2.",
        lambda: tuned(1).theta[1] ** 2 <= tuned(1).theta[0] ** 2,
        "refuted",
        "Its matrix is not normal, and the root at an extreme curvature is double: the error first grows like t times "
        "the rate to the t.",
        (
            Finding("the first step leads to -279/121", lambda: tuned(1).theta[1] == Fraction(-279, 121)),
            Finding(
                "after four steps the loss is 13.7 times that at the start",
                lambda: about(tuned(4).theta[4] ** 2, 13.7, 0.1),
            ),
            Finding(
                "plain descent with 0 <= lr h <= 2 never increases it",
                lambda: (descended(lambda theta: h * theta, defaults=False).theta[1] ** 2 <= x**2).where(lr_h <= 2),
            ),
        ),
    ),
    Claim(
        "C037",
        "Gradient descent converges exactly where lr < 2/L.",
        ("https://notesoncomputing.com/exercises/gradient-descent",),
        "For f' = a x + c x^3 a step from x comes nearer to 0, which it does where lr (a + c x^2) < 2, exactly where "
        "lr f''(x) < 2.",
        lambda: (lr * (a + c * x**2) < 2).same_as(lr * (a + 3 * c * x**2) < 2).where(lr > 0),
        "conditional",
        "On quadratics (c = 0). On others a bound of the curvature is enough and not necessary: where it has none at "
        "all, as for x^4/4, descent may still converge.",
        (
            Finding(
                "a step comes nearer to 0 exactly where lr (a + c x^2) < 2",
                lambda: _nearer().same_as(lr * (a + c * x**2) < 2).where(lr > 0),
            ),
            Finding(
                "on a x^2/2 runs tend to 0 exactly where 0 < lr a < 2",
                lambda: stable_region(DESCENT).same_as((lr_h > 0) & (lr_h < 2)),
            ),
            Finding(
                "at lr a = 2 they go back and forth", lambda: descended(lambda theta: 2 * theta, lr=1).theta[1] == -x
            ),
            Finding(
                "on x^4/4 with lr = 0.1, from x up to 1, every step comes nearer to 0 without passing it",
                lambda: ((_quartic() > 0) & (_quartic() < x)).where(x <= 1),
            ),
        ),
        condition=lambda: c == 0,
    ),
    Claim(
        "C038",
        "With 1/L < lr < 2/L descent overshoots at every step along the stiffest axis, and yet converges.",
        ("https://gbasran.github.io/ADAM-Machine-Learning-Deepdive/concept-03-gradient-descent-full.html",),
        "On h x^2/2 with 1 < lr h < 2 every step from x > 0 leads below 0, and nearer to it.",
        lambda: (
            (descended(lambda theta: h * theta, defaults=False).theta[1] < 0)
            & (descended(lambda theta: h * theta, defaults=False).theta[1] > -x)
        ).where(lr_h > 1, lr_h < 2),
        "proved",
        "The factor 1 - lr h lies between -1 and 0.",
        (Finding("and runs tend to 0", lambda: stable_region(DESCENT).where(lr_h > 1, lr_h < 2)),),
    ),
    Claim(
        "C044",
        "The momentum factor must lie in [0, 1).",
        ("an answer on ai.stackexchange.com, by the likeness to friction",),
        "With the factor -1/2 momentum does not converge on h x^2/2 at lr h = 0.99.",
        lambda: ~stable_region(written(ANY_FACTOR)).at(lr=1, h=0.99, beta=Fraction(-1, 2)),
        "refuted",
        "It is stable for -1 < b < 1 with 0 < lr h < 2(1 + b): a negative factor only takes from the range.",
        (
            Finding(
                "at b = -1/2 and lr h = 0.99 a step multiplies by 0.993",
                lambda: about(at(written(ANY_FACTOR), "0.99", "-0.5"), 0.993, 1e-3),
            ),
            Finding(
                "it is stable exactly where -1 < b < 1 and 0 < lr h < 2(1 + b)",
                lambda: stable_region(written(ANY_FACTOR)).same_as(
                    (any_factor() > -1) & (any_factor() < 1) & (lr_h > 0) & (lr_h < 2 * (1 + any_factor()))
                ),
            ),
        ),
    ),
    Claim(
        "C046",
        "On a noisy quadratic momentum keeps the variance lr s2 (1 + b)/(h (1 - b)(2 (1 + b) - lr h)).",
        ("often derived; for small lr: Mandt, Hoffman & Blei 2017, arXiv:1704.04289",),
        "With independent errors of variance sigma2 in every gradient of h x^2/2 that is the variance of x in the end.",
        lambda: (
            stationary_variance(MOMENTUM) == lr * sigma2 * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - lr_h))
        ).where(lr > 0, lr_h < 2 * (1 + beta)),
        "proved",
        "The solution of the Lyapunov equation of the pair of x and v, in the stable region.",
        (
            Finding(
                "without momentum it is lr s2/(h (2 - lr h))",
                lambda: (stationary_variance(DESCENT) == lr * sigma2 / (h * (2 - lr_h))).where(lr > 0, lr_h < 2),
            ),
        ),
    ),
    Claim(
        "C074",
        "RMSProp slows down near a minimum because gradients are small there.",
        ("https://deniz.vsos.ethz.ch/reddit/r/MLQuestions/comments/m7042s",),
        "On h x^2/2, without epsilon, RMSProp does not go back and forth at some distance from the minimum.",
        lambda: (cycle(RMSPROP).at(eps=0) == 0).where(RMSPROP.lr > 0, h > 0),
        "refuted",
        "The size of the gradient is divided away: in the end it steps from lr/2 to -lr/2 and back, whatever the "
        "curvature. It takes a smaller learning rate, or epsilon.",
        (
            Finding(
                "the amplitude is lr/2 - eps/h",
                lambda: cycle(RMSPROP) == RMSPROP.lr / 2 - RMSPROP.eps / h,
            ),
            Finding(
                "at lr = 0.01, without epsilon, it is 0.005 for every curvature",
                lambda: (cycle(RMSPROP).at(eps=0, lr=0.01) == 0.005).where(h > 0),
            ),
        ),
    ),
    Claim(
        "C091",
        "With a constant learning rate Adam converges to the minimum of a convex quadratic.",
        ("plots in tutorials",),
        "Runs of Adam on h x^2/2 that are near 0, where sqrt(v) vanishes beside epsilon, tend to it.",
        lambda: stable_region(ADAM).at(P=ADAM.eps).where(ADAM.lr > 0, ADAM.eps > 0),
        "conditional",
        "There it is momentum as an average with the curvature h/eps. Without epsilon it goes back and forth with an "
        "amplitude proportional to lr.",
        (
            Finding(
                "at lr h/eps = 37 it is stable, at 39 it is not, with beta1 = 0.9",
                lambda: _at_rest(37) & ~_at_rest(39),
            ),
            Finding(
                "without epsilon there is a cycle of amplitude lr (1 - b1)/(2 (1 + b1))",
                lambda: (cycle(ADAM).at(eps=0) == ADAM.lr * (1 - ADAM.beta1) / (2 * (1 + ADAM.beta1))).where(h > 0),
            ),
            Finding("RMSProp's is lr/2", lambda: (cycle(RMSPROP).at(eps=0) == RMSPROP.lr / 2).where(h > 0)),
        ),
        condition=lambda: ADAM.lr * h < 2 * ADAM.eps * (1 + ADAM.beta1) / (1 - ADAM.beta1),
    ),
    Claim(
        "C118",
        "Muon's quintic Newton-Schulz iteration converges to an orthogonal matrix.",
        ("Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/",),
        "Singular values converge to 1 under s -> 3.4445 s - 4.775 s^3 + 2.0315 s^5: then 1 is a fixed point.",
        lambda: quintic(s).at(s=1) == 1,
        "refuted",
        "1 goes to 0.701. The fixed point near 0.868 repels: five steps bring singular values from 0.01 to 1 near 1, "
        "and more steps do not bring them nearer.",
        (
            Finding("1 goes to 0.701", lambda: quintic(s).at(s=1) == Fraction("0.701")),
            Finding(
                "between 0.867 and 0.869 there is a fixed point, and the slope is below -1.5",
                lambda: ((quintic(s).at(s=0.867) > 0.867) & (quintic(s).at(s=0.869) < 0.869) & (slope() < -1.5)).where(
                    s >= 0.867, s <= 0.869
                ),
            ),
        ),
    ),
)


def any_factor() -> Any:
    """The factor of momentum as any real number."""
    rule: Any = written(ANY_FACTOR)
    return rule.beta


def cycle(rule: Any) -> Any:
    """How far from the minimum of h x^2/2 the rule goes back and forth in the end."""
    return found_cycle(rule).cycle_amplitude


def quintic(value: Quantity) -> Quantity:
    """A step of the iteration, for a singular value."""
    return Fraction("3.4445") * value - Fraction("4.775") * value**3 + Fraction("2.0315") * value**5


def slope() -> Quantity:
    """Its derivative."""
    return Fraction("3.4445") - 3 * Fraction("4.775") * s**2 + 5 * Fraction("2.0315") * s**4


def _nearer() -> Statement:
    result: Statement = abs(descended(lambda theta: a * theta + c * theta**3, defaults=False).theta[1]) < x
    return result


def _quartic() -> Any:
    return descended(lambda theta: theta**3, lr=Fraction(1, 10)).theta[1]


def _at_rest(curvature: int) -> Any:
    values = {"lr": 1, "h": curvature, "P": 1, "beta1": Fraction(9, 10)}
    return stable_region(ADAM).at(**values)


def _rate(curvature: Any) -> Statement:
    """That the error at this curvature shrinks by (s - 1)/(s + 1) a step, tuned for curvatures from 1 to k = s^2."""
    values = {"lr": 4 / (s + 1) ** 2, "beta": ((s - 1) / (s + 1)) ** 2, "h": curvature**2}
    result: Statement = stability(MOMENTUM).spectral_radius.at(**values) == (s - 1) / (s + 1)
    return result
