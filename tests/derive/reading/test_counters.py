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
        ("0", "n = k + 1\n    d = g / n\n    k = n", ["n = t", "d = g / n"]),
        ("0", "n = k + 1\n    n = 2 * n\n    d = g / n\n    k = n", ["n = k + 1", "n = 2 * n", "d = g / n", "k = n"]),
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


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("def f(theta, g, m=None):\n    t = 2 * g\n    if m is None: m = g\n    m = m + t\n    return theta - m, m",
         ["t_new = 2 * g", "m = where(t == 1, g, m)", "m = m + t_new", "theta = theta - m"]),
        ("def f(theta, g, k=0):\n    t = 2 * g\n    k += 1\n    return theta - t / k, k",
         ["t_new = 2 * g", "theta = theta - t_new / t"]),
        ("def f(theta, g, k=0, t=5):\n    k += 1\n    t += 1\n    return theta - g / (k * t), k, t",
         ["theta = theta - g / (t * (t + 5))"]),
        ("def f(theta, g, m=None, t=0):\n    if m is None: m = g\n    t += 1\n    m = m + g / t\n"
         "    return theta - m, m, t",
         ["m = where(t == 1, g, m)", "m = m + g / t", "theta = theta - m"]),
        ("def f(theta, gs):\n    t = 0\n    for g in gs:\n        t += 1\n"
         "        theta = theta - g / t\n    return theta",
         ["theta = theta - g / t"]),
        ("class f:\n    def __init__(self): self.t = 0\n    def step(self, theta, g):\n        self.t += 1\n"
         "        t = self.t\n        return theta - g / t",
         ["theta = theta - g / t"]),
    ],
)  # fmt: skip
def test_another_t_is_not_the_counter(text: str, read: list[str]) -> None:
    rule = read_text(text, "f")
    assert [str(a) for a in rule.body] == read
    assert rule.inputs == ("theta", "g", "t")


def test_a_counter_in_the_point_of_the_gradient() -> None:
    text = "def f(theta, v=0, k=0):\n    k += 1\n    v = v + grad(theta - v / k)\n    return theta - v, v, k"
    rule = read_text(text, "f")
    assert (str(rule.query), rule.state_names, rule.inputs) == ("theta - v / (t - 1 + 1)", ("v",), ("theta", "g", "t"))
