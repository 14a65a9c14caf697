"""What each operation means in a case: exact arithmetic on fractions, branches taken by certain signs.

A rule sees the values of its arguments, all of them defined. It answers with a value, with
`Undefined`, or asks for cases where a sign decides and is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, TypeAlias

from flint import fmpq_mpoly

from derive.algebra.facts import Stuck
from derive.algebra.polynomials import (
    ONE,
    Quotient,
    as_fraction,
    constant_value,
    factors,
    generator,
    power,
    product,
    quotient,
    rational,
)
from derive.algebra.roots import propose_root
from derive.algebra.signs import NEGATIVE_SIGN, POSITIVE_SIGN, ZERO_SIGN, Signs
from derive.expr import Apply, Expr, Symbol, apply
from derive.ops import Undefined
from derive.rule import REAL

if TYPE_CHECKING:
    from derive.algebra.case import Case

Value: TypeAlias = Quotient | bool | Undefined


def _sqrt(case: Case, node: Apply, x: Quotient) -> Value:
    possible = case.signs(x)
    if possible == NEGATIVE_SIGN:
        return Undefined("square root of a negative number")
    if possible == ZERO_SIGN:
        return rational(0)
    if -1 in possible:
        case.split_signs(x)
    root = propose_root(case, x)
    if not case.vanishes(case.sub(case.mul(root, root), x)):
        raise Stuck("a square root that does not square to its radicand")
    if -1 in case.signs(root):
        raise Stuck("a square root of uncertain sign")
    return root


def _power(case: Case, node: Apply, base: Quotient, exponent: Quotient) -> Value:
    exact = exponent.constant()
    if exact is not None and exact.denominator == 1:
        whole = int(exact)
        return case.power(base, whole) if whole >= 0 else case.div(rational(1), case.power(base, -whole))
    if exact is not None and exact.denominator == 2:
        return case.value(apply("pow", apply("sqrt", node.args[0]), exact * 2))
    if case.decide(base, lambda s: s == ZERO_SIGN if s in (POSITIVE_SIGN, NEGATIVE_SIGN, ZERO_SIGN) else None):
        if case.decide(exponent, _is_positive):
            return rational(0)
        below = case.decide(exponent, lambda s: True if s == NEGATIVE_SIGN else False if s == ZERO_SIGN else None)
        return Undefined("division by zero") if below else rational(1)
    if case.signs(base) != POSITIVE_SIGN:
        raise Stuck("a power of a negative number with a variable exponent")
    return _positive_power(case, base, exponent)


def _positive_power(case: Case, base: Quotient, exponent: Quotient) -> Value:
    """base^e with e linear in whole symbols: a product of powers of the base's factors; else a quantity of its own."""
    if base.constant() == 1:
        return rational(1)
    try:
        slopes, shift = _linear_in_whole_symbols(case, exponent)
    except Stuck:
        return case._function("pow", (base, exponent))
    result = case.power(base, shift) if shift >= 0 else case.div(rational(1), case.power(base, -shift))
    if not isinstance(result, Quotient):
        raise Stuck("a case that cannot occur: its base is zero and positive")
    bases = [(p, e) for poly, side in ((base.num, 1), (base.den, -1)) for p, e in _positive_factors(case, poly, side)]
    for part, outer in bases:
        for symbol, slope in slopes:
            made = case._power_generator(part, symbol, slope.denominator)
            times = outer * slope.numerator
            raised = power(made, abs(times))
            result = case.mul(result, Quotient(raised, ONE) if times > 0 else Quotient(ONE, raised))
    return result


def _positive_factors(case: Case, poly: fmpq_mpoly, side: int) -> list[tuple[fmpq_mpoly, int]]:
    """The polynomial as a product of powers of certainly positive ones; itself where a factor is not."""
    scale, parts = factors(poly)
    certain = scale > 0 and all(case.poly_signs(p) == POSITIVE_SIGN for p, _ in parts)
    found = [(p, side * e) for p, e in parts] if certain else [(poly, side)]
    number = rational(scale).num
    return [(number, side), *found] if certain and scale != 1 else found


def _linear_in_whole_symbols(case: Case, exponent: Quotient) -> tuple[list[tuple[str, Fraction]], int]:
    scale = constant_value(exponent.den)
    if scale is None or exponent.num.total_degree() > 1:
        raise Stuck("an exponent that is not linear in a whole number")
    slopes: list[tuple[str, Fraction]] = []
    shift = Fraction(0)
    for monomial, coefficient in exponent.num.to_dict().items():
        value = as_fraction(coefficient) / scale
        index = next((i for i, e in enumerate(monomial) if e), None)
        if index is None:
            shift = value
            continue
        meaning = case.generators[index].meaning
        if not isinstance(meaning, Symbol) or not case.domains.get(meaning.name, REAL).whole:
            raise Stuck("an exponent that is not a whole number")
        slopes.append((meaning.name, value))
    if shift.denominator != 1:
        raise Stuck("an exponent with a fractional shift")
    return slopes, int(shift)


def _exp(case: Case, node: Apply, x: Quotient) -> Value:
    """exp(e log b + ...) is b^e ...; what holds no logarithm stays a function of its own."""
    if x.is_zero():
        return rational(1)
    logs = [i for i in case._used(x.num) if _is_log(case.generators[i].meaning)]
    if any(x.num.degrees()[i] > 1 for i in logs):
        return case._function("exp", (x,))
    result, rest = rational(1), x.num
    for index in logs:
        slope = x.num.derivative(index)
        rest = rest - product(slope, generator(index))
        meaning = case.generators[index].meaning
        assert isinstance(meaning, Apply)
        try:
            factor = _positive_power(case, case.number(meaning.args[0]), quotient(slope, x.den))
        except Stuck:
            return case._function("exp", (x,))
        assert isinstance(factor, Quotient)
        result = case.mul(result, factor)
    left = quotient(rest, x.den)
    return result if left.is_zero() else case.mul(result, case._function("exp", (left,)))


def _is_log(meaning: Expr) -> bool:
    return isinstance(meaning, Apply) and meaning.op == "log"


def _log(case: Case, node: Apply, x: Quotient) -> Value:
    if not case.decide(x, _is_positive):
        return Undefined("logarithm of a number that is not positive")
    return rational(0) if x.constant() == 1 else case._function("log", (x,))


def _is_positive(s: Signs) -> bool | None:
    return True if s == POSITIVE_SIGN else False if 1 not in s else None


def _is_nonnegative(s: Signs) -> bool | None:
    return True if -1 not in s else False if s == NEGATIVE_SIGN else None


def _is_zero(s: Signs) -> bool | None:
    return True if s == ZERO_SIGN else False if 0 not in s else None


def _comparison(question: Callable[[Signs], bool | None], answer: bool) -> Callable[..., Value]:
    """a ? b holds where the question about the sign of a - b has this answer."""

    def rule(case: Case, node: Apply, a: Quotient, b: Quotient) -> Value:
        return case.decide(case.sub(a, b), question) is answer

    return rule


def _absolute(case: Case, node: Apply, x: Quotient) -> Value:
    return x if case.decide(x, _is_nonnegative) else Quotient(-x.num, x.den)


def _sign(case: Case, node: Apply, x: Quotient) -> Value:
    if case.decide(x, _is_zero_or_certain):
        return rational(0)
    return rational(1 if case.decide(x, _is_positive) else -1)


def _is_zero_or_certain(s: Signs) -> bool | None:
    return None if len(s) > 1 else s == ZERO_SIGN


def _norm(case: Case, node: Apply, x: Quotient) -> Value:
    return case.norm(node)


def _floor(case: Case, node: Apply, x: Quotient) -> Value:
    """The number itself where it is one; a quantity without algebra where it is not known."""
    known = x.constant()
    return rational(floor(known)) if known is not None else case._function("floor", (x,))


def _opaque(op: str) -> Callable[..., Value]:
    def rule(case: Case, node: Apply, x: Quotient) -> Value:
        return AT_ZERO[op] if x.is_zero() else case._function(op, (x,))

    return rule


AT_ZERO = {"tanh": rational(0), "cbrt": rational(0), "sin": rational(0), "cos": rational(1)}

RULES: dict[str, Callable[..., Value]] = {
    "add": lambda case, node, a, b: case.add(a, b),
    "sub": lambda case, node, a, b: case.sub(a, b),
    "mul": lambda case, node, a, b: case.mul(a, b),
    "div": lambda case, node, a, b: case.div(a, b),
    "neg": lambda case, node, a: Quotient(-a.num, a.den),
    "pow": _power,
    "sqrt": _sqrt,
    "abs": _absolute,
    "sign": _sign,
    "min": lambda case, node, a, b: b if case.decide(case.sub(a, b), _is_nonnegative) else a,
    "max": lambda case, node, a, b: a if case.decide(case.sub(a, b), _is_nonnegative) else b,
    "lt": _comparison(_is_nonnegative, False),
    "le": _comparison(_is_positive, False),
    "gt": _comparison(_is_positive, True),
    "ge": _comparison(_is_nonnegative, True),
    "eq": _comparison(_is_zero, True),
    "ne": _comparison(_is_zero, False),
    "not": lambda case, node, a: not a,
    "exp": _exp,
    "log": _log,
    "norm": _norm,
    "global_norm": _norm,
    "floor": _floor,
    **{op: _opaque(op) for op in AT_ZERO},
}
