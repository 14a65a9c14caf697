"""The largest step where the denominator is the root of a variance: a mean square less the square of the mean.

With the weights u_k = (1 - d) d^k of both averages, which add up to 1 - d^t, the variance of t gradients is at least
g^2/(1/(1 - d) + d^-t), g the newest: the inverse of diag(u) - u u' by Sherman and Morrison's formula. Here it is
shown by induction from (mean)^2 <= (sum of the weights) (mean square), with gradients that attain it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.algebra.normal import NoNormalForm, tidy
from derive.deriving.bounds.found import small_names
from derive.deriving.bounds.names import INSIDE, learning_rate, multiple, small_constants
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.norms import norms
from derive.deriving.bounds.smallness import TIMES
from derive.deriving.bounds.witnesses import STEPS, at_defaults, size_of_step
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, labelled, proper, tends
from derive.deriving.experiment import Experiment
from derive.deriving.linear import AGE, LinearBuffer, given, linear_buffers, raised
from derive.deriving.lines import assigned
from derive.deriving.undecayed import movement, without_decay
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import COUNTER, DECAY, NONNEGATIVE, POSITIVE, REAL, Domain, Rule

T, G, VARIANCE = Symbol("t"), Symbol("g"), Symbol("D")
LABEL = Symbol("theta[t-1]") - Symbol("theta[t]")


@dataclass(frozen=True)
class Centred:
    """step = lr * scale * g / root of (square - mean^2), both averages with one decay; `whole` has an epsilon in it."""

    plain: Rule
    removed: tuple[str, ...]
    lr: str
    small: tuple[str, ...]
    square: str
    mean: str
    decay: Expr
    scale: Expr
    whole: Expr  # over lr, with the name D for the variance
    domains: Mapping[str, Domain]

    @property
    def largest(self) -> Expr:
        """The square of the bound over lr, and of the scale."""
        return 1 / (1 - self.decay) + 1 / raised(self.decay, T)

    @property
    def assumed(self) -> Assumptions:
        return Assumptions(self.domains)


def centred_bound(rule: Rule) -> Derivation | None:
    """The exact bound for a gradient over the root of its running variance; None for another step."""
    freed = None if rule.is_average else without_decay(rule)
    lr = learning_rate(freed[0]) if freed is not None else None
    if freed is None or lr is None:
        return None
    found = _found(freed[0], freed[1], lr)
    return None if found is None else _derivation(rule, found)


def _found(rule: Rule, removed: tuple[str, ...], lr: str) -> Centred | None:
    buffers = {b.name: b for b in linear_buffers(rule) if b.starts_at_zero}
    means = [b for b in buffers.values() if b.input is G and _is_mean(rule, b)]
    for norm in norms(rule):
        square = buffers.get(norm.state)
        if norm.kind != "root" or square is None or not _is_mean(rule, square):
            continue
        for mean in (m for m in means if m.decay is square.decay):
            found = _separated(rule, removed, lr, square, mean)
            if found is not None:
                return found
    return None


def _is_mean(rule: Rule, buffer: LinearBuffer) -> bool:
    """Whether the weights are (1 - decay) decay^k."""
    return bool(identity([(buffer.gain, 1 - buffer.decay)], given(rule)))


def _separated(
    rule: Rule, removed: tuple[str, ...], lr: str, square: LinearBuffer, mean: LinearBuffer
) -> Centred | None:
    """The step in the variance's name, and what is left of it where the small constant is zero."""
    after = dict(assigned(rule, {square.name, mean.name}))["theta"]
    now, average = f"{square.name}[t]", Symbol(f"{mean.name}[t]")
    [moved] = substitute([movement(rule, after)], {lr: Number(1), "theta": Number(0), now: VARIANCE + average**2})
    known = given(rule).domains
    domains = {
        **known, "D": POSITIVE, average.name: REAL, lr: POSITIVE,
        **{n: INSIDE for n in symbols(square.decay) if known[n] == DECAY},
    }  # fmt: skip
    try:
        whole = tidy(moved, Assumptions(domains))
        for bound in small_constants(rule):
            [ideal] = substitute([whole], bound)
            scale = tidy(ideal * apply("sqrt", VARIANCE) / G, Assumptions({**domains, "g": POSITIVE}))
            if symbols(scale) <= {"t", *rule.hyperparameter_names} and symbols(whole) <= {"D", "g", *rule.domains}:
                return Centred(
                    rule, removed, lr, tuple(bound), square.name, mean.name, square.decay, scale, whole, domains
                )
    except NoNormalForm:
        return None
    return None


def _derivation(rule: Rule, found: Centred) -> Derivation:
    assumed, d = found.assumed, found.decay
    value = apply("abs", found.scale) * apply("sqrt", found.largest)
    if isinstance(found.scale, Number):
        value = neat(Number(abs(found.scale.value)) * apply("sqrt", found.largest))
    inverse = tidy(1 / found.largest, assumed)
    where = "".join(f" where `{n} = 0`" for n in found.small)
    newest = 1 + raised(d, T) / (1 - d)
    steps = proper(
        *_form(found),
        *_smallest_variance(found),
        define(labelled(rule, "bound"), value, "the bound of |step| over the learning rate, y being decay^(t-1)"),
        *_attained(found),
        equal(None, 1 / found.largest, inverse, why="one over its square", given=assumed),
        *tends(None, limit(inverse, "t", assumed)),
    )
    return Derivation(
        title="The largest step",
        statement=f"No gradients make `|theta[t] - theta[t-1]|` more than {multiple(found.lr, value)}. "
        f"That is attained{where}, by gradients one and then {code(newest)}. It grows without bound with t: under "
        "gradients that hardly change the variance vanishes.",
        assumptions=(
            *(f"`{n} = 0`: what the decay adds is bounded apart" for n in found.removed),
            *(f"`{n} > 0`" for n in (found.lr, *sorted(symbols(d)))),
        ),
        steps=steps,
        result=value,
        names=small_names(rule),
        quantities={
            "step_bound": value,
            "step_bound_finite": apply("lt", 1, 0),
            "step_bound_gradient": apply("where", apply("eq", Symbol(AGE), 0), newest, Number(1)),
            "learning_rate": Symbol(found.lr),
        },
        domains=dict.fromkeys(sorted(symbols(d)), INSIDE),
        experiments=_experiments(rule, found, value),
    )


def _form(found: Centred) -> tuple[Step, ...]:
    """The step as a gradient over a root, times a factor of the small constant that only lowers it."""
    average = Symbol(f"{found.mean}[t]")
    after = dict(assigned(found.plain, {found.square, found.mean}))["theta"]
    moved = movement(found.plain, after)
    [in_variance] = substitute([moved], {f"{found.square}[t]": VARIANCE + average**2})
    ideal = found.scale * G / apply("sqrt", VARIANCE)
    factor = tidy(found.whole / ideal, Assumptions({**found.domains, "g": POSITIVE}))
    [scaled] = substitute([factor], {"D": TIMES**2 * VARIANCE})
    growing = limit(scaled, TIMES.name, Assumptions({**found.domains, TIMES.name: COUNTER}))
    lowers = apply("and", apply("ge", factor, 0), apply("le", factor, 1))
    return (
        define(LABEL, moved, "the rule's step"),
        define(VARIANCE, Symbol(f"{found.square}[t]") - average**2, "the variance"),
        equal(LABEL, in_variance, Symbol(found.lr) * (ideal * factor), why="a gradient over its root, and a factor",
              given=found.assumed),
        holds(lowers, why="that only lowers it", given=found.assumed),
        *(replace(limiting, why="for gradients z times as large, as z grows") for limiting in tends(None, growing)),
    )  # fmt: skip


def _smallest_variance(found: Centred) -> tuple[Step, ...]:
    """Before a step v (1 - y) >= m^2 for y = decay^(t-1); then so after it, and the variance is at least this."""
    d, v, m, y = found.decay, Symbol("v"), Symbol("m"), Symbol("y")
    at_most_one = Domain(Fraction(0), Fraction(1), low_open=True)
    assumed = Assumptions({**found.domains, "v": NONNEGATIVE, "m": REAL, "y": at_most_one, "g": REAL})
    before = apply("ge", v * (1 - y), m**2)
    square, mean = d * v + (1 - d) * G**2, d * m + (1 - d) * G
    kept = apply("ge", square * (1 - d * y), mean**2)
    least = apply("le", G**2, (1 / (1 - d) + 1 / (d * y)) * (square - mean**2))
    return (
        holds(kept, why="the square of the mean is at most the weights' sum times the mean square, by induction",
              given=assumed, when=[before]),
        holds(least, why="so the variance after a gradient g is at least this share of g^2",
              given=assumed, when=[before]),
    )  # fmt: skip


def _attained(found: Centred) -> tuple[Step, ...]:
    """After gradients one both averages are 1 - y; the last gradient makes the inequality an equality."""
    d, y = found.decay, Symbol("y")
    assumed = Assumptions({**found.domains, "y": Domain(Fraction(0), Fraction(1), low_open=True)})
    last, held = 1 + d * y / (1 - d), 1 - y
    square, mean = d * held + (1 - d) * last**2, d * held + (1 - d) * last
    bound = (1 / (1 - d) + 1 / (d * y)) * (square - mean**2)
    kept = d * held + (1 - d)
    return (
        equal(None, kept, 1 - d * y, why="under gradients one both averages stay 1 - decay^t", given=assumed),
        equal(None, last**2, bound, why="and a last gradient of this size attains the bound", given=assumed),
    )


def _experiments(rule: Rule, found: Centred, value: Expr) -> tuple[Experiment, ...]:
    """A run of gradients one, and the last."""
    foretold = at_defaults(rule, value, STEPS)
    if foretold is None:
        return ()
    ratio = at_defaults(rule, 1 + raised(found.decay, T) / (1 - found.decay), STEPS)
    zero = dict.fromkeys((*found.removed, *found.small), Fraction(0))
    gradients = (*[Fraction(1)] * (STEPS - 1), Fraction(ratio or 1))
    what = "the last gradient after equal ones makes the largest step"
    return (Experiment(what, size_of_step(found.lr), {STEPS: foretold}, gradients, zero or None, tolerance=1e-6),)
