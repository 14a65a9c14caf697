"""What is the same at every coordinate of a tensor: only then are two norms one quantity.

A case is about one coordinate. That g is zero there says nothing of norm(g), so the arguments of norms are compared
in cases of their own, which know the declared domains and nothing else: what holds in all of them holds everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import Quotient
from derive.algebra.work import OutOfWork, TooLarge
from derive.expr import Expr

MOST_CASES = 60


def same_everywhere(a: Expr, b: Expr, assumptions: Assumptions) -> bool:
    """Whether both are certainly defined and the same numbers, whatever the coordinate."""

    def holds(case: Case) -> bool:
        left, right = case.value(a), case.value(b)
        return isinstance(left, Quotient) and isinstance(right, Quotient) and case.equal(left, right)

    return _in_every_case(holds, assumptions)


def defined_everywhere(a: Expr, assumptions: Assumptions) -> bool:
    """Whether it is certainly a number, whatever the coordinate."""
    return _in_every_case(lambda case: isinstance(case.value(a), Quotient), assumptions)


def _in_every_case(holds: Callable[[Case], bool], assumptions: Assumptions) -> bool:
    try:
        return _from(holds, Case(assumptions), [MOST_CASES])
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
