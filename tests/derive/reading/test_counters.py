"""Counters: a state that only counts is the step counter t, from wherever it starts and wherever it is read."""

from __future__ import annotations

import pytest

from derive.reading.read import read_text


@pytest.mark.parametrize(
    ("start", "lines", "read"),
    [
        ("0", "k += 1\n    d = g / k", ["d = g / t"]),
        ("0", "k = 1 + k\n    d = g / k", ["d = g / t"]),
        ("0", "d = g / (k + 1)\n    k = k + 1", ["d = g / (t - 1 + 1)"]),
        ("1", "d = g / k\n    k += 1", ["d = g / t"]),
        ("5", "k += 1\n    d = g / k", ["d = g / (t + 5)"]),
        ("0", "k += 2\n    d = g / k", ["k = k + 2", "d = g / k"]),
        ("0", "k += 1\n    k += 1\n    d = g / k", ["k = k + 1", "k = k + 1", "d = g / k"]),
        ("0.5", "k += 1\n    d = g / k", ["k = k + 1", "d = g / k"]),
        ("0", "k = k + 1 if g > 0 else k\n    d = g / k", ["k = where(g > 0, k + 1, k)", "d = g / k"]),
    ],
)
def test_counting(start: str, lines: str, read: list[str]) -> None:
    text = f"def f(theta, g, k={start}):\n    {lines}\n    theta = theta - d\n    return theta, k\n"
    rule = read_text(text, "f")
    assert [str(a) for a in rule.body] == [*read, "theta = theta - d"]
    assert ("t" in rule.inputs) != bool(rule.states)
