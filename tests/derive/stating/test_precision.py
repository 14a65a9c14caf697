"""Statements about numbers of few bits."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.errors import UserError
from derive.stating import any_number, decide, find, held, rounded, threshold

ADAM = find("adam")


def test_what_a_format_makes_of_a_number_can_be_decided() -> None:
    assert decide(rounded("float16", 1e-8) == 0)
    assert decide(rounded("bfloat16", 0.999) == 1)
    refuted = decide(rounded("float32", 1e-8) == 0)
    assert refuted.status == "refuted"
    assert "float32(1e-08) == 0 fails" in refuted.message


def test_thresholds_and_buffers_can_be_compared() -> None:
    assert decide(threshold("adam", "float16", "constant", "eps") == Fraction(1, 2**25))
    assert decide(held(ADAM.v, "bfloat16", 1000, arithmetic="float32") == 1)  # type: ignore[attr-defined]
    assert decide(held(ADAM.v, "float32", 1000) < 0.4)  # type: ignore[attr-defined]
    assert not decide(held(ADAM.v, "float32", 1000) == 1)  # type: ignore[attr-defined]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(UserError, match="x is no number"):
        rounded("float16", any_number("x"))
    with pytest.raises(UserError, match="is beyond float16"):
        rounded("float16", 1e6)
    with pytest.raises(UserError, match="no threshold of counter of m; there are"):
        threshold("adam", "float16", "counter", "m")
