"""Hyperparameters that are whole numbers: a map must make them of whole numbers, and says no where it does not."""

from __future__ import annotations

import pytest

from derive.proving.obligations import _is_whole
from derive.reading.python.expressions import read_expression
from derive.rule import COUNTER, REAL


@pytest.mark.parametrize(
    ("text", "whole"),
    [("k", True), ("-(-k) / 1", True), ("2 * k + 3", True), ("k / 2", False), ("k / k", False), ("x", False),
     ("k + x", False), ("k ** 2", False), ("1 / 2", False), ("other", False)],
)  # fmt: skip
def test_what_is_certainly_whole(text: str, whole: bool) -> None:
    assert _is_whole(read_expression(text), {"k": COUNTER, "x": REAL}) is whole
