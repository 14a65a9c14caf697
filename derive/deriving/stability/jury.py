"""When all zeros of a polynomial lie inside the unit circle: the conditions, reduced, and the proof for degree two.

For z + q: -1 < q < 1. For z^2 + p z + q: 1 + p + q > 0, 1 - p + q > 0 and 1 - q > 0 (Jury 1964, Theory and
application of the z-transform method, chapter 3), proved here for two real zeros and for a conjugate pair. Above that
Schur and Cohn's recursion (Schur 1918, Über Potenzreihen, die im Innern des Einheitskreises beschränkt sind).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

from flint import fmpq_mpoly

from derive.algebra.polynomials import ONE, by_powers, factors, product
from derive.algebra.signs import NEGATIVE_SIGN, POSITIVE_SIGN, ZERO_SIGN
from derive.deriving.derivation import Step, define, equal, holds
from derive.deriving.stability.closed import ClosedLoop
from derive.expr import Expr, Symbol, apply
from derive.linear.modes import schur_cohn_margins
from derive.linear.ratios import Ratio, number, ratio, total, whole
from derive.proving import Assumptions, identity
from derive.rule import POSITIVE

ALWAYS = apply("lt", 0, 1)


def margins(loop: ClosedLoop) -> tuple[Ratio, ...]:
    """What must be positive for all zeros of the characteristic polynomial to lie inside the unit circle."""
    low = loop.coefficients
    if loop.degree > 2:
        return tuple(whole(m) for m in schur_cohn_margins(_without_denominators(low)))
    at_one = total(low)
    at_minus_one = total(c if k % 2 == loop.degree % 2 else -c for k, c in enumerate(low))
    return (at_one, at_minus_one) if loop.degree == 1 else (at_one, at_minus_one, number(1) - low[0])


def _without_denominators(coefficients: Sequence[Ratio]) -> list[fmpq_mpoly]:
    common = ONE
    for c in coefficients:
        common = product(common, c.den / common.gcd(c.den))
    return [product(c.num, common / c.den) for c in coefficients]


def both(conditions: Sequence[Expr]) -> Expr:
    """All the conditions at once."""
    return reduce(lambda a, b: apply("and", a, b), conditions) if conditions else ALWAYS


@dataclass(frozen=True)
class Condition:
    """A condition on the rule; where it bounds the curvature from above, `scale * h < bound`."""

    test: Expr
    scale: Expr | None = None
    bound: Expr | None = None


def reduced(loop: ClosedLoop, wanted: Sequence[Ratio]) -> tuple[Condition, ...] | None:
    """The conditions that are left of `wanted` > 0 in the domains, none of them implied by the others; None: never."""
    found: list[Condition] = []
    for margin in wanted:
        left = _what_decides(loop, margin)
        if left is None:
            return None
        found += [_solved(loop, left)] if not left.is_constant() else []
    kept = list(dict.fromkeys(found))
    for condition in list(kept):
        others = [c.test for c in kept if c is not condition]
        if others and holds(condition.test, why="", given=loop.assumed, when=others).verdict:
            kept.remove(condition)
    return tuple(kept)


def _what_decides(loop: ClosedLoop, margin: Ratio) -> fmpq_mpoly | None:
    """The factors whose sign is not certain, times a sign: positive where the margin is. None where it never is."""
    left, minus = ONE, False
    scale, parts = factors(product(margin.num, margin.den)) if margin else (0, ())
    if scale == 0:
        return None
    minus = scale < 0
    for part, exponent in parts:
        signs = loop.frame.case.poly_signs(part)
        if signs == ZERO_SIGN:
            return None
        if exponent % 2 and signs == NEGATIVE_SIGN:
            minus = not minus
        elif signs not in (POSITIVE_SIGN, NEGATIVE_SIGN):
            left = product(left, part if exponent % 2 else product(part, part))
    if left.is_constant():
        return None if minus else ONE
    return -left if minus else left


def _solved(loop: ClosedLoop, poly: fmpq_mpoly) -> Condition:
    """poly > 0, written scale * h < bound where it is linear in the curvature and bounds it from above."""
    h = loop.frame.names.index(loop.curvature.name)
    parts = by_powers(poly, h)
    slope, rest = -parts.get(1, ONE), parts.get(0)
    signs = loop.frame.case.poly_signs(slope)
    if set(parts) == {0, 1} and rest is not None and -1 not in signs:
        scale, divisor = _scale(loop, slope)
        name = loop.expr(whole(scale))
        bound = loop.expr(ratio(rest, divisor))
        scaled = loop.curvature if scale == ONE else name * loop.curvature
        return Condition(apply("lt", scaled, bound), name, bound)
    return Condition(apply("gt", loop.expr(whole(poly)), 0))


def _scale(loop: ClosedLoop, slope: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """The slope as what may vanish, to be kept beside h, times what is certainly positive."""
    scale, positive = ONE, ONE
    lead, parts = factors(slope)
    for part, exponent in parts:
        for _ in range(exponent):
            if loop.frame.case.poly_signs(part) in (POSITIVE_SIGN, NEGATIVE_SIGN) and len(part) > 1:
                positive = product(positive, part)
            else:
                scale = product(scale, part)
    positive = positive * number(lead).num
    if loop.frame.case.poly_signs(positive) == NEGATIVE_SIGN:
        scale, positive = -scale, -positive
    return scale, positive


def same_truth(a: Expr, b: Expr, *, why: str, given: Assumptions) -> Step:
    """A step that claims that two conditions hold at the same points."""
    verdict = identity([(apply("where", a, 1, 0), apply("where", b, 1, 0))], given)
    return Step(None, (a, b), why, verdict, relation="⇔")


@lru_cache(maxsize=1)
def lemma() -> tuple[Step, ...]:
    """Jury's conditions for z^2 + p z + q, from the zeros: two real ones, or a conjugate pair."""
    r, s, x, y = (Symbol(n) for n in ("z_1", "z_2", "u", "w"))
    anything = Assumptions({})
    square = Symbol("d")
    inside = both([apply("lt", apply("abs", r), 1), apply("lt", apply("abs", s), 1)])
    real = jury(r + s, r * s)
    pair = jury(2 * x, x**2 + y**2)
    return (
        holds(inside, when=real, given=anything,
              why="real zeros of z^2 + p z + q have p = -(z_1 + z_2), q = z_1 z_2: Jury's conditions keep them inside"),
        holds(both(real), when=(apply("lt", apply("abs", r), 1), apply("lt", apply("abs", s), 1)), given=anything,
              why="and real zeros inside the unit circle satisfy them"),
        holds(apply("lt", x**2 + y**2, 1), when=pair, given=anything,
              why="conjugate zeros u + w i, u - w i have p = -2 u, q = u^2 + w^2: Jury's conditions keep them inside"),
        equal(None, 1 - 2 * x + (x**2 + y**2), (1 - x) ** 2 + y**2, given=anything,
              why="and such a pair inside the unit circle satisfies them: 1 + p + q is this,"),
        equal(None, 1 + 2 * x + (x**2 + y**2), (1 + x) ** 2 + y**2, given=anything, why="1 - p + q is this,"),
        holds(apply("gt", square**2 + Symbol("n"), 0), given=Assumptions({"n": POSITIVE}),
              why="and a square plus a positive number, w^2 here, is positive"),
    )  # fmt: skip


def jury(zeros: Expr, product_of_zeros: Expr) -> tuple[Expr, ...]:
    """1 - q > 0, 1 + p + q > 0, 1 - p + q > 0, from the sum -p and the product q of the zeros."""
    q = product_of_zeros
    return apply("gt", 1 - q, 0), apply("gt", 1 - zeros + q, 0), apply("gt", 1 + zeros + q, 0)


def of_zeros(loop: ClosedLoop) -> tuple[Step, ...]:
    """Why the conditions are right: proved for degree two, for degree one from the only zero."""
    if loop.degree == 2:
        return lemma()
    if loop.degree == 1:
        zero = loop.expr(-loop.coefficients[0])
        z = loop.variable
        tests = (apply("gt", 1 - z, 0), apply("gt", 1 + z, 0))
        inside = apply("lt", apply("abs", z), 1)
        return (
            define(z, zero, "the only zero of p"),
            holds(inside, when=tests, given=Assumptions({}), why="it lies inside the unit circle where both hold"),
            holds(both(tests), when=(inside,), given=Assumptions({}), why="and only there"),
        )
    return ()
