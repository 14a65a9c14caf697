"""How a weight decay enters a rule: beside the step (decoupled), or through the gradient (coupled)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.linear import given
from derive.deriving.undecayed import movement, without_decay
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.obligations import inside
from derive.rule import POSITIVE, Rule

THETA, G = Symbol("theta"), Symbol("g")


@dataclass(frozen=True)
class Decoupled:
    """theta' = (1 - share) theta - weight * step, the step being that of the rule without decay.

    `weight` is one, or 1 - share where the decay is applied after the step.
    """

    name: str
    plain: Rule
    share: Expr
    after_the_step: bool

    @property
    def kept(self) -> Expr:
        return 1 - self.share

    @property
    def is_constant(self) -> bool:
        """Whether every step takes the same share."""
        return "t" not in symbols(self.share)


@dataclass(frozen=True)
class Coupled:
    """The rule without decay, with the gradient g + factor * theta: the gradient of a penalty factor theta^2/2."""

    name: str
    plain: Rule
    factor: Expr

    @property
    def gradient(self) -> Expr:
        return G + self.factor * THETA


@lru_cache(maxsize=64)
def decoupled(rule: Rule) -> Decoupled | None:
    """The decay beside the step, or None."""
    freed = _freed(rule)
    if freed is None:
        return None
    plain, name = freed
    if "theta" in symbols(*(rule.step[n] for n in rule.state_names)):
        return None
    after, assumed = rule.step["theta"], given(rule)
    share = _tidied(1 - _slope(after, "theta"), assumed)
    if share is None or not symbols(share) <= {*rule.hyperparameter_names, "t"}:
        return None
    step = movement(plain)
    for late in (False, True):
        weighed = (1 - share) * step if late else step
        if identity([(after, (1 - share) * THETA - weighed)], assumed):
            return Decoupled(name, plain, share, late)
    return None


def coupled(rule: Rule) -> Coupled | None:
    """The decay that enters with the gradient, or None."""
    freed = _freed(rule)
    if freed is None:
        return None
    plain, name = freed
    assumed = given(rule)
    factor: Expr = Symbol(name)
    outputs = ("theta", *rule.state_names)
    [*shifted] = substitute([plain.step[n] for n in outputs], {"g": G + factor * THETA})
    if identity([(rule.step[n], e) for n, e in zip(outputs, shifted, strict=True)], assumed):
        return Coupled(name, plain, factor)
    return None


def _freed(rule: Rule) -> tuple[Rule, str] | None:
    """The rule without decay, and the decay's name, where it has one."""
    freed = None if rule.is_average else without_decay(rule)
    return None if freed is None or not freed[1] else (freed[0], freed[1][0])


def _slope(expr: Expr, name: str) -> Expr:
    """What the expression gains from zero to one of a name it is linear in."""
    at_one, at_zero = (substitute([expr], {name: Number(v)})[0] for v in (1, 0))
    return at_one - at_zero


def _tidied(expr: Expr, assumed: Assumptions) -> Expr | None:
    try:
        return tidy(expr, assumed)
    except NoNormalForm:
        return None


def shrinks(rule: Rule, found: Decoupled) -> bool:
    """Whether a positive decay takes something: one that is added makes theta grow."""
    taken = Assumptions({**positive(rule).domains, found.name: POSITIVE})
    return bool(identity([inside(found.share, POSITIVE)], taken))


def positive(rule: Rule) -> Assumptions:
    """Hyperparameters that are not negative as positive ones: an epsilon that keeps 0/0 away."""
    names = set(rule.hyperparameter_names)
    domains = given(rule).domains.items()
    return Assumptions({n: replace(d, low_open=True) if n in names and d.low == 0 else d for n, d in domains})
