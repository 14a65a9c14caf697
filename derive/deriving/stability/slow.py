"""Slow modes of momentum: what a learning rate with memory is worth to curvatures far below the largest."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from derive.algebra.normal import readable
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment, decimals, plain_values
from derive.deriving.stability.responses import run
from derive.deriving.stability.tuning import Simple, simple
from derive.evaluate import exact
from derive.expr import Expr, Symbol, apply, substitute
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import DECAY, NONNEGATIVE, Domain, Rule

RANGE = Fraction(1, 8)  # of (1 - w)^2: up to which product of step size and curvature the bounds are shown


@coordinatewise
def slow_mode(rule: Rule) -> Derivation | None:
    """The zero near one of z^2 - (1 + w - a) z + w, between two bounds, for small a; None for rules of another form."""
    form = simple(rule)
    if form is None or form.product is None:
        return None
    ranges = (inside(form.product, DECAY), inside(form.step, NONNEGATIVE))
    if not identity(ranges, form.loop.assumed):
        return None  # the bounds are those of a product in [0, 1) and a step downhill
    w, a, z = Symbol(letter(rule, "w")), Symbol(letter(rule, "a")), form.loop.variable
    upper = 1 - a / (1 - w) - w * a**2 / (1 - w) ** 3
    lower = upper - 8 * w * a**3 / (1 - w) ** 5
    small = apply("le", a, RANGE * (1 - w) ** 2)
    put_in = {w.name: form.product, a.name: form.step * form.loop.curvature}
    over, under, where = substitute([upper, lower, small], put_in)
    worth = readable(form.step / (1 - form.product), form.loop.assumed)
    steps = (
        define(a, put_in[a.name], "the step size times the curvature"),
        define(w, put_in[w.name], "the product of the zeros"),
        equal(Symbol("p(z)"), form.loop.polynomial(z), _p(z, put_in[w.name], put_in[a.name]),
              given=form.loop.assumed, why="the characteristic polynomial in them"),
        *_bounds(w, a, upper, lower),
    )  # fmt: skip
    [gap] = substitute([8 * w * a**3 / (1 - w) ** 5], put_in)
    return Derivation(
        title="Slow modes",
        statement=f"On small curvatures a step multiplies theta, in the long run, by {code(over)} or by at most "
        f"{code(gap)} less: to first order as gradient descent with the learning rate {code(worth)}.",
        assumptions=(f"{code(where)}",),
        steps=steps,
        result=worth,
        names=names_of(rule),
        quantities={"equivalent_lr": worth, "slow_mode_upper": over, "slow_mode_lower": under},
        experiments=_experiments(form, over, under),
    )


STEPS = 60
SMALL = Fraction(1, 2**10)  # of (1 - w)^2: the bounds are so close that their first two terms are seen


def _experiments(form: Simple, over: Expr, under: Expr) -> tuple[Experiment, ...]:
    """In the long run the factor of a step lies between the bounds."""
    loop, values = form.loop, plain_values(form.loop.rule)
    assert form.product is not None
    w, step = exact([form.product, form.step], values)
    if not (isinstance(w, Fraction) and isinstance(step, Fraction) and step > 0 and w <= Fraction(1, 2)):
        return ()
    curvature = SMALL * (1 - w) ** 2 / step
    first = run(loop.rule, curvature, 1, values)
    if loop.idle or not first or first[0] < (1 + w) / 2:
        return ()  # the slow mode may play no part
    upper, lower = exact([over, under], {**values, loop.curvature.name: curvature})
    bounds = decimals({0: upper, 1: lower})
    if bounds is None:
        return ()
    factor = Symbol("theta") / Symbol("before.theta")
    return (
        Experiment("the factor of a slow step is not above the bound", factor, {STEPS: bounds[0]}, steps=STEPS,
                   hyperparameters=values, curvature=curvature, start=Fraction(1), relation="≤", tolerance=1e-12),
        Experiment("nor below the other", factor, {STEPS: bounds[1]}, steps=STEPS,
                   hyperparameters=values, curvature=curvature, start=Fraction(1), relation="≥", tolerance=1e-12),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _bounds(w: Symbol, a: Symbol, upper: Expr, lower: Expr) -> tuple[Step, ...]:
    """p at the two bounds, with a = y (1 - w)^2."""
    y = Symbol("y")
    given = Assumptions({w.name: DECAY, y.name: Domain(Fraction(0), RANGE)})
    over, under = substitute([upper, lower], {a.name: y * (1 - w) ** 2})
    scaled = y * (1 - w) ** 2
    return (
        define(a, scaled, f"with y from 0 to {RANGE}"),
        holds(apply("ge", _p(over, w, scaled), 0), given=given,
              why="p is not negative at 1 - a/(1 - w) - w a^2/(1 - w)^3"),
        holds(apply("le", _p(under, w, scaled), 0), given=given,
              why="and not positive 8 w a^3/(1 - w)^5 below: between the two lies a zero"),
        holds(apply("ge", under**2, w), given=given,
              why="whose square is at least the product of both: it is the larger one, the slow mode"),
    )  # fmt: skip


def _p(z: Expr, w: Expr, a: Expr) -> Expr:
    return z**2 - (1 + w - a) * z + w
