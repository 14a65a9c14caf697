"""The region of stability: where every run on h theta^2 / 2 tends to zero, with threshold and spectral radius."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from derive.deriving.derivation import Derivation, Step, code, define, equal, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.stability.closed import ClosedLoop, closed_loop, recurrence
from derive.deriving.stability.jury import Condition, both, margins, of_zeros, reduced, same_truth
from derive.deriving.stability.radius import critical_damping, damping_step, moduli, piecewise, spread
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.rule import REAL, Rule


@lru_cache(maxsize=128)
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
        experiments=_experiments(loop, bound),
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


# Experiments: the runs on either side of the threshold at the defaults

LONG = 200


def _experiments(loop: ClosedLoop, bound: Condition | None) -> tuple[Experiment, ...]:
    if (
        bound is None
        or bound.bound is None
        or bound.scale is None
        or len(loop.rule.defaults) < len(loop.rule.hyperparameters)
    ):
        return ()  # a frozen rule has no kernel
    [edge] = exact([bound.bound / bound.scale], loop.rule.defaults)
    if not isinstance(edge, Fraction):
        return ()
    inside, outside = (edge * part for part in (Fraction(9, 10), Fraction(11, 10)))
    values = loop.rule.defaults
    if not factor_at(loop, inside, values) ** LONG < 0.1 < 10 < factor_at(loop, outside, values) ** LONG:
        return ()  # too slow to be seen in so many steps
    return (
        Experiment("inside the region theta shrinks", apply("abs", Symbol("theta")), {LONG: 0.5},
                   curvature=inside, steps=LONG, start=Fraction(1), relation="≤"),
        Experiment("outside it grows", apply("abs", Symbol("theta")), {LONG: 2.0},
                   curvature=outside, steps=LONG, start=Fraction(1), relation="≥"),
        Experiment("theta follows the recurrence", Symbol("theta"), foretold(loop.rule, inside, 12),
                   curvature=inside, steps=12, start=Fraction(1)),
    )  # fmt: skip


def factor_at(loop: ClosedLoop, curvature: Fraction, values: Mapping[str, Fraction]) -> float:
    """By how much a step multiplies theta in the long run at these values, roughly: the largest zero of p."""
    import numpy

    known = {**values, loop.curvature.name: curvature}
    found = exact([loop.expr(c) for c in reversed(loop.coefficients)], known)
    zeros = numpy.roots([float(c) for c in found if isinstance(c, Fraction)])
    return max((float(abs(z)) for z in zeros), default=0.0)


def foretold(
    rule: Rule,
    curvature: Fraction,
    steps: int,
    values: Mapping[str, Fraction] | None = None,
    start: Fraction = Fraction(1),
) -> dict[int, float]:
    """theta after each step on the quadratic, from exact arithmetic."""
    return {t: float(v) for t, v in enumerate(run(rule, curvature, steps, values, start), 1)}


def run(
    rule: Rule,
    curvature: Fraction,
    steps: int,
    values: Mapping[str, Fraction] | None = None,
    start: Fraction = Fraction(1),
) -> list[Fraction]:
    """theta after each step on curvature theta^2 / 2, exactly; shorter where a value is not rational."""
    constants = {**rule.defaults, **(values or {})}
    now: dict[str, Fraction] = {"theta": start}
    for state in rule.states:
        [now[state.name]] = exact([state.initial], {**constants, **now})  # type: ignore[assignment]
    found: list[Fraction] = []
    for t in range(1, steps + 1):
        here = {**constants, **now, "t": Fraction(t)}
        [query] = exact([rule.questions[0][1]], here)
        if not isinstance(query, Fraction):
            break
        after = exact(rule.step.values(), {**here, "g": curvature * query})
        if not all(isinstance(value, Fraction) for value in after):
            break
        now = dict(zip(rule.step, after, strict=True))  # type: ignore[arg-type]
        found.append(now["theta"])
    return found
