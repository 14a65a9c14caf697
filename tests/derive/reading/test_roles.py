"""Roles are the last stage: the same text is read under other names for the parameter and its gradient."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.reading.read import read_text
from derive.reading.step.roles import Roles

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


def test_a_name_that_is_an_averages_in_the_rule_language() -> None:
    rule = read_text("def f(x, g, *, lr=0.1):\n    x = x - lr * g\n    return x\n", "f", roles=Roles(theta="x"))
    assert (rule.inputs, rule.outputs, [str(a) for a in rule.body]) == (
        ("theta", "g"),
        ("theta",),
        ["theta = theta - lr * g"],
    )


def test_a_state_called_like_what_another_name_becomes() -> None:
    text = "def f(w, dw, theta=0):\n    theta = theta + dw\n    return w - theta, theta\n"
    with pytest.raises(UserError, match="the state 'theta' has the name of the parameter"):
        read_text(text, "f", roles=Roles(theta="w", g="dw"))
