"""The largest step of a given structure by duality, each inequality by induction over the gradients.

Root of a mean square: with weights w_k in the numerator and u_k in the mean square,
(sum w_k g_k)^2 <= (sum w_k^2/u_k) (sum u_k g_k^2): Cauchy and Schwarz, with equality for g_k = w_k/u_k.
Maximum: |sum w_k g_k| <= (sum w_k/u_k) max u_k |g_k|: Hoelder, with equality for g_k = 1/u_k.
Both are shown as their own induction: the inequality for some gradients implies it for one more.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.deriving.bounds.neatness import neat, sum_of
from derive.deriving.bounds.structure import NormalisedStep
from derive.deriving.bounds.sums import GeometricSum, ratios_of, simplified
from derive.deriving.derivation import Step, equal, holds
from derive.deriving.linear import AGE, raised, scaled
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions, identity
from derive.proving.obligations import nonnegative
from derive.rule import NONNEGATIVE, POSITIVE, REAL

K = Symbol(AGE)


@dataclass(frozen=True)
class Duality:
    """What is needed of the weights: their sum of ratios, its square root or itself being the bound on |step|/lr.

    `newest` is the weight of the newest gradient, `older` that of one k >= 1 steps old, `size` what one k steps
    old counts in the denominator; `gradients` is the sequence that attains the bound, by age, `first` its newest.
    """

    total: GeometricSum
    newest: Expr
    older: Expr
    size: Expr
    squared: bool

    @property
    def newest_size(self) -> Expr:
        """What the newest gradient counts in the denominator."""
        return neat(substitute([self.size], {AGE: Number(0)})[0])

    def term(self, weight: Expr, size: Expr) -> Expr:
        """What one gradient adds to the sum."""
        return weight**2 / size if self.squared else weight / size

    def bound(self, total: Expr) -> Expr:
        return apply("sqrt", total) if self.squared else total

    def gradient(self, weight: Expr, size: Expr) -> Expr:
        """The gradient for which the inequality is an equality."""
        return weight / size if self.squared else 1 / size


def duality(step: NormalisedStep) -> Duality | None:
    """The duality that fits the denominator, or None where weights may be of either sign under a maximum."""
    norm, assumed = step.norm, step.assumptions()
    squared = norm.kind != "maximum"
    scales = [share.scale for share in step.shares]
    older = sum_of([scaled(scale, raised(s.buffer.decay, K)) for scale, s in zip(scales, step.shares, strict=True)])
    newest = simplified(sum_of([*scales, step.direct]), assumed)
    if not squared and not identity([nonnegative(scale) for scale in (*scales, newest)], assumed):
        return None
    size = scaled(norm.gain, raised(norm.decay, K))
    total = (_squares if squared else _sizes)(step, scales, newest)
    return Duality(total, newest, older, size, squared)


def _squares(step: NormalisedStep, scales: list[Expr], newest: Expr) -> GeometricSum:
    """sum of w_k^2/u_k: every pair of buffers gives a geometric sum."""
    assumed, norm = step.assumptions(), step.norm
    decays = [share.buffer.decay for share in step.shares]
    pairs = [(i, j) for i in range(len(scales)) for j in range(i, len(scales))]
    ratios = ratios_of([decays[i] * decays[j] for i, j in pairs], norm.decay, assumed)
    parts = []
    for (i, j), ratio in zip(pairs, ratios, strict=True):
        coefficient = scales[i] * scales[j] / norm.gain * (1 if i == j else 2)
        parts.append((simplified(coefficient, assumed), ratio))
    extra = Number(0) if step.direct is Number(0) else (newest**2 - sum_of(scales) ** 2) / norm.gain
    return GeometricSum(tuple(parts), simplified(extra, assumed))


def _sizes(step: NormalisedStep, scales: list[Expr], newest: Expr) -> GeometricSum:
    """sum of w_k/u_k."""
    assumed, norm = step.assumptions(), step.norm
    ratios = ratios_of([share.buffer.decay for share in step.shares], norm.decay, assumed)
    parts = [(simplified(s / norm.gain, assumed), r) for s, r in zip(scales, ratios, strict=True)]
    return GeometricSum(tuple(parts), simplified(step.direct / norm.gain, assumed))


def one_more_gradient(found: Duality) -> Step:
    """The induction of the inequality, in numbers of its own: a numerator X, a sum S, and one more gradient."""
    x, w, u, s, h, size = (Symbol(n) for n in ("X", "w", "u", "S", "h", "V" if found.squared else "M"))
    domains = {"X": REAL, "w": REAL, "h": REAL, "u": POSITIVE, "S": NONNEGATIVE, size.name: NONNEGATIVE}
    if found.squared:
        before = apply("le", x**2, s * size)
        after = apply("le", (x + w * h) ** 2, (s + w**2 / u) * (size + u * h**2))
    else:
        before = apply("le", apply("abs", x), s * size)
        larger = apply("max", size, u * apply("abs", h))
        after = apply("le", apply("abs", x + w * h), (s + apply("abs", w) / u) * larger)
    why = "the bound for some gradients gives it for one more, h"
    return holds(after, why=why, given=Assumptions(domains), when=[before])


def attained(found: Duality, assumed: Assumptions) -> tuple[Step, ...]:
    """Under the attaining gradients every term of the numerator is that of the sum, and so is the denominator."""
    steps: list[Step] = []
    for weight, size in ((found.newest, found.newest_size), (found.older, found.size)):
        if weight is Number(0):
            continue
        gradient, term = found.gradient(weight, size), found.term(weight, size)
        why = "what a gradient adds to the numerator" + (" is what it adds to S" if found.squared else "")
        steps.append(equal(None, weight * gradient, term, why=why, given=assumed))
        below = size * gradient**2 if found.squared else size * gradient
        why = "and to the mean square: the same" if found.squared else "and its size in the maximum: one"
        steps.append(equal(None, below, term if found.squared else Number(1), why=why, given=assumed))
    return tuple(steps)
