"""The closed loop: a linear rule on f = h theta^2 / 2, whose gradient is h times the queried point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache

from derive.algebra.normal import readable
from derive.algebra.polynomials import generator
from derive.algebra.work import TooLarge
from derive.deriving.derivation import Step, define, equal, letter
from derive.deriving.linear import given
from derive.deriving.stability.writing import combination, polynomial, written
from derive.expr import Expr, Number, Symbol, substitute
from derive.linear.frame import Frame
from derive.linear.matrices import Matrix, Vector, identity_matrix, plus, resolvent, scaled, times
from derive.linear.ratios import Ratio, replaced, whole
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
        return Assumptions({**given(self.rule).domains, **self.frame.domains})

    @cached_property
    def step_size(self) -> str | None:
        """The hyperparameter that only ever stands as a factor of the curvature, as a learning rate does."""
        h = self.index(self.curvature.name)
        for name in self.rule.hyperparameter_names:
            i = self.index(name)
            inverse = {h: whole(generator(h)) / whole(generator(i))}
            left = [replaced(c, inverse) for c in self.coefficients]
            if any(i in c.used() for c in self.coefficients) and not any(i in c.used() for c in left):
                return name
        return None

    def divides(self, name: str) -> bool:
        """Whether the hyperparameter only ever stands under the curvature, as a preconditioner does."""
        h, i = self.index(self.curvature.name), self.index(name)
        product = {h: whole(generator(h)) * whole(generator(i))}
        return not any(i in replaced(c, product).used() for c in self.coefficients)

    @property
    def variable(self) -> Symbol:
        """The variable of the characteristic polynomial, z where the rule has no such name."""
        return Symbol(letter(self.rule, "z"))

    @property
    def scale(self) -> Expr:
        """The step size, or one."""
        return Number(1) if self.step_size is None else Symbol(self.step_size)

    @property
    def moving(self) -> Assumptions:
        """The domains, with a step size that is not zero."""
        positive = {} if self.step_size is None else {self.step_size: POSITIVE}
        return Assumptions({**self.assumed.domains, **positive})

    def index(self, name: str) -> int:
        """The generator that stands for a name."""
        return self.frame.names.index(name)

    def expr(self, value: Ratio) -> Expr:
        """The ratio in factors with whole coefficients, each factor positive at the defaults."""
        return written(self.frame, value, {self.index(name): at for name, at in self.example.items()})

    @property
    def example(self) -> dict[str, Fraction]:
        """A setting to look at: the defaults, where none of them is zero, else 1/10, and h = 1/10."""
        return {name: self.rule.defaults.get(name, Fraction(0)) or Fraction(1, 10) for name in self.frame.names}

    def polynomial(self, z: Expr) -> Expr:
        """The characteristic polynomial at z."""
        return polynomial([self.expr(c) for c in self.coefficients], z)


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
    return ClosedLoop(system.rule, system.frame, curvature, coefficients[idle:], idle, loop.transition, loop.input)


def after(loop: ClosedLoop, steps: int) -> list[Expr]:
    """theta before the first of these steps and after each, in the values before the first."""
    rule, thetas = loop.rule, list[Expr]([Symbol("theta")])
    now: dict[str, Expr] = {name: Symbol(name) for name in ("theta", *rule.state_names)}
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
    terms = [loop.expr(-c) for c in loop.coefficients[:-1]]
    combined = combination(terms, thetas[loop.idle : -1])
    query = loop.rule.questions[0][1]
    return (
        define(Symbol("g[t]"), loop.curvature * query, "the gradient of h theta^2/2 at the queried point"),
        *(define(label, value, "the rule's step") for label, value in zip(labels[1:2], thetas[1:2], strict=True)),
        equal(labels[-1], thetas[-1], combined, why=f"{order} steps in a row, written in earlier values of theta",
              given=loop.assumed),
        define(Symbol("p(z)"), loop.polynomial(loop.variable), "the characteristic polynomial: z^t solves it"),
    )  # fmt: skip
