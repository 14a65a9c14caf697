"""Whether runs near a cycle are drawn into it: the linear part of a step at the cycle, and its zeros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from derive.algebra.differentiating import NoDerivative, derivative
from derive.algebra.facts import NeedSplit, Stuck
from derive.algebra.polynomials import constant_value
from derive.algebra.work import TooLarge
from derive.deriving.derivation import Step, code, define, holds
from derive.deriving.linear import given
from derive.deriving.stability.adaptive import at_rest
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.deriving.stability.frozen import Frozen
from derive.deriving.stability.jury import both, margins, reduced, same_truth
from derive.deriving.stability.radius import largest_modulus
from derive.deriving.stability.writing import polynomial
from derive.evaluate import exact
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols, to_text
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, matrix, resolvent
from derive.linear.modes import schur_cohn_margins
from derive.linear.ratios import Ratio, number, used
from derive.proving import Assumptions
from derive.rule import POSITIVE


@dataclass(frozen=True)
class Cycle:
    """The values before the step at theta = A: each state, and the learning rate that makes it a cycle."""

    found: Frozen
    amplitude: Symbol
    curvature: Symbol
    values: Mapping[str, Expr]
    learning_rate: Expr
    height: Expr | None  # A in the hyperparameters and the curvature

    @property
    def assumed(self) -> Assumptions:
        """The domains of the rule's names, A > 0 and h > 0."""
        known = given(self.found.settled).domains
        return Assumptions({**known, self.amplitude.name: POSITIVE, self.curvature.name: POSITIVE})

    @property
    def gradient(self) -> Expr:
        [query] = substitute([self.found.settled.questions[0][1]], self.values)
        return self.curvature * query

    @property
    def step_size(self) -> str:
        loop = closed_loop(self.found.rule)
        assert loop is not None
        return str(loop.step_size)


@dataclass(frozen=True)
class Attraction:
    """The steps to where the cycle attracts, and what is said of it."""

    steps: tuple[Step, ...]
    statement: str
    quantities: Mapping[str, Expr]


def attraction(cycle: Cycle) -> Attraction | None:
    """Where a step near the cycle shrinks what is left to it, in the long run; None where that isn't found."""
    loop = _linear_part(cycle)
    if loop is None:
        return None
    if loop.degree > 2:
        return _at_defaults(cycle, loop)
    try:
        wanted = margins(loop)
        left = reduced(loop, wanted)
    except TooLarge:
        return None
    if left is None:
        return None
    condition = both([c.test for c in left])
    tests = both([apply("gt", loop.expr(m), 0) for m in wanted])
    steps = (
        define(Symbol("p(z)"), loop.polynomial(loop.variable),
               "the characteristic polynomial of the linear part of a step and the turn that follows, at the cycle"),
        same_truth(tests, condition, why="all its zeros lie inside the unit circle", given=loop.assumed),
    )  # fmt: skip
    said = "It attracts what comes near" + (f" where {code(condition)}." if left else ".")
    return Attraction(steps, said, {"attraction": condition})


def _at_defaults(cycle: Cycle, loop: ClosedLoop) -> Attraction | None:
    """The same at the defaults, with everything zero that keeps the preconditioner from vanishing at the minimum."""
    values = at_scale_one(cycle)
    found = [] if values is None else exact([loop.expr(c) for c in loop.coefficients], values)
    numbers = [c for c in found if isinstance(c, Fraction)]
    if values is None or len(numbers) <= loop.degree:
        return None
    signs = [constant_value(m) or Fraction(0) for m in schur_cohn_margins([number(c).num for c in numbers])]
    setting = ", ".join(f"{n} = {to_text(Number(v))}" for n, v in values.items() if n in cycle.found.settled.defaults)
    shown = define(Symbol("p(z)"), polynomial([Number(c) for c in numbers], Symbol("z")),
                   f"the characteristic polynomial of the step and turn near it, where {setting}")  # fmt: skip
    outside = next((place for place, m in enumerate(signs) if m <= 0), None)
    if outside is None:
        why = "Schur and Cohn: all its zeros lie inside the unit circle where these are positive"
        return Attraction((shown, *_signs(signs, "gt", why)), f"It attracts what comes near where `{setting}`.", {})
    if signs[outside] == 0:
        return None
    why = "Schur and Cohn: a zero lies outside the unit circle where one of these is negative"
    steps = (shown, *_signs(signs[:outside], "gt", why), *_signs(signs[outside : outside + 1], "lt", why))
    return Attraction(steps, f"It repels what comes near where `{setting}`.", {})


def _signs(values: Sequence[Fraction], comparison: str, why: str) -> Iterator[Step]:
    for value in values:
        yield holds(apply(comparison, Number(value), 0), why=why, given=Assumptions({}))


def at_scale_one(cycle: Cycle) -> dict[str, Fraction] | None:
    """The defaults, those zero that the preconditioner at rest is made of, and A = h = 1."""
    rest = at_rest(cycle.found)
    gone = symbols(rest) if rest is not None else frozenset()
    values = {n: Fraction(0) if n in gone else v for n, v in cycle.found.settled.defaults.items()}
    if len(values) < len(cycle.found.settled.hyperparameters):
        return None
    if any(Fraction(0) not in cycle.found.settled.domains[n] for n in gone & values.keys()):
        return None
    values.pop(cycle.step_size)
    return {**values, cycle.amplitude.name: Fraction(1), cycle.curvature.name: Fraction(1)}


def attracts(cycle: Cycle, values: Mapping[str, Fraction], height: Fraction, curvature: Fraction) -> bool:
    """Whether the cycle certainly attracts here, and fast enough for a run of some hundred steps."""
    factor = _factor(cycle, values, height, curvature)
    return factor is not None and bool(factor < 0.9)


def repels_quickly(cycle: Cycle, values: Mapping[str, Fraction], height: Fraction, curvature: Fraction) -> bool:
    """Whether near the cycle a step multiplies what is off it by so much that rounding drives a run out of it."""
    factor = _factor(cycle, values, height, curvature)
    return factor is not None and not factor < 4


def _factor(cycle: Cycle, values: Mapping[str, Fraction], height: Fraction, curvature: Fraction) -> arb | None:
    """By how much a step multiplies what is off the cycle in the long run; None where that isn't known."""
    loop = _linear_part(cycle)
    if loop is None:
        return None
    here = {**values, cycle.amplitude.name: height, cycle.curvature.name: curvature}
    found = exact([loop.expr(c) for c in loop.coefficients], here)
    rational = [c for c in found if isinstance(c, Fraction)]
    return largest_modulus(rational) if len(rational) == len(found) else None


def _linear_part(cycle: Cycle) -> ClosedLoop | None:
    """The derivative of a step and the turn after it, as if it were a closed loop of its own."""
    rule = cycle.found.settled
    domains = {h.name: h.domain for h in rule.hyperparameters if h.name != cycle.step_size}
    frame = Frame({**domains, cycle.amplitude.name: POSITIVE, cycle.curvature.name: POSITIVE})
    try:
        jacobian = _jacobian(cycle, frame)
        if jacobian is None:
            return None
        coefficients = resolvent(jacobian)[0]
    except (NoDerivative, NeedSplit, Stuck, TooLarge, RecursionError):
        return None
    idle = next(k for k, c in enumerate(coefficients) if c)
    if len(coefficients) - idle < 2:
        return None
    return ClosedLoop(rule, frame, cycle.curvature, coefficients[idle:], idle, jacobian, ())


def _jacobian(cycle: Cycle, frame: Frame) -> Matrix | None:
    rule, held = cycle.found.settled, cycle.found.held
    names = ("theta", *rule.state_names)
    gradient = cycle.curvature * rule.questions[0][1]
    here = {**cycle.values, cycle.step_size: cycle.learning_rate}
    rows: list[list[Ratio]] = []
    for name in names:
        [step] = substitute([rule.step[name]], {"g": gradient})
        turned = step if name in held else -step
        entries = substitute([derivative(turned, other) for other in names], here)
        values = [frame.case.number(entry) for entry in entries]
        if any(i >= frame.z for v in values for i in used(v.num) | used(v.den)):
            return None
        rows.append([Ratio(v.num, v.den) for v in values])
    return matrix(rows)
