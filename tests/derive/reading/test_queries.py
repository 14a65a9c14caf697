"""Where a step takes its gradients: one question or several, each answer under a name of its own."""

from __future__ import annotations

import pytest

from derive.errors import UserError
from derive.reading.read import read_text
from derive.rule import Rule

HEAD = "def f(theta, v=0, *, lr=nonnegative(0.1), beta=decay(0.9)):\n"


def read(*lines: str) -> Rule:
    return read_text(HEAD + "".join(f"    {line}\n" for line in lines) + "    return theta, v", "f")


def shown(rule: Rule) -> list[str]:
    asked = [f"{name} = grad({point})" for name, point in rule.questions]
    return [*asked, *map(str, rule.body)]


def test_each_statement_is_a_question() -> None:
    rule = read("k1 = grad(theta)", "k2 = grad(theta - lr * k1)", "v = k1 + k2", "theta = theta - lr * v")
    assert shown(rule) == [
        "g = grad(theta)",
        "k2 = grad(theta - lr * g)",
        "v = g + k2",
        "theta = theta - lr * v",
    ]


def test_a_point_is_in_the_values_before_the_step() -> None:
    rule = read("v = beta * v", "g = grad(theta - v)", "theta = theta - lr * g", "h = grad(theta)", "v = v + h")
    assert [str(point) for _, point in rule.questions] == ["theta - beta * v", "theta - lr * g"]


def test_a_name_used_again_is_another_answer() -> None:
    rule = read("g = grad(theta)", "theta = theta - lr * g", "g = grad(theta)", "v = g", "theta = theta - lr * v")
    assert shown(rule) == [
        "g = grad(theta)",
        "g2 = grad(theta - lr * g)",
        "theta = theta - lr * g",
        "g = g2",
        "v = g",
        "theta = theta - lr * v",
    ]


def test_gradients_inside_expressions() -> None:
    rule = read("v = theta - lr * grad(theta)", "theta = theta - lr * grad(v)")
    assert [(name, str(point)) for name, point in rule.questions] == [("g", "theta"), ("g2", "theta - lr * g")]
    assert str(rule.step["theta"]) == "theta - lr * g2"


def test_names_that_are_taken() -> None:
    rule = read("g2 = 3", "a = grad(theta)", "v = g2 * a", "a = grad(theta - v)", "theta = theta - lr * a")
    assert [name for name, _ in rule.questions] == ["g", "g2_"]
    assert str(rule.step["theta"]) == "theta - lr * g2_"


REFUSED = {
    "two in one statement": (
        ["v = grad(theta) + grad(v)", "theta = theta - v"],
        "two gradients in one statement can't be read",
    ),
    "at a point that never moves": (
        ["g = grad(theta)", "h = grad(lr * beta)", "v = h", "theta = theta - g"],
        "the gradient is asked for at a point that never moves",
    ),
}


@pytest.mark.parametrize(("lines", "what"), REFUSED.values(), ids=REFUSED)
def test_refused(lines: list[str], what: str) -> None:
    with pytest.raises(UserError, match=what):
        read(*lines)


def test_the_argument_and_another_gradient() -> None:
    with pytest.raises(UserError, match="the gradient 'g' and another one can't be read; write g = grad"):
        read_text("def f(theta, g):\n    h = grad(theta - g)\n    theta = theta - g - h\n    return theta", "f")
