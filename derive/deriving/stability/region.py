"""The region of stability: where every run on h theta^2 / 2 tends to zero, with threshold and spectral radius."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, names_of
from derive.deriving.experiment import Experiment, plain_values
from derive.deriving.stability.closed import ClosedLoop, closed_loop, recurrence
from derive.deriving.stability.jury import Condition, both, margins, of_zeros, reduced, same_truth
from derive.deriving.stability.radius import critical_damping, damping_step, moduli, piecewise, spread
from derive.deriving.stability.responses import along_recurrence, coefficients_at, decided_by_curvature, is_quick
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.rule import REAL, Rule

THETA = Symbol("theta")


@lru_cache(maxsize=128)
@coordinatewise
def stable_region(rule: Rule) -> Derivation | None:
    """Where theta tends to zero on every quadratic, whatever the states; None for rules that are not linear."""
    loop = closed_loop(rule)
    if loop is None:
        return None
    wanted = margins(loop)
    left = reduced(loop, wanted)
    tests = both([apply("gt", loop.expr(m), 0) for m in wanted])
    condition = apply("lt", 1, 0) if left is None else both([c.test for c in left])
    bounds = [c for c in left or () if c.bound is not None]
    bound = bounds[0] if len(bounds) == 1 else None
    radius = piecewise(loop)
    damping = critical_damping(loop)
    steps = (
        *recurrence(loop),
        *of_zeros(loop),
        same_truth(tests, condition, why=_why(loop), given=loop.assumed),
        *_anywhere(loop, tests, condition),
        *(_boundary(loop, bound) if bound is not None else ()),
        *(_radius_steps(loop, radius) if radius is not None else ()),
        *(damping_step(loop, value) for value in damping),
    )
    return Derivation(
        title="Stability on quadratics",
        statement=_statement(loop, condition, bound, radius),
        assumptions=(f"the gradient is `{loop.curvature}` times the queried point, `{loop.curvature} > 0`",),
        steps=steps,
        result=condition,
        names=names_of(rule),
        quantities=_quantities(loop, tests, condition, bound, radius, damping),
        domains=loop.assumed.domains,
        experiments=_experiments(loop, condition, bound if bound and bound.scale is not None else None),
    )


def _why(loop: ClosedLoop) -> str:
    if loop.degree <= 2:
        return "all zeros of p lie inside the unit circle, reduced in the domains of the hyperparameters"
    return "Schur and Cohn: all zeros of p lie inside the unit circle where these are positive; reduced"


def _anywhere(loop: ClosedLoop, tests: Expr, condition: Expr) -> tuple[Step, ...]:
    """The same over all real hyperparameters, where that is another condition."""
    wider = closed_loop(without_domains(loop.rule))
    left = None if wider is None else reduced(wider, margins(wider))
    if wider is None or not left or both([c.test for c in left]) is condition:
        return ()
    why = "over all real hyperparameters, those outside the domains of the rule too"
    step = same_truth(tests, both([c.test for c in left]), why=why, given=wider.assumed)
    return (step,) if step.verdict else ()


def without_domains(rule: Rule) -> Rule:
    """The rule with every hyperparameter any real number."""
    return replace(rule, hyperparameters=tuple(replace(h, domain=REAL) for h in rule.hyperparameters))


def _boundary(loop: ClosedLoop, bound: Condition) -> tuple[Step, ...]:
    """At the threshold -1 is a zero of p, where it is: theta changes sign for ever."""
    assert bound.bound is not None
    assert bound.scale is not None
    at = {loop.curvature.name: bound.bound / bound.scale}
    [value] = substitute([loop.polynomial(Number(-1))], at)
    step = equal(Symbol("p(-1)"), value, Number(0), why="at the threshold -1 is a zero of p: theta[t] = (-1)^t",
                 given=loop.moving)  # fmt: skip
    return (step,) if step.verdict else ()


def _radius_steps(loop: ClosedLoop, radius: Expr) -> tuple[Step, ...]:
    made = define(
        Symbol("rho"), radius, "the spectral radius, the factor by which a step shrinks theta in the long run"
    )
    return (*moduli(), made) if loop.degree == 2 else (made,)


def _quantities(
    loop: ClosedLoop,
    tests: Expr,
    condition: Expr,
    bound: Condition | None,
    radius: Expr | None,
    damping: tuple[Expr, ...],
) -> Mapping[str, Expr]:
    found: dict[str, Expr] = {
        "characteristic_polynomial": loop.polynomial(loop.variable),
        "jury_conditions": tests,
        "condition": condition,
    }
    if bound is not None and bound.bound is not None and bound.scale is not None:
        edge = bound.bound if bound.scale is Number(1) else bound.bound / bound.scale
        found |= {"threshold": bound.bound, "threshold_scale": bound.scale, "threshold_curvature": edge}
    if radius is not None:
        found["spectral_radius"] = radius
    if loop.degree == 2:
        found["discriminant"] = spread(loop)
        found["complex_modulus"] = apply("sqrt", loop.expr(loop.coefficients[0]))
    if damping:
        found |= {"critical_damping": damping[0], "critical_damping_upper": damping[-1]}
    return found


def _statement(loop: ClosedLoop, condition: Expr, bound: Condition | None, radius: Expr | None) -> str:
    rate = "" if radius is None else " In the long run a step multiplies its size by `rho`."
    edge = ""
    if bound is not None and bound.bound is not None and bound.scale is not Number(1):
        edge = f" It bears curvatures below {code(bound.bound / (bound.scale or 1))}."
    return (
        f"On `f = {loop.curvature} theta^2/2` theta follows a linear recurrence, all of whose solutions tend to 0 "
        f"exactly where {code(condition)}.{edge}{rate}"
    )


# Experiments: the recurrence, and runs on either side of the threshold


LONG = 100
NEAR, BEYOND = Fraction(9, 10), Fraction(11, 10)


def _experiments(loop: ClosedLoop, condition: Expr, bound: Condition | None) -> tuple[Experiment, ...]:
    if len(loop.rule.defaults) < len(loop.rule.hyperparameters):
        return ()  # a frozen rule has no kernel
    values = plain_values(loop.rule)
    alone = bound is not None and decided_by_curvature(loop, condition, values)
    return (*_along(loop, values), *(_sides(loop, bound, values) if bound is not None and alone else ()))


def _along(loop: ClosedLoop, values: Mapping[str, Fraction]) -> tuple[Experiment, ...]:
    found = coefficients_at(loop, {**values, loop.curvature.name: Fraction(1)})
    foretold = {} if found is None else along_recurrence(loop.rule, found, loop.idle, Fraction(1), values, 12)
    return (
        Experiment("theta follows the recurrence", THETA, foretold, hyperparameters=values, curvature=Fraction(1),
                   steps=12, start=Fraction(1)),
    ) if foretold else ()  # fmt: skip


def _sides(loop: ClosedLoop, bound: Condition, values: Mapping[str, Fraction]) -> tuple[Experiment, ...]:
    assert bound.bound is not None
    assert bound.scale is not None
    [edge] = exact([bound.bound / bound.scale], values)
    if not isinstance(edge, Fraction):
        return ()
    inside, outside = edge * NEAR, edge * BEYOND
    if not all(is_quick(loop, h, values, LONG) for h in (inside, outside)):
        return ()
    size = apply("abs", THETA)
    return (
        Experiment("inside the region theta shrinks", size, {LONG: 0.1}, hyperparameters=values, curvature=inside,
                   steps=LONG, start=Fraction(1), relation="≤"),
        Experiment("outside it grows", size, {LONG: 10.0}, hyperparameters=values, curvature=outside,
                   steps=LONG, start=Fraction(1), relation="≥"),
    )  # fmt: skip
