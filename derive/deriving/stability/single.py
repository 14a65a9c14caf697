"""Rules without memory on quadratics: a step multiplies theta by 1 - a, a the step size times the curvature."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment, plain_values
from derive.deriving.stability.tuning import Simple, simple
from derive.evaluate import exact
from derive.expr import Symbol, apply
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import COUNTER, NONNEGATIVE, POSITIVE, UNIT, Rule


@coordinatewise
def without_memory(rule: Rule) -> Derivation | None:
    """Monotone, overshooting, cycling, diverging: where each; and what many small steps differ from one large one."""
    form = simple(rule)
    if form is None or form.product is not None or identity([inside(-form.step, NONNEGATIVE)], form.loop.assumed):
        return None  # a step that is never downhill
    a, k, theta = Symbol(letter(rule, "a")), Symbol(letter(rule, "k")), Symbol("theta")
    factor, given = 1 - a, Assumptions({a.name: POSITIVE})
    gap, bound = apply("pow", 1 - a, k) - (1 - k * a), k * (k - 1) / 2 * a**2
    steps = (
        define(a, form.step * form.loop.curvature, "the step size times the curvature"),
        equal(Symbol("theta[t]"), -form.loop.expr(form.loop.coefficients[0]) * theta,
              (1 - form.step * form.loop.curvature) * theta, why="a step multiplies theta by 1 - a",
              given=form.loop.assumed),
        holds(apply("ge", factor, 0), when=(apply("le", a, 1),), given=given, why="no overshoot up to a = 1"),
        holds(apply("and", apply("lt", factor, 0), apply("gt", factor, -1)),
              when=(apply("gt", a, 1), apply("lt", a, 2)), given=given,
              why="between 1 and 2 every step overshoots, and theta shrinks all the same"),
        holds(apply("eq", factor, -1), when=(apply("eq", a, 2),), given=given,
              why="at a = 2 it goes from theta to -theta and back for ever"),
        holds(apply("gt", apply("abs", factor), 1), when=(apply("gt", a, 2),), given=given,
              why="beyond it grows without bound"),
        holds(apply("lt", factor**2, 1), when=(apply("lt", a, 2),), given=given,
              why="below 2 the loss, which is multiplied by (1 - a)^2, falls in every step"),
        *_many(a, k),
    )  # fmt: skip
    return Derivation(
        title="Overshoot, cycle and divergence",
        statement=f"With `{a}` the step size times the curvature: no overshoot up to 1, overshoot in every step and "
        "still convergence between 1 and 2, a cycle of two points at 2, divergence beyond. "
        f"`{k}` steps differ from one step with `{k}` times the learning rate "
        f"by at most `{k} ({k} - 1)/2 {a}^2` of theta, `{a}` from 0 to 1.",
        assumptions=(f"the gradient is `{form.loop.curvature}` times the queried point", f"`{a} > 0`"),
        steps=steps,
        result=factor,
        names=names_of(rule),
        quantities={"factor": 1 - form.step * form.loop.curvature, "scaling_gap": gap, "scaling_gap_bound": bound},
        domains={a.name: POSITIVE, k.name: COUNTER},
        experiments=_experiments(form),
    )


@lru_cache(maxsize=4)
def _many(a: Symbol, k: Symbol) -> tuple[Step, ...]:
    """(1 - a)^k lies between 1 - k a and 1 - k a + k (k - 1)/2 a^2, by induction over k."""
    above, below = Symbol("d"), Symbol("e")  # how far (1 - a)^k is from either bound
    given = Assumptions({a.name: UNIT, k.name: COUNTER, above.name: NONNEGATIVE, below.name: NONNEGATIVE})
    line, upper = 1 - k * a, k * (k - 1) / 2 * a**2
    next_line = 1 - (k + 1) * a
    return (
        define(Symbol("(1-a)^k"), line + above, "claimed, d not negative: k steps and one step with k a"),
        holds(apply("ge", (1 - a) * (line + above), next_line), given=given,
              why="then so for k + 1 (d is 0 for k = 1)"),
        define(Symbol("(1-a)^k"), line + upper - below, "claimed, e not negative"),
        holds(apply("le", (1 - a) * (line + upper - below), next_line + (k + 1) * k / 2 * a**2), given=given,
              why="then so for k + 1 (e is 0 for k = 1)"),
    )  # fmt: skip


def _experiments(form: Simple) -> tuple[Experiment, ...]:
    values = plain_values(form.loop.rule)
    [rate] = exact([form.step], values)
    if not isinstance(rate, Fraction) or rate <= 0:
        return ()
    theta, overshoot = Symbol("theta"), [Fraction(-1, 2) ** t for t in range(4)]
    return (
        Experiment("at the threshold theta changes its sign for ever", theta, {49: -1.0, 50: 1.0},
                   hyperparameters=values, curvature=2 / rate, steps=50, start=Fraction(1)),
        Experiment("an overshoot", theta, {t: float(value) for t, value in enumerate(overshoot) if t},
                   hyperparameters=values, curvature=Fraction(3, 2) / rate, steps=3, start=Fraction(1)),
    )  # fmt: skip
