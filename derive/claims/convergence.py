"""Claims about where runs end, and how fast: rates, cycles, and functions that are no quadratics."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from derive.claims.claim import Claim, Finding
from derive.claims.stability import ADAM, DESCENT, MOMENTUM, RMSPROP, beta, descended, h, lr, lr_h, stability, x
from derive.claims.words import about
from derive.stating.iterating import iterated
from derive.stating.properties import convex_cycle, cycle, stable_region
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import Run, run
from derive.stating.vocabulary import any_number, piecewise, sqrt

a, c, s = any_number("a", "positive"), any_number("c", "nonnegative"), any_number("s")


def tuned(steps: int) -> Run:
    """Momentum tuned for curvatures from 1 to 100, at the curvature 100, from x = 1 at rest."""
    rate, factor = Fraction(4, 121), Fraction(81, 121)
    return run(MOMENTUM, gradient=lambda theta: 100 * theta, steps=steps, start=1, lr=rate, beta=factor)


def tuned_rate(curvature: Any) -> Statement:
    """That the error at this root of a curvature shrinks by (s - 1)/(s + 1) a step, tuned for 1 to k = s^2."""
    values = {"lr": 4 / (s + 1) ** 2, "beta": ((s - 1) / (s + 1)) ** 2, "h": curvature**2}
    result: Statement = stability(MOMENTUM).spectral_radius.at(**values) == (s - 1) / (s + 1)
    return result


def beyond() -> Run:
    """Momentum tuned for curvatures from 1 to 25 on a convex function whose curvatures lie there."""

    def slope(x: Quantity) -> Quantity:
        return piecewise((x < 1, 25 * x), (x < 2, x + 24), otherwise=25 * x - 24)

    return run(MOMENTUM, gradient=slope, steps=60, start=3.3, lr=Fraction(1, 9), beta=Fraction(4, 9))


def nearer() -> Statement:
    """That a step of descent on a x^2/2 + c x^4/4 comes nearer to 0."""
    result: Statement = abs(descended(lambda theta: a * theta + c * theta**3, defaults=False).theta[1]) < x
    return result


def quartic() -> Any:
    """Where a step of descent on x^4/4 leads at lr = 0.1."""
    return descended(lambda theta: theta**3, lr=Fraction(1, 10)).theta[1]


def amplitude(rule: Any) -> Any:
    """How far from the minimum of h x^2/2 the two points of the rule's cycle are."""
    return cycle(rule).cycle_amplitude


def at_rest(curvature: int) -> Any:
    """Whether Adam near 0 is stable at this lr h/eps."""
    return stable_region(ADAM).at(lr=1, h=curvature, P=1, beta1=Fraction(9, 10))


@cache
def quintic() -> Any:
    """Five steps of the iteration from 0.01 to 1."""
    a, b, c = Fraction("3.4445"), Fraction("-4.775"), Fraction("2.0315")
    return iterated(lambda s: s * (a + s**2 * (b + c * s**2)), 0.01, 1, 5)


CLAIMS = (
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
                lambda: (tuned_rate(Fraction(1)) & tuned_rate(s)).where(s > 1),
            ),
            Finding(
                "for curvatures from 1 to 25 there is a convex function on which it ends in a cycle of three points",
                lambda: (
                    (convex_cycle(MOMENTUM).cycle_1 == Fraction(792, 1225))
                    & (convex_cycle(MOMENTUM).cycle_2 == Fraction(-2208, 1225))
                    & (convex_cycle(MOMENTUM).cycle_3 == Fraction(2592, 1225))
                ),
            ),
            Finding(
                "its slope is 25 x below 1, x + 24 from 1 to 2, 25 x - 24 from there; started at 3.3 it is within "
                "10^-6 of that cycle after 60 steps",
                lambda: about(beyond().theta[60], Fraction(792, 1225), Fraction(1, 10**6)),
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
                lambda: nearer().same_as(lr * (a + c * x**2) < 2).where(lr > 0),
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
                lambda: ((quartic() > 0) & (quartic() < x)).where(x <= 1),
            ),
        ),
        condition=lambda: c == 0,
    ),
    Claim(
        "C074",
        "RMSProp slows down near a minimum because gradients are small there.",
        ("https://deniz.vsos.ethz.ch/reddit/r/MLQuestions/comments/m7042s",),
        "On h x^2/2, without epsilon, RMSProp does not go back and forth at some distance from the minimum.",
        lambda: (amplitude(RMSPROP).at(eps=0) == 0).where(RMSPROP.lr > 0, h > 0),
        "refuted",
        "The size of the gradient is divided away: in the end it steps from lr/2 to -lr/2 and back, whatever the "
        "curvature. It takes a smaller learning rate, or epsilon.",
        (
            Finding(
                "the amplitude is lr/2 - eps/h",
                lambda: amplitude(RMSPROP) == RMSPROP.lr / 2 - RMSPROP.eps / h,
            ),
            Finding(
                "at lr = 0.01, without epsilon, it is 0.005 for every curvature",
                lambda: (amplitude(RMSPROP).at(eps=0, lr=0.01) == 0.005).where(h > 0),
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
        "There it is momentum as an average with the curvature h/eps. Without epsilon the preconditioner vanishes at "
        "the minimum, and no learning rate is small enough: there is a cycle of two points, proportional to lr.",
        (
            Finding(
                "at lr h/eps = 37 it is stable, at 39 it is not, with beta1 = 0.9",
                lambda: at_rest(37) & ~at_rest(39),
            ),
            Finding(
                "without epsilon there is a cycle of amplitude lr (1 - b1)/(2 (1 + b1))",
                lambda: (amplitude(ADAM).at(eps=0) == ADAM.lr * (1 - ADAM.beta1) / (2 * (1 + ADAM.beta1))).where(h > 0),
            ),
            Finding("RMSProp's is lr/2", lambda: (amplitude(RMSPROP).at(eps=0) == RMSPROP.lr / 2).where(h > 0)),
        ),
        condition=lambda: ADAM.lr * h < 2 * ADAM.eps * (1 + ADAM.beta1) / (1 - ADAM.beta1),
    ),
    Claim(
        "C118",
        "Muon's quintic Newton-Schulz iteration converges to an orthogonal matrix.",
        ("Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/",),
        "Under s -> 3.4445 s - 4.775 s^3 + 2.0315 s^5, which every singular value follows, 1 stays where it is.",
        lambda: quintic().at_one == 1,
        "refuted",
        "1 goes to 0.701. The fixed point near 0.868 repels: five steps bring singular values near 1, and more do not "
        "bring them nearer. That is the design: fast, and near enough.",
        (
            Finding("1 goes to 0.701", lambda: quintic().at_one == Fraction("0.701")),
            Finding("the fixed point is 0.868", lambda: about(quintic().fixed_point_1, 0.868, 5e-4)),
            Finding(
                "where the slope is -1.58",
                lambda: about(quintic().slope.at(s=quintic().fixed_point_1), -1.58, 5e-3),
            ),
            Finding(
                "five steps bring all of [0.01, 1] into [0.68, 1.135]",
                lambda: (quintic().range_low >= 0.68) & (quintic().range_high <= 1.135),
            ),
        ),
    ),
)
