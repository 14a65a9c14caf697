"""The word for expectations: of a formula in independent random inputs, from their means and variances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.algebra.normal import readable
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, substitute, symbols, to_text
from derive.proving import Assumptions, Verdict, identity
from derive.stating.closing import closed
from derive.stating.quantities import Basis, Operand, Quantity, quantity


def expected(value: Quantity, inputs: Mapping[str, tuple[Operand, Operand]]) -> Quantity:
    """The expectation of a formula in independent random numbers, given as name: (mean, variance).

    The formula has to be of degree two at most in each of them: nothing else of their distributions matters then.
    Raises UserError for others.
    """
    given = quantity(value)
    result = given
    for name, (mean, variance) in inputs.items():
        for moment in map(quantity, (mean, variance)):
            if symbols(moment.expr) & inputs.keys():
                what = f"the mean or variance of {name!r} depends on it or on another input"
                raise UserError(what, fix="use other names there: inputs are independent")
        if isinstance(spread := quantity(variance).expr, Number) and spread.value < 0:
            raise UserError(f"the variance {to_text(spread)} of {name!r} is negative", fix="give one that can be")
        result = _over(result, name, quantity(mean), quantity(variance))
    return replace(result, short=Symbol(f"expected({given})"))


def _over(value: Quantity, name: str, mean: Quantity, variance: Quantity) -> Quantity:
    """Over one of them: a + b x + c x^2 has the expectation a + b mean + c (variance + mean^2)."""
    if name not in symbols(value.expr):
        raise UserError(f"there is no {name!r} in {value!r}", fix="name an input of the formula")
    constant, linear, square, verdict = _coefficients(value, name)
    second = variance.expr + mean.expr * mean.expr
    basis = closed(value.basis, name) + mean.basis + variance.basis + Basis({}, (), (verdict,))
    return Quantity(constant + linear * mean.expr + square * second, basis, {}, value.defaults)


def _coefficients(value: Quantity, name: str) -> tuple[Expr, Expr, Expr, Verdict]:
    """a, b and c from the values at 0, 1 and -1, with the proof that the formula is a + b x + c x^2 everywhere."""
    given, x = Assumptions(value.basis.domains), Symbol(name)
    at_zero, at_one, at_minus = (substitute([value.expr], {name: Number(at)})[0] for at in (0, 1, -1))
    zero = readable(at_zero, given)
    linear, square = readable((at_one - at_minus) / 2, given), readable((at_one + at_minus) / 2 - at_zero, given)
    verdict = identity(((value.expr, zero + linear * x + square * x * x),), given)
    if not verdict:
        raise UserError(f"{value!r} is not seen to be of degree two at most in {name}", fix="take a polynomial")
    return zero, linear, square, verdict
