"""The staircase of a buffer without input."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.precision.staircase import staircase

ADAM = find_rule("adam")


def test_v_in_bfloat16_never_decays() -> None:
    stairs = staircase(ADAM, "v", "bfloat16", arithmetic="float32", steps=20_000)
    assert stairs.held[-1] == 1
    assert stairs.stuck_from == 0
    assert stairs.true[-1] == pytest.approx(2.04e-9, rel=1e-3)


def test_a_stair_that_moves_goes_down_and_stops_at_its_floor() -> None:
    stairs = staircase(ADAM, "m", "float16", start=1, steps=300)
    assert all(a >= b for a, b in zip(stairs.held, stairs.held[1:], strict=False))
    assert stairs.held[-1] == stairs.held[-2] > 0
    assert stairs.held[1] == stairs.model.storage.round(stairs.model.storage.round(ADAM.defaults["beta1"]))  # type: ignore[arg-type]
    assert stairs.stuck_from is not None


def test_what_is_no_buffer_has_no_stairs() -> None:
    with pytest.raises(UserError, match="'w' is no linear buffer"):
        staircase(ADAM, "w", "float16")


def test_a_buffer_that_becomes_no_number_has_no_stairs() -> None:
    with pytest.raises(UserError, match="buf is nan after step 1 in float16"):
        staircase(find_rule("rmsprop_momentum"), "buf", "float16", steps=3)
