"""The closed loop: a linear rule on f = h theta^2 / 2, whose gradient is h times the queried point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from derive.algebra.normal import readable
from derive.algebra.work import TooLarge
from derive.deriving.derivation import Step, define, equal, letter
from derive.deriving.linear import given
from derive.expr import Expr, Number, Symbol, substitute
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, Vector, identity_matrix, plus, resolvent, scaled, times
from derive.linear.ratios import Ratio
from derive.linear.structure import all_sources, observable, reachable
from derive.linear.system import ALWAYS_ONE, LinearSystem, linear_system
from derive.proving import Assumptions
from derive.rule import POSITIVE, Rule


@dataclass(frozen=True)
class ClosedLoop:
    """theta' and states' as a linear map of theta and states, for a curvature h > 0.

    `coefficients` are those of the characteristic polynomial of what theta shows, lowest first, the last one 1;
    `idle` modes of eigenvalue zero are divided out of it. `transition` and `noise` are the map and what an error
    of the gradient adds, in coordinates of which the first is theta.
    """

    rule: Rule
    frame: Frame
    curvature: Symbol
    coefficients: Vector
    idle: int
    transition: Matrix
    noise: Matrix

    @property
    def degree(self) -> int:
        return len(self.coefficients) - 1

    @property
    def assumed(self) -> Assumptions:
        """The domains of the rule's names, and h > 0."""
        return Assumptions({**given(self.rule).domains, self.curvature.name: POSITIVE})

    def expr(self, value: Ratio) -> Expr:
        return self.frame.expr(value)

    def polynomial(self, z: Expr) -> Expr:
        """The characteristic polynomial at z."""
        return polynomial([self.expr(c) for c in self.coefficients], z)


def polynomial(coefficients: Sequence[Expr], z: Expr) -> Expr:
    """The sum of coefficients[k] z**k, the highest power first."""
    total: Expr | None = None
    for power in range(len(coefficients) - 1, -1, -1):
        c = coefficients[power]
        if c is Number(0):
            continue
        monomial: Expr = Number(1) if power == 0 else z if power == 1 else z**power
        term = monomial if c is Number(1) else c if power == 0 else c * monomial
        total = term if total is None else total + term
    return Number(0) if total is None else total


@lru_cache(maxsize=128)
def closed_loop(rule: Rule) -> ClosedLoop | None:
    """The rule on a quadratic; None where it is no linear update with constant coefficients and one gradient a step."""
    if rule.is_average or rule.asked:
        return None
    curvature = letter(rule, "h")
    frame = Frame({**{h.name: h.domain for h in rule.hyperparameters}, curvature: POSITIVE})
    try:
        system = linear_system(rule, frame)
        if system is None or ALWAYS_ONE in system.states or system.divisors:
            return None
        return _closed(system, Symbol(curvature))
    except TooLarge:
        return None


def _closed(system: LinearSystem, curvature: Symbol) -> ClosedLoop | None:
    h = system.frame.case.number(curvature)
    fed_back = scaled(Ratio(h.num, h.den), times(system.input, system.output))
    transition = plus(system.transition, fed_back)
    shows_theta = (identity_matrix(system.size)[system.states.index("theta")],)
    loop = observable(replace(system, transition=transition, output=shows_theta))
    moved = reachable(loop.transition, all_sources(loop))[1]
    coefficients = resolvent(moved)[0]
    idle = next((k for k, c in enumerate(coefficients) if c), 0)
    if len(coefficients) - 1 - idle < 1:
        return None
    return ClosedLoop(
        system.rule, system.frame, curvature, coefficients[idle:], idle, loop.transition, loop.input
    )  # fmt: skip


def after(loop: ClosedLoop, steps: int) -> list[Expr]:
    """theta before the first of these steps and after each, in the values before the first."""
    rule, found = loop.rule, [Symbol("theta")]
    now: dict[str, Expr] = {name: Symbol(name) for name in ("theta", *rule.state_names)}
    thetas: list[Expr] = list(found)
    for _ in range(steps):
        [query] = substitute([rule.questions[0][1]], now)
        values = substitute(rule.step.values(), {**now, "g": loop.curvature * query})
        now = {name: readable(value, loop.assumed) for name, value in zip(rule.step, values, strict=True)}
        thetas.append(now["theta"])
    return thetas


def recurrence(loop: ClosedLoop) -> tuple[Step, ...]:
    """The rule's own steps composed: theta follows a recurrence, whose solutions are powers z^t of its zeros."""
    order = loop.degree + loop.idle
    thetas = after(loop, order)
    labels = [Symbol("theta[t-1]"), Symbol("theta[t]"), *(Symbol(f"theta[t+{k}]") for k in range(1, order))]
    terms = [-loop.expr(c) for c in loop.coefficients[:-1]]
    combined = polynomial_in(terms, thetas[loop.idle : -1])
    query = loop.rule.questions[0][1]
    return (
        define(Symbol("g[t]"), loop.curvature * query, "the gradient of h theta^2/2 at the queried point"),
        *(define(label, value, "the rule's step") for label, value in zip(labels[1:2], thetas[1:2], strict=True)),
        equal(labels[-1], thetas[-1], combined, why=f"{order} steps in a row, written in earlier values of theta",
              given=loop.assumed),
        define(Symbol("p(z)"), loop.polynomial(Symbol("z")), "the characteristic polynomial: theta[t] = z^t solves it"),
    )  # fmt: skip


def polynomial_in(factors: Sequence[Expr], values: Sequence[Expr]) -> Expr:
    """The sum of factor times value, the last first."""
    total: Expr | None = None
    for factor, value in zip(reversed(factors), reversed(values), strict=True):
        term = factor * value
        total = term if total is None else total + term
    return Number(0) if total is None else total
