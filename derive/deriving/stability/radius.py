"""The spectral radius: piecewise for degree two, by certified enclosure of the zeros for any degree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache, reduce
from math import inf

from flint import arb, fmpq, fmpq_poly

from derive.algebra.normal import readable
from derive.algebra.polynomials import by_powers, factors
from derive.deriving.derivation import Step, equal, holds
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.errors import UserError
from derive.evaluate import enclosed, exact
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, to_text
from derive.linear.ratios import Ratio, number, ratio
from derive.proving import Assumptions
from derive.rule import Rule


def piecewise(loop: ClosedLoop) -> Expr | None:
    """The largest modulus of a zero of the characteristic polynomial; None above degree two."""
    low = [loop.expr(c) for c in loop.coefficients]
    if loop.degree == 1:
        return apply("abs", loop.expr(-loop.coefficients[0]))
    if loop.degree > 2:
        return None
    square = spread(loop)
    real = (apply("abs", _size_of(low[1])) + apply("sqrt", square)) / 2
    return apply("where", apply("lt", square, 0), apply("sqrt", low[0]), real)


def discriminant(loop: ClosedLoop) -> Ratio:
    """p^2 - 4 q of z^2 + p z + q."""
    q, p, _ = loop.coefficients
    return p * p - number(4) * q


def spread(loop: ClosedLoop) -> Expr:
    """The discriminant as it is read best, p^2 - 4 q."""
    q, p, _ = (loop.expr(c) for c in loop.coefficients)
    return _size_of(p) ** 2 - 4 * q


def _size_of(expr: Expr) -> Expr:
    """The expression without a minus in front."""
    return expr.args[0] if isinstance(expr, Apply) and expr.op == "neg" else expr


@lru_cache(maxsize=1)
def moduli() -> tuple[Step, ...]:
    """The moduli of the zeros of z^2 + p z + q, in real and in complex numbers."""
    p, q = Symbol("p"), Symbol("q")
    anything, square = Assumptions({}), p**2 - 4 * q
    larger, smaller = ((f(apply("abs", p), apply("sqrt", square))) / 2 for f in (Expr.__add__, Expr.__sub__))
    real = apply("ge", square, 0)
    return (
        equal(Symbol("|z|**2"), (p / 2) ** 2 + (4 * q - p**2) / 4, q, given=anything,
              why="complex zeros (-p ± i sqrt(4 q - p^2))/2 of z^2 + p z + q have modulus sqrt(q)"),
        holds(apply("eq", larger**2 - apply("abs", p) * larger + q, 0), when=(real,), given=anything,
              why="real zeros: (|p| + sqrt(p^2 - 4 q))/2, with the sign of -p, is one"),
        holds(apply("le", apply("abs", smaller), larger), when=(real,), given=anything,
              why="and the other, (|p| - sqrt(p^2 - 4 q))/2 with that sign, is no larger"),
    )  # fmt: skip


def critical_damping(loop: ClosedLoop) -> tuple[Expr, ...]:
    """Step size times curvature where the discriminant vanishes, proved; between two such the zeros are complex."""
    if loop.degree != 2 or loop.step_size is None:
        return ()
    found: list[Expr] = []
    for part, _ in factors(discriminant(loop).num)[1]:
        parts = by_powers(part, loop.index(loop.curvature.name))
        if max(parts) in (1, 2):
            low = [ratio(parts[k], parts[max(parts)]) if k in parts else number(0) for k in range(max(parts))]
            found += [readable(loop.scale * value, loop.moving) for value in _zeros(loop, low)]
    shown = [value for value in found if damping_step(loop, value).verdict]
    return tuple(sorted(shown, key=lambda value: _size(loop, value)))


def _size(loop: ClosedLoop, value: Expr) -> float:
    """The value at the defaults, for an order in which to show them."""
    [at] = enclosed([value], loop.example)
    return float(at) if isinstance(at, Fraction | arb) else inf


def _zeros(loop: ClosedLoop, low: list[Ratio]) -> list[Expr]:
    """The zeros of h + c, or of h^2 + b h + c."""
    if len(low) == 1:
        return [loop.expr(-low[0])]
    c, b = low
    middle, root = loop.expr(-b / number(2)), apply("sqrt", loop.expr(b * b / number(4) - c))
    return [middle - root, middle + root]


def damping_step(loop: ClosedLoop, value: Expr) -> Step:
    """The discriminant vanishes where step size times curvature has this value."""
    [at] = substitute([spread(loop)], {loop.curvature.name: value / loop.scale})
    why = f"the zeros meet where {to_text(loop.scale * loop.curvature)} = {to_text(value)}: critical damping"
    return equal(None, at, Number(0), why=why, given=loop.moving)


def spectral_radius(rule: Rule, values: Mapping[str, Fraction]) -> arb:
    """A ball around the spectral radius on h theta^2 / 2, at these hyperparameters (else the defaults) and curvature.

    Raises UserError where the rule is no linear one, or a name has no value.
    """
    loop = closed_loop(rule)
    if loop is None:
        raise UserError("the rule is not linear with constant coefficients", where=rule.name, fix="try `frozen(rule)`")
    found = exact([loop.expr(c) for c in loop.coefficients], {**rule.defaults, **values})
    return largest_modulus([value for value in found if isinstance(value, Fraction)])


def largest_modulus(coefficients: Sequence[Fraction]) -> arb:
    """A ball around the largest modulus of a zero of the polynomial, coefficients lowest first."""
    poly = fmpq_poly([fmpq(c.numerator, c.denominator) for c in coefficients])
    return reduce(arb.max, (abs(zero) for zero, _ in poly.complex_roots()), arb(0))
