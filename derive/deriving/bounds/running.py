"""The largest step where the denominator is the root of a running maximum of a mean square: AMSGrad's.

The maximum is at least the mean square, so the bound of the mean square holds. Where the attaining gradients make
the mean square grow from step to step the maximum is the mean square, and the bound is attained: where the decay of
the numerator is at most that of the mean square. Beyond, the numbers below bound the step from both sides; both
have the same limit.

The upper one: for any y >= sqrt(M[t]) the numerator's buffer satisfies, at every step,

    2 m y <= (W + K) y^2 + q v,   W the sum of the weights, q = gain_m/gain_v, K' = decay_m K + q (decay_m - decay_v)

and K = q (decay_m - decay_v) (1 - decay_m^(t-1))/(1 - decay_m) from the first step on: each step keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from derive.deriving.bounds.found import Bound, Writing, bound_of
from derive.deriving.bounds.names import INSIDE, multiple
from derive.deriving.bounds.neatness import neat
from derive.deriving.bounds.normalised import (
    assumptions_of_bound,
    excess,
    quantities,
    steps_to_the_bound,
)
from derive.deriving.bounds.structure import NormalisedStep
from derive.deriving.bounds.sums import simplified
from derive.deriving.bounds.witnesses import experiments
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, proper, tends
from derive.deriving.linear import AGE, raised, scaled
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import ProvedLimit, limit
from derive.rule import DECAY, NONNEGATIVE, REAL, UNIT, Rule

T = Symbol("t")
G, H, M, V, Y, P = (Symbol(n) for n in ("g", "h", "m", "v", "y", "p"))


def running_bound(rule: Rule, step: NormalisedStep) -> Derivation | None:
    """The bound by the mean square, where it is attained, and bounds from both sides beyond."""
    if step.norm.kind != "running maximum" or len(step.shares) != 1 or step.direct is not Number(0) or step.meanings:
        return None
    mean = bound_of(rule, step)
    if mean is None or not _is_known(step):
        return None
    writing = mean.writing
    value = neat(mean.value / neat_root(step.norm.factor))
    shown = simplified(value, writing.assumed)
    found = replace(mean, value=value, shown=shown, limit=limit(shown, "t", writing.assumed))
    beyond = _Beyond(step)
    steps = proper(
        *steps_to_the_bound(rule, mean),
        _at_least(step),
        equal(writing.label("bound"), value, shown, why="so the mean square bounds the step", given=writing.assumed),
        *_mean_square_grows(step),
        *tends(writing.label("bound"), found.limit),
        *excess(found),
        *beyond.steps(writing),
    )
    return Derivation(
        title="The largest step",
        statement=_statement(found, beyond),
        assumptions=assumptions_of_bound(found),
        steps=steps,
        result=value,
        names=writing.names,
        quantities=_quantities(found, beyond),
        experiments=experiments(rule, found),
    )


def _is_known(step: NormalisedStep) -> bool:
    """Whether the maximum is of the mean square itself, or of the one divided by 1 - decay^t."""
    factor, decay = step.norm.factor, step.norm.decay
    corrected = factor * (1 - raised(decay, T))
    return factor is Number(1) or bool(identity([(corrected, Number(1))], step.assumptions()))


def neat_root(expr: Expr) -> Expr:
    """The square root, of one without the sign."""
    return expr if expr is Number(1) else apply("sqrt", expr)


def _at_least(step: NormalisedStep) -> Step:
    """The maximum is at least the multiple of the mean square it is taken of."""
    state, square = Symbol(step.norm.state), Symbol(f"{step.norm.kept}[t]")
    assumed = Assumptions({**step.assumptions().domains, step.norm.state: NONNEGATIVE, square.name: NONNEGATIVE})
    multiple = scaled(step.norm.factor, square)
    why = "the running maximum is at least the mean square"
    return holds(apply("ge", apply("max", state, multiple), multiple), why=why, given=assumed)


def _mean_square_grows(step: NormalisedStep) -> tuple[Step, ...]:
    """Under gradients whose size never falls, g then h, the mean square never falls: the maximum is the newest.

    It stays at most what a constant gradient of the newest size gives.
    """
    norm = step.norm
    fresh = norm.gain / (1 - norm.decay)
    assumed = Assumptions({**step.assumptions().domains, "g": REAL, "h": REAL, "v": NONNEGATIVE, "p": UNIT})
    after = norm.decay * V + norm.gain * H**2
    grows = apply("le", G**2, H**2)
    if norm.factor is Number(1):
        below, later = apply("le", V, fresh * G**2), apply("le", after, fresh * H**2)
        higher = apply("le", V, after)
    else:
        # p is decay^(t-1), between zero and one; the correction divides by 1 - decay^t.
        share, next_share = 1 - P, 1 - norm.decay * P
        below, later = apply("le", V, fresh * share * G**2), apply("le", after, fresh * next_share * H**2)
        higher = apply("le", V * next_share, after * share)
    older = "the attaining gradients never get smaller where the numerator's decay is at most the mean square's"
    [share_] = step.shares
    grown = holds(
        apply("le", share_.buffer.decay / norm.decay, 1),
        why=older,
        given=assumed,
        when=[apply("le", share_.buffer.decay, norm.decay)],
    )
    return (
        grown,
        holds(
            later,
            why="then the mean square stays at most that of a constant gradient",
            given=assumed,
            when=[below, grows],
        ),
        holds(
            higher,
            why="and, corrected as in the maximum, never falls: the maximum is the mean square",
            given=assumed,
            when=[below, grows],
        ),
    )


@dataclass(frozen=True)
class _Beyond:
    """Where the numerator's decay is at least that of the mean square: bounds from both sides."""

    step: NormalisedStep

    @property
    def assumed(self) -> Assumptions:
        """The step's assumptions, the numerator's decay in (0, 1)."""
        domains = self.step.assumptions().domains
        fading = {n for n in symbols(self.decay) if domains.get(n) == DECAY}
        return Assumptions({**domains, **dict.fromkeys(fading, INSIDE)})

    @property
    def decay(self) -> Expr:
        return self.step.shares[0].buffer.decay

    @property
    def gain(self) -> Expr:
        return self.step.shares[0].buffer.gain

    @property
    def factor(self) -> Expr:
        return self.step.shares[0].factor

    @property
    def fading(self) -> Expr:
        return self.step.norm.decay

    @property
    def fresh(self) -> Expr:
        return self.step.norm.gain

    @property
    def ratio(self) -> Expr:
        return self.gain / self.fresh

    @property
    def condition(self) -> Expr:
        return apply("ge", self.decay, self.fading)

    @property
    def weights(self) -> Expr:
        """The sum of the numerator's weights."""
        return scaled(self.gain, (1 - raised(self.decay, T)) / (1 - self.decay))

    @property
    def lower(self) -> Expr:
        """The step under a constant gradient one, whose maximum is its newest mean square, over lr."""
        square = scaled(self.fresh, (1 - raised(self.fading, T)) / (1 - self.fading))
        return self.factor * self.weights / apply("sqrt", scaled(self.step.norm.factor, square))

    @property
    def sum(self) -> Expr:
        """W + K at step t."""
        kept = (1 - raised(self.decay, T) / self.decay) / (1 - self.decay)
        return self.weights + self.ratio * (self.decay - self.fading) * kept

    @property
    def upper(self) -> Expr:
        """(W + K + q)/2: the step where y is the root of the maximum and the mean square at most that."""
        return self.factor * (self.sum + self.ratio) / 2

    def recursion(self, before: Expr) -> Expr:
        """W + K after a step."""
        return self.decay * before + self.gain + self.ratio * (self.decay - self.fading)

    @property
    def shown(self) -> tuple[Expr, Expr]:
        return simplified(self.lower, self.assumed), simplified(self.upper, self.assumed)

    @property
    def limits(self) -> tuple[ProvedLimit | None, ProvedLimit | None]:
        lower, upper = (limit(e, "t", self.assumed) for e in self.shown)
        return lower, upper

    def steps(self, writing: Writing) -> tuple[Step, ...]:
        """The induction of the upper bound, both bounds tidied, and their limits."""
        w = Symbol("W")
        domains = {"m": REAL, "g": REAL, "y": NONNEGATIVE, "v": NONNEGATIVE, "W": NONNEGATIVE}
        assumed = Assumptions({**self.assumed.domains, **domains})
        after_m, after_v = self.decay * M + self.gain * G, self.fading * V + self.fresh * G**2
        before = apply("le", 2 * M * Y, w * Y**2 + self.ratio * V)
        after = apply("le", 2 * after_m * Y, self.recursion(w) * Y**2 + self.ratio * after_v)
        first = apply("le", 2 * (self.gain * G) * Y, self.gain * Y**2 + self.ratio * (self.fresh * G**2))
        largest = apply("le", w * Y**2 + self.ratio * V, (w + self.ratio) * Y**2)
        [one, later] = [neat(substitute([self.sum], {"t": e})[0]) for e in (Number(1), T + 1)]
        label, beyond = writing.label("W"), [self.condition]
        above = "the maximum is at least the mean square, not corrected"
        known = Assumptions({**self.assumed.domains, "v": NONNEGATIVE})
        (shown_lower, shown_upper), (low, high) = self.shown, self.limits
        return (
            holds(apply("ge", scaled(self.step.norm.factor, V), V), why=above, given=known),
            holds(first, why="for y at least the root of the maximum, at the first step", given=assumed),
            holds(
                after,
                why="and, the mean square being at most y^2, a step keeps it",
                given=assumed,
                when=[before, apply("le", V, Y**2), *beyond],
            ),
            define(label, self.sum, "the sum in front of y^2"),
            equal(writing.label("W", "1"), one, self.gain, why="at the first step", given=self.assumed),
            equal(writing.label("W", "t+1"), later, self.recursion(self.sum), why="and after each", given=self.assumed),
            holds(largest, why="at the largest mean square", given=assumed, when=[apply("le", V, Y**2), *beyond]),
            equal(writing.label("upper"), self.upper, shown_upper, why="no step over lr is larger", given=self.assumed),
            *tends(writing.label("upper"), high),
            equal(
                writing.label("lower"), self.lower, shown_lower, why="a constant gradient reaches", given=self.assumed
            ),
            *tends(writing.label("lower"), low),
        )


def _statement(found: Bound, beyond: _Beyond) -> str:
    """The bound in words, on both sides of the condition."""
    step, writing = found.writing.step, found.writing
    names, (lower, upper) = writing.names, beyond.shown
    fits = code(apply("le", beyond.decay, beyond.fading))
    gradient = code(simplified(found.gradient, writing.assumed), names)
    where = "".join(f" where `{n} = 0`" for n in step.small)
    first = (
        f"Where {fits} no gradients make `|theta[t] - theta[t-1]|` more than `{step.lr}` times "
        f"{code(found.shown, names)}, as without the maximum; the gradients {gradient} of {names[AGE]} steps ago "
        f"attain it{where}."
    )
    tail = f" It tends to {code(writing.unnamed(found.limit.claim.limit))}." if found.limit is not None else ""
    other = f" Elsewhere the largest step lies between {multiple(step.lr, lower)} and {multiple(step.lr, upper)}"
    ends = [e.claim.limit for e in beyond.limits if e is not None]
    if len(ends) == 2 and ends[0] is ends[1]:
        other += f", which both tend to {code(ends[0])}"
    return first + tail + other + "."


def _quantities(found: Bound, beyond: _Beyond) -> Mapping[str, Expr]:
    """As without a maximum on one side of the condition; on the other what is certain."""
    named = quantities(found)
    named.pop("step_bound_finite", None)
    fits = apply("le", beyond.decay, beyond.fading)
    lower, upper = beyond.limits
    value = named["step_bound"]
    named["step_bound"] = apply("where", fits, value, beyond.upper)
    named["step_bound_at_least"] = apply("where", fits, value, beyond.lower)
    end = named.pop("step_bound_limit", None)
    if end is not None and lower is not None and upper is not None and lower.claim.limit is upper.claim.limit:
        named["step_bound_limit"] = apply("where", fits, end, lower.claim.limit)
    return named
