"""Limits with powers beside their exponent: t q^t vanishes, and what grows has no limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from derive.proving import Assumptions
from derive.proving.checker import Checked, Rejected
from derive.proving.limits import limit
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, DECAY, UNIT

GIVEN = Assumptions({"b": DECAY, "a": DECAY, "u": UNIT, "t": COUNTER})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t * b**t", "0"),
        ("t**3 * b**t", "0"),
        ("t * b**t * a**t", "0"),
        ("b / (1 - b) - t * b**t / (1 - b**t)", "b / (1 - b)"),
        ("(1 - b) * (1 + b**t) / ((1 + b) * (1 - b**t))", "(1 - b) / (b + 1)"),
    ],
)
def test_a_power_vanishes_beside_its_exponent(text: str, expected: str) -> None:
    found = limit(read_expression(text, file="test"), "t", GIVEN)
    assert found is not None
    assert repr(found.claim.limit) == expected


@pytest.mark.parametrize("text", ["t", "t / (1 - b**t)", "t * u**t", "t * (1 + b)**t"])
def test_what_grows_has_no_limit(text: str) -> None:
    assert limit(read_expression(text, file="test"), "t", GIVEN) is None


def test_another_degree_or_value_is_rejected() -> None:
    found = limit(read_expression("t * b**t + b", file="test"), "t", GIVEN)
    assert found is not None
    for wrong in ({"degree": 0}, {"degree": -1}, {"limit": read_expression("2 * b", file="test")}):
        with pytest.raises(Rejected):
            Checked(replace(found.claim, **wrong, trees=found.verdict.evidence.certificate.trees))
