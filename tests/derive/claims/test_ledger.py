"""The ledger: every claim comes out as recorded, and a wrong record is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.claims import LEDGER, Claim, Finding, decide_claim, find_claim
from derive.errors import UserError
from derive.stating import any_number

x = any_number("x")
SQUARES = Claim(
    "X1", "Squares are positive.", ("nowhere",), "x^2 > 0", lambda: x**2 > 0, "conditional", "Not that of 0."
)


@pytest.mark.parametrize("claim", LEDGER, ids=lambda claim: claim.id)
def test_as_recorded(claim: Claim) -> None:
    decided = decide_claim(claim)
    failing = [(f.words, v.message) for f, v in zip(claim.findings, decided.findings, strict=True) if not v]
    assert not failing
    assert decided.as_recorded, decided.verdict.message


def test_every_entry_says_where_it_is_from_and_why() -> None:
    assert len({claim.id for claim in LEDGER}) == len(LEDGER)
    for claim in LEDGER:
        assert claim.sources, claim.id
        assert claim.words.endswith("."), claim.id
        assert claim.because.endswith("."), claim.id


def test_a_wrong_record_is_noticed() -> None:
    assert not decide_claim(replace(SQUARES, verdict="proved")).as_recorded
    assert not decide_claim(replace(SQUARES, verdict="refuted")).as_recorded
    assert decide_claim(SQUARES).verdict.condition == {"any_of": ["x != 0"], "degenerate": [], "exact": True}
    wrong = replace(SQUARES, findings=(Finding("at 1 it is 2", lambda: x.at(x=1) ** 2 == 2),))
    assert not decide_claim(wrong).as_recorded


def test_a_claim_that_denies_is_refuted_by_a_proof() -> None:
    denial = replace(SQUARES, statement=lambda: x**2 >= 0, verdict="refuted", denies=True)
    assert decide_claim(denial).as_recorded
    assert decide_claim(denial).status == "refuted"
    assert decide_claim(replace(denial, statement=lambda: x**2 < 0)).status == "proved"


def test_an_unknown_claim() -> None:
    with pytest.raises(UserError, match="no claim 'C999'"):
        find_claim("C999")
    assert find_claim("c005").id == "C005"
