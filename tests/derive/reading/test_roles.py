"""Roles are the last stage: the same text is read under other names for the parameter and its gradient."""

from __future__ import annotations

from derive.reading.read import read_text
from derive.reading.roles import Roles

TEXT = """
def f(w, dw, step, before=None, *, lr=0.1):
    if before is None:
        before = w
    theta = lr * dw / step
    t = w - before
    before = w
    w = w - theta + t
    return w, before
"""


def test_other_names_become_those_of_the_rule_language() -> None:
    rule = read_text(TEXT, "f", roles=Roles(theta="w", g="dw", t="step"))
    assert (rule.inputs, rule.outputs) == (("theta", "g", "t"), ("theta",))
    assert [f"{s.name} = {s.initial}" for s in rule.states] == ["before = theta"]
    assert [str(a) for a in rule.body] == [
        "theta_new = lr * g / t",
        "t_new = theta - before",
        "before = theta",
        "theta = theta - theta_new + t_new",
    ]


def test_other_names_of_an_average() -> None:
    text = "def f(value, count, mean=0):\n    mean = mean + (value - mean) / count\n    return mean, mean\n"
    rule = read_text(text, "f", roles=Roles(x="value", t="count"))
    assert (rule.inputs, rule.outputs) == (("x", "t"), ("output",))
    assert [str(a) for a in rule.body] == ["mean = mean + (x - mean) / t", "output = mean"]
