"""Linear buffers: states with s' = decay * s + gain * input, found from the rule and proved to be so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.normal import NoNormalForm, factored, generic_case, tidy
from derive.algebra.polynomials import ONE, Quotient, factors, power, product, quotient
from derive.evaluate import exact
from derive.expr import NORMS, Apply, Expr, Number, Symbol, apply, fold, is_uniform, norms_in, substitute, symbols
from derive.proving import Assumptions, assumptions_of, identity
from derive.proving.obligations import inside
from derive.proving.refute import points
from derive.rule import COUNTER, DECAY, POSITIVE, Domain, Rule, State

# Names that no rule can have; `names_of` in `derivation` says how they are written.
AGE = "#k"
CONSTANT = "#c"
TRIED = 6  # settings at which a state is seen not to be linear
WHOLE = Domain(low=COUNTER.low and COUNTER.low - 1, whole=True)


@dataclass(frozen=True)
class LinearBuffer:
    """state' = decay * state + gain * input, decay and gain made of hyperparameters only, decay in [0, 1]."""

    state: State
    decay: Expr
    gain: Expr
    input: Expr

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def remembers(self) -> bool:
        """Whether more than the last input counts."""
        return self.decay is not Number(0)

    @property
    def starts_at_zero(self) -> bool:
        return self.state.initial is Number(0)

    @property
    def weight(self) -> Expr:
        """What the input of k steps ago counts."""
        return scaled(self.gain, raised(self.decay, Symbol(AGE)))

    @property
    def start_share(self) -> Expr:
        """What is left of the initial value after t steps."""
        return raised(self.decay, Symbol("t")) * self.state.initial

    def update(self, before: Expr, signal: Expr) -> Expr:
        """decay * before + gain * signal."""
        return scaled(self.decay, before) + scaled(self.gain, signal)


def scaled(factor: Expr, expr: Expr) -> Expr:
    """factor * expr, without a factor one."""
    return expr if factor is Number(1) else factor if expr is Number(1) else factor * expr


def raised(base: Expr, exponent: Expr) -> Expr:
    """base ** exponent, without powers of one."""
    return base if base is Number(1) else apply("pow", base, exponent)


def given(rule: Rule, *, from_start: bool = False) -> Assumptions:
    """The rule's assumptions, an age k ≥ 0, and t ≥ 1 (or t ≥ 0, for inductions from the start)."""
    return assumptions_of(rule).extended({AGE: WHOLE, "t": WHOLE if from_start else COUNTER})


@lru_cache(maxsize=256)
def linear_buffers(rule: Rule) -> tuple[LinearBuffer, ...]:
    """Every state of the rule that is proved to be linear with constant coefficients, in order."""
    found = (_linear(rule, state) for state in rule.states)
    return tuple(buffer for buffer in found if buffer is not None)


def is_driven_by_input(rule: Rule, buffer: LinearBuffer) -> bool:
    """Whether the buffer's input depends on this step's gradient (or x) at its coordinate alone."""
    return not norms_in(buffer.input) and symbols(buffer.input) <= {*rule.inputs, *rule.hyperparameter_names} - {
        "theta",
        "t",
    }


def _linear(rule: Rule, state: State) -> LinearBuffer | None:
    after = rule.step[state.name]
    if state.name in symbols(*norms_in(after)) or bends(rule, state.name):
        return None  # inside of a norm the other coordinates of the state count too
    ends = (substitute([after], {state.name: Number(value)})[0] for value in (0, 1))
    [at_zero, at_one], named = _without_norms(ends, rule.uniform)
    assumed = given(rule)
    constants = frozenset(rule.hyperparameter_names)
    try:
        decay = tidy(at_one - at_zero, assumed)
        case, rest = generic_case(at_zero, assumed)
        gain, signal = separated(case, rest, constants)
    except NoNormalForm:
        return None
    [signal] = substitute([signal], named)
    # Before the first step theta is a number of its own.
    [initial] = substitute([state.initial], {"theta": Symbol("theta[0]")})
    buffer = LinearBuffer(State(state.name, initial), decay, gain, signal)
    if norms_in(decay, gain) or not symbols(decay) <= constants or not symbols(signal) - constants:
        return None
    fades = decay is Number(1) or identity([inside(decay, DECAY)], assumed)
    claim = (after, buffer.update(Symbol(state.name), signal))
    return buffer if fades and identity([claim], assumed) else None


def _without_norms(exprs: Iterable[Expr], uniform: frozenset[str]) -> tuple[list[Expr], dict[str, Expr]]:
    """The expressions with names for norms and for branches on them, and what these stand for."""
    named: dict[Expr, Symbol] = {}

    def made(node: Apply, args: tuple[Expr, ...]) -> Expr:
        [whole] = substitute([Apply(node.op, args)], {s.name: e for e, s in named.items()})
        if node.op not in NORMS and not (node.op == "where" and norms_in(whole) and is_uniform(whole, uniform)):
            return Apply(node.op, args)
        return named.setdefault(whole, Symbol(f"#norm{len(named)}"))

    found = fold(exprs, symbol=lambda s: s, number=lambda n: n, apply=made)
    return found, {s.name: e for e, s in named.items()}


def bends(rule: Rule, name: str) -> bool:
    """Whether what the state becomes is certainly not linear in it: three of its values lead to no line."""
    after = rule.step[name]
    domains = {n: rule.domains.get(n, POSITIVE) for n in sorted(symbols(after) - {name})}
    [low], [middle], [high] = [substitute([after], {name: Number(value)}) for value in (0, 1, 2)]
    for values in points(domains, TRIED):
        a, b, c = exact([low, middle, high], values)
        if isinstance(a, Fraction) and isinstance(b, Fraction) and isinstance(c, Fraction) and a + c != 2 * b:
            return True
    return False


def separated(case: Case, value: Quotient, constants: frozenset[str]) -> tuple[Expr, Expr]:
    """The value as a factor in the constants times the rest."""
    sides = [_split_factors(case, poly, constants) for poly in (value.num, value.den)]
    (constant_above, rest_above), (constant_below, rest_below) = sides
    return factored(case, quotient(constant_above, constant_below)), factored(case, quotient(rest_above, rest_below))


def _split_factors(case: Case, poly: fmpq_mpoly, constants: frozenset[str]) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """The polynomial as one in the constants times a rest."""
    if poly.is_constant():
        return poly, ONE
    rest = ONE
    for part, exponent in factors(poly)[1]:
        if not case.depends(part) <= constants:
            rest = product(rest, power(part, exponent))
    return poly / rest, rest
