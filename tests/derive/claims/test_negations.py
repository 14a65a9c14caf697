"""No entry of the ledger can be proved both ways: what contradicts a proved statement is not proved."""

from __future__ import annotations

import pytest

from derive.claims import LEDGER, Claim
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


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_the_opposite_is_not_proved(claim: Claim) -> None:
    for statement in stated(claim):
        opposite = ~statement
        verdict = truth(opposite.condition, Assumptions(opposite.basis.domains), opposite.premises)
        assert verdict.status != "proved", repr(opposite)
