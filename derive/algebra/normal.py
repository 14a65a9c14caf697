"""A readable normal form: a proposal for how to write an expression, to be checked like any other."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import Quotient, TooLarge, constant_value, factors, ordering
from derive.expr import Expr, Number, apply

MAX_GENERIC_FACTS = 16


class NoNormalForm(Exception):
    """The expression has no value in the prover's language."""


def generic_case(expr: Expr, assumptions: Assumptions) -> tuple[Case, Quotient]:
    """The case that holds almost everywhere: nothing vanishes, and what may be positive is."""
    case = Case(assumptions)
    try:
        for _ in range(MAX_GENERIC_FACTS):
            try:
                return case, case.number(expr)
            except NeedSplit as need:
                case.assume(Fact(need.quantity, max(need.branches, key=lambda s: (1 in s, len(s)))))
    except (Stuck, TooLarge, RecursionError) as obstacle:
        raise NoNormalForm(str(obstacle)) from obstacle
    raise NoNormalForm("too many cases")


def tidy(expr: Expr, assumptions: Assumptions) -> Expr:
    """The expression as a product of factors over a product of factors, in the generic case."""
    case, value = generic_case(expr, assumptions)
    return factored(case, value)


def readable(expr: Expr, assumptions: Assumptions) -> Expr:
    """The expression in its normal form, or as it is where it has none."""
    try:
        return tidy(expr, assumptions)
    except NoNormalForm:
        return expr


def factored(case: Case, value: Quotient) -> Expr:
    """The value as factors over factors, its number in front."""
    (above_scale, above), (below_scale, below) = _product(case, value.num), _product(case, value.den)
    scale = above_scale / below_scale
    if scale == 0:
        return Number(0)
    top, bottom = _with_number(abs(scale.numerator), above), _with_number(scale.denominator, below)
    result = top if bottom is Number(1) else top / bottom
    return result if scale > 0 else -result


def _with_number(number: int, expr: Expr | None) -> Expr:
    if expr is None:
        return Number(number)
    return expr if number == 1 else number * expr


def _product(case: Case, poly: fmpq_mpoly) -> tuple[Fraction, Expr | None]:
    """A polynomial as a number times its factors: single quantities first, then sums."""
    exact = constant_value(poly)
    if exact is not None:
        return exact, None
    scale, parts = factors(poly)
    found: list[tuple[bool, int, object, Expr]] = []
    for part, exponent in parts:
        # Written so that it is positive where it can be: 1 - p rather than p - 1.
        if case.poly_signs(part) <= frozenset({-1, 0}):
            part, scale = -part, scale * (-1) ** exponent
        expr = case.expr(part)
        first = min(i for i, d in enumerate(part.degrees()) if d)
        # By the terms last: FLINT's order is not the same in every version.
        found.append((len(part) > 1, first, ordering(part), expr if exponent == 1 else apply("pow", expr, exponent)))
    ordered = [expr for *_, expr in sorted(found, key=lambda item: item[:3])]
    return scale, reduce(lambda a, b: a * b, ordered)
