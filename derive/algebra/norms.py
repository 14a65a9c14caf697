"""What is the same at every coordinate of a tensor, or of all tensors: only then are two norms of it one quantity.

A case is about one coordinate. That g is zero there says nothing of norm(g), so the arguments of norms are compared
in a case that knows only what holds at every coordinate; what holds in all cases inside that one holds everywhere.
There also a factor is drawn out of a norm, |c| norm(x) for norm(c x), where c is one number for the whole tensor; out
of a norm over all tensors, where c is one number for all of them, which the norm of one is not. `norms` says which
norms are one number there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flint import fmpq_mpoly

from derive.algebra.case import Case
from derive.algebra.facts import Fact, NeedSplit, Stuck
from derive.algebra.polynomials import ONE, Quotient, constant, factors, power, product, quotient
from derive.algebra.work import OutOfWork, TooLarge
from derive.expr import Apply, Expr, Number, is_uniform

MOST_CASES = 60


def scaled(argument: Expr, everywhere: Case, known: Iterable[Expr], norms: frozenset[str]) -> tuple[Expr, Expr | None]:
    """The argument as one number for all coordinates times the rest: one of those known where it can be.

    The rest is None where the argument is zero at every coordinate. Raises NeedSplit for a case of what is one
    number, and Stuck where the argument is perhaps not defined somewhere.
    """
    try:
        value = everywhere.number(argument)
    except NeedSplit as need:
        if is_uniform(need.quantity, everywhere.uniform, norms):
            raise
        written, inside = _as_written(argument, everywhere.uniform, norms)
        return written, _alike(inside, everywhere, known)
    if everywhere.vanishes(value):
        return Number(0), None
    for each in known:
        factor = _factor(argument, value, each, everywhere, norms)
        if factor is not None:
            return factor, each
    (scale_above, above), (scale_below, below) = (
        _parted(value.num, everywhere, norms),
        _parted(value.den, everywhere, norms),
    )
    scale, rest = quotient(scale_above, scale_below), quotient(above, below)
    return _written(scale, everywhere), _written(rest, everywhere)


def _as_written(argument: Expr, uniform: frozenset[str], norms: frozenset[str]) -> tuple[Expr, Expr]:
    """The factors that are one number for the whole tensor, as they stand in the formula, and the rest of it."""
    scale: Expr = Number(1)
    while isinstance(argument, Apply) and argument.op in ("mul", "div"):
        left, right = argument.args
        if is_uniform(right, uniform, norms):
            scale, argument = Apply(argument.op, (scale, right)), left
        elif argument.op == "mul" and is_uniform(left, uniform, norms):
            scale, argument = scale * left, right
        else:
            break
    return scale, argument


def _factor(argument: Expr, value: Quotient, each: Expr, everywhere: Case, norms: frozenset[str]) -> Expr | None:
    """The one number by which the argument is a multiple of what is known; None where there is none."""
    try:
        other = everywhere.number(each)
    except NeedSplit:
        return Number(1) if _is_alike(argument, each, everywhere) else None
    except Stuck:
        return None
    if everywhere.vanishes(other):
        return None
    ratio = quotient(product(value.num, other.den), product(value.den, other.num))
    if not everywhere.is_uniform(ratio, norms) or 0 in everywhere.poly_signs(ratio.den):
        return None
    return _written(ratio, everywhere) if everywhere.equal(everywhere.mul(ratio, other), value) else None


def _parted(poly: fmpq_mpoly, everywhere: Case, norms: frozenset[str]) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """The polynomial as one number for the whole tensor times a rest."""
    number, parts = factors(poly)
    scale, rest = constant(number), ONE
    for part, exponent in parts:
        if everywhere.is_uniform(Quotient(part, ONE), norms):
            scale = product(scale, power(part, exponent))
        else:
            rest = product(rest, power(part, exponent))
    return scale, rest


def _written(value: Quotient, everywhere: Case) -> Expr:
    above = everywhere.expr(value.num)
    return above if value.den == ONE else above / everywhere.expr(value.den)


def _alike(argument: Expr, everywhere: Case, known: Iterable[Expr]) -> Expr:
    """What is known to be the same at every coordinate, or opposite at each; else the argument."""
    for each in known:
        if _is_alike(argument, each, everywhere):
            return each
    if not _defined(argument, everywhere):
        raise Stuck("the norm of a tensor that is perhaps not defined at every coordinate")
    return argument


def _is_alike(argument: Expr, each: Expr, everywhere: Case) -> bool:
    return any(_same(one, each, everywhere) for one in (argument, -argument))


def _same(a: Expr, b: Expr, everywhere: Case) -> bool:
    """Whether both are certainly defined and the same numbers, whatever the coordinate."""

    def holds(case: Case) -> bool:
        left, right = case.value(a), case.value(b)
        return isinstance(left, Quotient) and isinstance(right, Quotient) and case.equal(left, right)

    return _in_every_case(holds, everywhere)


def _defined(a: Expr, everywhere: Case) -> bool:
    """Whether it is certainly a number, whatever the coordinate."""
    return _in_every_case(lambda case: isinstance(case.value(a), Quotient), everywhere)


def _in_every_case(holds: Callable[[Case], bool], everywhere: Case) -> bool:
    try:
        return _from(holds, everywhere, [MOST_CASES])
    except OutOfWork:
        raise
    except (NeedSplit, Stuck, TooLarge, RecursionError):
        return False


def _from(holds: Callable[[Case], bool], case: Case, budget: list[int]) -> bool:
    budget[0] -= 1
    if budget[0] < 0:
        return False
    if case.is_impossible:
        return True
    try:
        return holds(case)
    except NeedSplit as need:
        asked = need
    return all(_from(holds, case.where(Fact(asked.quantity, signs)), budget) for signs in asked.branches)
