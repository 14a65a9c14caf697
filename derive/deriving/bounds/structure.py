"""What a step is made of: a part linear in the gradients over a buffer of their sizes, found from the rule itself.

After this a step is `lr (sum of factor_i(t) m_i[t] + direct(t) g[t]) / norm`, where the m_i are linear buffers of
the gradient and the norm is the root of a linear buffer of its square, a fading maximum of its size, or the root of
a running maximum of such a buffer. `ideal` is the step so far as the small constants (epsilon) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.names import (
    INSIDE,
    G,
    learning_rate,
    small_constants,
    steady_states,
)
from derive.deriving.bounds.neatness import neat, sum_of
from derive.deriving.bounds.norms import Norm, norms
from derive.deriving.bounds.schedules import named_schedules
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import labelled
from derive.deriving.linear import LinearBuffer, given, linear_buffers, scaled
from derive.deriving.lines import assigned
from derive.deriving.undecayed import movement, without_decay
from derive.expr import Apply, Expr, Number, Symbol, fold, substitute, symbols
from derive.proving import Assumptions, identity
from derive.rule import DECAY, NONNEGATIVE, POSITIVE, REAL, Rule


@dataclass(frozen=True)
class Share:
    """What a linear buffer of the gradient adds to the numerator: factor * buffer, its factor free of data."""

    buffer: LinearBuffer
    factor: Expr

    @property
    def scale(self) -> Expr:
        """What the newest gradient counts through this buffer."""
        return self.factor * self.buffer.gain


@dataclass(frozen=True)
class NormalisedStep:
    """A step of the kind described above, over lr; `whole` has the small constants in it, `ideal` has them not.

    Both are in the buffers after the step, written NAME[t], and g.
    """

    rule: Rule
    lr: str
    small: tuple[str, ...]
    whole: Expr
    shares: tuple[Share, ...]
    direct: Expr
    norm: Norm
    removed: tuple[str, ...] = ()
    meanings: Mapping[str, Expr] = field(default_factory=dict)

    @property
    def numerator(self) -> Expr:
        parts = [scaled(s.factor, Symbol(f"{s.buffer.name}[t]")) for s in self.shares]
        if self.direct is not Number(0):
            parts.append(scaled(self.direct, G))
        return sum_of(parts)

    @property
    def ideal(self) -> Expr:
        return self.numerator / self.norm.under

    def spelt(self, expr: Expr) -> Expr:
        """The expression with every name of a formula in t given its meaning back."""
        for name, meaning in reversed(list(self.meanings.items())):
            [expr] = substitute([expr], {name: meaning})
        return expr

    def with_factors(self, expr: Expr) -> Expr:
        """The expression with the named factors written out, schedules still under their names."""
        return substitute([expr], {n: e for n, e in self.meanings.items() if n.startswith("#f")})[0]

    def labels(self, rule: Rule) -> dict[str, str]:
        """How those names are written."""
        schedules = [n for n in self.meanings if n.startswith("#s")]
        factors = [n for n in self.meanings if n.startswith("#f")]
        written = {n: labelled(rule, f"s{i + 1}").name for i, n in enumerate(schedules)}
        return {**written, **{n: labelled(rule, f"a{i + 1}").name for i, n in enumerate(factors)}}

    def assumptions(self) -> Assumptions:
        """Those of the rule; lr positive, decays of the denominator in (0, 1), buffers after the step by name."""
        return step_assumptions(self.rule, self.lr, self.norm)


def step_assumptions(rule: Rule, lr: str, norm: Norm) -> Assumptions:
    """The rule's assumptions where a step can be bounded: what the denominator holds is positive."""
    domains = dict(given(rule).domains)
    fading = {n for n in symbols(norm.decay) if domains.get(n) == DECAY}
    domains.update(dict.fromkeys(fading, INSIDE))
    domains.update({lr: POSITIVE} if lr else {})
    domains.update({f"{n}[t]": REAL for n in rule.state_names})
    domains.update({f"{n}[t]": NONNEGATIVE for n in rule.state_names if domains.get(n) == NONNEGATIVE})
    domains[f"{norm.state}[t]"] = POSITIVE
    return Assumptions(domains)


@lru_cache(maxsize=64)
@coordinatewise
def normalised_step(rule: Rule) -> NormalisedStep | None:
    """The structure of a rule's step, or None where it has another one."""
    freed = None if rule.is_average else without_decay(rule)
    if freed is None:
        return None
    plain, meanings = named_schedules(freed[0])
    lr = learning_rate(plain)
    if lr is None:
        return None
    for norm in norms(plain):
        found = _with_norm(plain, lr, norm)
        if found is not None and not _constants(found) & set(meanings):
            return _with_named_factors(replace(found, removed=freed[1], meanings=meanings))
    return None


def _with_named_factors(step: NormalisedStep) -> NormalisedStep:
    """Factors that depend on more than t and hyperparameters as names for any number: what follows holds at one t."""
    plain = {"t", *step.rule.hyperparameter_names} - set(step.meanings)
    factors = [*(share.factor for share in step.shares), step.direct]
    if symbols(*factors) <= plain:
        return step
    named = {factor: Symbol(f"#f{i}") for i, factor in enumerate(dict.fromkeys(factors)) if symbols(factor)}
    shares = tuple(replace(s, factor=named.get(s.factor, s.factor)) for s in step.shares)
    meanings = {**step.meanings, **{name.name: factor for factor, name in named.items()}}
    return replace(step, shares=shares, direct=named.get(step.direct, step.direct), meanings=meanings)


def _constants(step: NormalisedStep) -> frozenset[str]:
    """The names in what has to be the same at every step."""
    buffers = [s.buffer for s in step.shares]
    return symbols(step.norm.decay, step.norm.gain, *(b.decay for b in buffers), *(b.gain for b in buffers))


def _with_norm(rule: Rule, lr: str, norm: Norm) -> NormalisedStep | None:
    after = dict(assigned(rule, {*_gradient_buffers(rule), norm.state}))["theta"]
    whole = neat(substitute([movement(rule, after)], {lr: Number(1), "theta": Number(0)})[0])
    return structured(rule, lr, norm, whole)


def _gradient_buffers(rule: Rule) -> dict[str, LinearBuffer]:
    """The linear buffers of the gradient itself that start at zero."""
    return {b.name: b for b in linear_buffers(rule) if b.starts_at_zero and b.input is G}


def structured(rule: Rule, lr: str, norm: Norm, whole: Expr) -> NormalisedStep | None:
    """The structure of what is `lr` times this, in buffers after the step; None where it has another one."""
    buffers = _gradient_buffers(rule)
    present = symbols(whole)
    sums = {f"{name}[t]" for name in (*buffers, norm.state)}
    steady = {"g", "t", *rule.hyperparameter_names, *steady_states(rule)}
    if f"{norm.state}[t]" not in present or not present <= sums | steady:
        return None  # another gradient of the same step, or a state that is no sum of gradients
    used = [b for b in buffers.values() if f"{b.name}[t]" in present]
    for bound in small_constants(rule):
        if set(bound) <= present - {lr}:
            [ideal] = substitute([whole], bound)
            parts = _separated(rule, lr, norm, used, ideal)
            if parts is not None:
                small = tuple(dict.fromkeys((*bound, *_inside(rule, norm))))
                shares = tuple(Share(b, f) for b, f in zip(used, parts[:-1], strict=True))
                return NormalisedStep(rule, lr, small, whole, shares, parts[-1], norm)
    return None


def _inside(rule: Rule, norm: Norm) -> tuple[str, ...]:
    """The small constant inside a fading maximum."""
    if norm.kind != "maximum":
        return ()
    return tuple(symbols(rule.step[norm.state]) - {norm.state, "g", *symbols(norm.decay), *symbols(norm.gain)})


def _separated(rule: Rule, lr: str, norm: Norm, used: Sequence[LinearBuffer], ideal: Expr) -> tuple[Expr, ...] | None:
    """The factor of each buffer and of g in ideal * norm, free of data; None where the step has another form."""
    names = [*(f"{b.name}[t]" for b in used), "g"]  # the numerator is linear in these
    size = f"{norm.state}[t]"
    assumed = step_assumptions(rule, lr, norm)
    factors: list[Expr] = []
    for name in names:
        values: dict[str, Expr] = {n: Number(int(n == name)) for n in names}
        [factor] = substitute([ideal], {**values, size: Number(1)})
        try:
            factors.append(tidy(factor, assumed))
        except NoNormalForm:
            return None
    if symbols(*factors) & {*names, size} or all(f is Number(0) for f in factors):
        return None
    total = sum_of([f * Symbol(n) for f, n in zip(factors, names, strict=True) if f is not Number(0)])
    return tuple(factors) if identity([(ideal, total / norm.under)], assumed) else None


def without_powers(exprs: Sequence[Expr], assumed: Assumptions) -> tuple[list[Expr], Assumptions]:
    """The expressions with each decay^t as a name for any number in [0, 1), which it is as t is at least one."""
    known: dict[Expr, Symbol] = {}

    def rebuilt(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        base = again.args[0]
        if again.op == "pow" and again.args[1] is Symbol("t") and isinstance(base, Symbol):
            domain = assumed.domains.get(base.name, REAL)
            if domain in (DECAY, INSIDE):
                return known.setdefault(again, Symbol(f"#p{len(known)}"))
        return again

    made = fold(exprs, symbol=lambda s: s, number=lambda n: n, apply=rebuilt)
    return made, Assumptions({**assumed.domains, **{s.name: DECAY for s in known.values()}})
