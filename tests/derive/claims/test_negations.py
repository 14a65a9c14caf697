"""No entry of the ledger can be proved both ways: what contradicts a proved statement, or is a little off, is not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.claims import LEDGER, Claim
from derive.expr import Apply, Expr, apply
from derive.proving import Assumptions
from derive.proving.truth import truth
from derive.stating import Statement


def stated(claim: Claim) -> list[Statement]:
    """What was proved for the claim: its findings, and itself where it is not refuted or conditional."""
    thunks = [f.statement for f in claim.findings]
    if (claim.verdict == "proved") is not claim.denies and claim.verdict != "conditional":
        thunks.append(claim.statement)
    found = [thunk() for thunk in thunks]
    return [statement for statement in found if isinstance(statement, Statement)]


def shifted(condition: Expr) -> Expr | None:
    """The condition with an equality a little wrong, or a number that is not so near; None where it has neither."""
    if not isinstance(condition, Apply):
        return None
    a, b = condition.args[0], condition.args[-1]
    match condition.op:
        case "eq":
            return apply("eq", a, b + Fraction(1, 1000))
        case "lt" if isinstance(a, Apply) and a.op == "abs":
            return apply("lt", apply("abs", a.args[0] + 3 * b), b)
        case "and":
            left, right = shifted(a), shifted(b)
            return None if left is None and right is None else apply("and", left or a, right or b)
    return None


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_neither_the_opposite_nor_a_wrong_number_is_proved(claim: Claim) -> None:
    for statement in stated(claim):
        given, premises = Assumptions(statement.basis.domains), (*statement.premises, *statement.lemmas)
        wrong = shifted(statement.condition)
        for condition in (apply("not", statement.condition), *([] if wrong is None else [wrong])):
            assert truth(condition, given, premises).status != "proved", repr(condition)
