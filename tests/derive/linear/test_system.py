"""Rules as linear systems: matrices as text, and rules that are none."""

from __future__ import annotations

import pytest

from derive.library import LIBRARY
from derive.linear import linear_system
from derive.linear.matrices import Matrix
from derive.linear.system import LinearSystem
from derive.reading.read import read_text
from tests.linear_zoo import EVERY


def read(text: str) -> LinearSystem | None:
    return linear_system(read_text(text, "rule"))


def shown(system: LinearSystem, table: Matrix) -> str:
    return "; ".join(" ".join(str(system.frame.expr(entry)).replace(" ", "") for entry in row) for row in table)


def test_momentum() -> None:
    system = linear_system(EVERY["momentum_ema"])
    assert system is not None
    assert system.states == ("theta", "v")
    assert shown(system, system.transition) == "1 -(lr*beta); 0 beta"
    assert shown(system, system.input) == "-(lr*(1-beta)); 1-beta"
    assert shown(system, system.output) == "1 0"
    assert shown(system, system.start) == "1 0; 0 0"


def test_a_point_of_its_own_is_the_output() -> None:
    system = linear_system(EVERY["triple"])
    assert system is not None
    assert shown(system, system.output) == "gamma+1 -gamma"
    assert shown(system, system.start) == "1 0; 1 0"


def test_an_average_shows_its_input_at_once() -> None:
    system = linear_system(EVERY["ewma"])
    assert system is not None
    assert shown(system, system.feedthrough) == "1-beta"


def test_constants_are_carried_by_a_state_that_is_always_one() -> None:
    system = read(
        "def rule(theta, g, v=3, *, lr=0.1):\n    v = v + g\n    theta = theta - lr * v + 2\n    return theta, v"
    )
    assert system is not None
    assert system.states == ("theta", "v", "1")
    assert shown(system, system.transition) == "1 -lr 2; 0 1 0; 0 0 1"
    assert shown(system, system.start) == "1 0; 0 3; 0 1"


def test_what_cancels_does_not_count() -> None:
    more = "(g + 1)**2 - g**2 - 2 * g - 1"
    system = read(f"def rule(theta, g, t, *, lr=0.1):\n    theta = theta - lr * g * t / t + {more}\n    return theta")
    assert system is not None
    assert shown(system, system.input) == "-lr"


def test_a_divisor_is_named() -> None:
    system = read("def rule(theta, g, *, lr=nonnegative(0.1)):\n    theta = theta - g / lr\n    return theta")
    assert system is not None
    assert [str(divisor) for divisor in system.divisors] == ["lr"]


NOT_LINEAR = {
    "varies in time": "theta = theta - lr * g / t",
    "a first step of its own": "theta = theta - (g if t == 1 else lr * g)",
    "a product": "theta = theta - lr * g * theta",
    "a sign": "theta = theta - lr * sign(g)",
    "divides by a state": "theta = theta - lr * g * theta / theta",
    "a branch of a hyperparameter": "theta = theta - (lr * g if lr > 0 else 2 * g)",
    "an irrational coefficient": "theta = theta - sqrt(lr) * g",
}


@pytest.mark.parametrize("line", NOT_LINEAR.values(), ids=NOT_LINEAR)
def test_not_linear_or_not_constant_in_time(line: str) -> None:
    head = "def rule(theta, g, t, *, lr=nonnegative(0.1)):"
    assert read(f"{head}\n    {line}\n    return theta") is None


def test_of_the_library_those_that_look_linear_are() -> None:
    linear = [rule.name for rule in LIBRARY if linear_system(rule) is not None]
    momenta = ["momentum", "momentum_ema", "momentum_lr_outside", "nesterov", "nesterov_torch", "qhm"]
    assert linear == ["ewma", "gradient_descent", *momenta]
