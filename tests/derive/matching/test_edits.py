"""Small edits of a formula: each is another formula, and the slips that people make are among them."""

from __future__ import annotations

import pytest

from derive.expr import Number, to_text
from derive.matching.mending.edits import Scope, edits
from derive.reading.python.expressions import read_expression

SCOPE = Scope(("m", "v", "t", "eps"), (Number(1), Number(2)), (read_expression("1 - b**t"),), frozenset({"eps", "b"}))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("m / (1 - b)", "m / (1 - b**t)"),
        ("sqrt(v + eps)", "sqrt(v) + eps"),
        ("sqrt(v) + eps", "sqrt(v + eps)"),
        ("w - lr * m / v + eps", "w - lr * m / (v + eps)"),
        ("b * m + 1 - b * g", "b * m + (1 - b) * g"),
        ("b * m + (1 - b) * g**2", "b * m + (1 - b) * g"),
        ("sqrt(m)", "sqrt(v)"),
        ("w + lr * m", "w - lr * m"),
        ("lr / sqrt(m)", "lr"),
        ("where(t == 1, g, b * g)", "b * g"),
        ("v", "v / (1 - b**t)"),
        ("1 - x", "x"),
        ("0", "m"),
    ],
)
def test_slips_are_one_edit_away(written: str, meant: str) -> None:
    assert read_expression(meant) in [edit.value for edit in edits(read_expression(written), SCOPE)]


@pytest.mark.parametrize("text", ["m", "b * m + (1 - b) * g", "where(g > 0, m, -m)", "max(abs(g), sqrt(v))"])
def test_an_edit_says_what_it_changes(text: str) -> None:
    value = read_expression(text)
    for edit in edits(value, SCOPE):
        assert edit.value is not value
        assert edit.reads is not edit.has
        assert to_text(edit.reads) in text or len(to_text(edit.reads)) <= len(text)


def test_other_kinds_of_names_are_less_likely_confused() -> None:
    costs = {to_text(edit.has): edit.cost for edit in edits(read_expression("m"), SCOPE)}
    assert costs["v"] < costs["eps"]


@pytest.mark.parametrize(("text", "silly"), [("m", "m - m"), ("m", "m / m"), ("0", "0 + m"), ("1", "1 * m")])
def test_nobody_meant_what_is_nothing(text: str, silly: str) -> None:
    assert silly not in {to_text(edit.has) for edit in edits(read_expression(text), SCOPE)}
