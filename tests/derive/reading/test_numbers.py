"""What counts as a number: truth values where Python and NumPy agree, types that hold reals, nothing with an effect."""

from __future__ import annotations

from textwrap import dedent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text


def step(value: str) -> str:
    return f"import numpy as np\nimport torch\ndef f(theta, g, m=0):\n    m = {value}\n    return theta - m, m\n"


READ = {
    "np.array(g, dtype=float)": "m = g",
    "np.array(g, dtype=np.float64)": "m = g",
    "np.asarray(g, dtype='float32')": "m = g",
    "np.array(g, dtype=theta.dtype)": "m = g",
    "g + np.zeros_like(theta, dtype=None)": "m = g + 0",
    "g + torch.zeros(theta.size(), dtype=torch.float32, device=theta.device)": "m = g + 0",
    "g + np.ones(len(theta))": "m = g + 1",
    "2 * (g > 0)": "m = 2 * where(g > 0, 1, 0)",
    "g * (not g > 0)": "m = g * where(not g > 0, 1, 0)",
    "g * np.logical_not(g > 0)": "m = g * where(not g > 0, 1, 0)",
}


@pytest.mark.parametrize("value", READ)
def test_numbers(value: str) -> None:
    assert str(read_text(step(value), "f").body[0]) == READ[value]


TYPES = "use a floating type, or leave it out"
CONDITION = "write where(condition, 1, 0)"
FUNCTIONS = "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where"
REFUSED = {
    "np.array(g, dtype=int)": f"'dtype=int' may change the numbers; {TYPES}",
    "np.array(g, dtype=np.int64)": f"'dtype=np.int64' may change the numbers; {TYPES}",
    "np.array(g, dtype='i4')": f"'dtype='i4'' may change the numbers; {TYPES}",
    "np.array(g, dtype=bool)": f"'dtype=bool' may change the numbers; {TYPES}",
    "np.array(g, dtype=complex)": f"'dtype=complex' may change the numbers; {TYPES}",
    "np.array(g, dtype=other.dtype)": f"'dtype=other.dtype' may change the numbers; {TYPES}",
    "np.array(g, dtype=kind)": f"'dtype=kind' may change the numbers; {TYPES}",
    "~(g > 0) * g": "'~(g > 0)' is another number in Python than in NumPy; use not or np.logical_not",
    "~g": "'~g' is another number in Python than in NumPy; use not or np.logical_not",
    "(g > 0) + (g > 1)": f"'g > 0' and 'g > 1' are truth values where numbers are needed; {CONDITION}",
    "abs(g > 0) + g": f"'g > 0' is a truth value where a number is needed; {CONDITION}",
    "max(g > 0, g > 1)": f"'g > 0' is a truth value where a number is needed; {CONDITION}",
    "g > 0 if g > 1 else 0": f"'g > 0' is a truth value where a number is needed; {CONDITION}",
    "np.zeros_like((g := theta))": "':=' can't be read; assign the name in a line of its own",
    "np.array(g, device=(g := theta))": "':=' can't be read; assign the name in a line of its own",
    "np.zeros_like(theta.fill(3))": f"the function 'theta.fill' can't be read; {FUNCTIONS}",
    "np.zeros(halved(theta))": f"the function 'halved' can't be read; {FUNCTIONS}",
}


@pytest.mark.parametrize("value", REFUSED)
def test_what_may_be_another_number(value: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_text(step(value), "f", "user.py")
    assert str(refusal.value) == f"user.py:4: {REFUSED[value]}"


def test_a_truth_value_kept_from_init_counts_as_one_or_zero() -> None:
    text = """
        class f:
            def __init__(self, lr=0.1):
                up = lr > 0
                self.m, self.n = up, 2 * up
            def step(self, theta, g): return theta - self.m * g - self.n
    """
    rule = read_text(dedent(text), "f")
    assert str(rule.body[0]) == "theta = theta - where(lr > 0, 1, 0) * g - 2 * where(lr > 0, 1, 0)"


KEPT = {  # steps that keep a truth value, and what is said
    "a state": "def f(theta, g, m=0):\n    theta = theta - m * g\n    m = g > 0\n    return theta, m",
    "an attribute": "class f:\n    def __init__(self): self.m = 0\n    def step(self, theta, g):\n"
    "        theta = theta - self.m * g\n        self.m = g > 0\n        return theta",
    "a start": "def f(theta, g, m=None):\n    if m is None: m = g > 0\n    theta = theta - m * g\n    return theta, m",
    "a start by choice": "def f(theta, g, m=None):\n    m = g > 0 if m is None else m\n    return theta - m * g, m",
    "a branch": "def f(theta, g):\n    small = g > 0\n    if g > 1: small = g > 2\n    return theta - small * g",
    "both branches": "def f(theta, g):\n    if g > 1: m = g > 2\n    else: m = g > 3\n    return theta - m * g",
    "a loop": "def f(theta, gs):\n    m = 0\n    for g in gs:\n        theta = theta - m * g\n        m = g > 0\n"
    "    return theta",
    "before a loop": "def f(theta, gs, lr):\n    m = lr > 0\n    for g in gs:\n        theta = theta - m * g\n"
    "        m = g\n    return theta",
}


@pytest.mark.parametrize("case", KEPT)
def test_a_truth_value_that_is_kept(case: str) -> None:
    """It is read as 1 or 0, or refused; it is never taken for a number that it is not."""
    try:
        rule = read_text(KEPT[case], "f")
    except UserError:
        return
    assert all("where(g > 0, 1, 0)" in str(rule.step[s]) for s in rule.state_names)


def test_a_literal_is_the_shortest_decimal_of_its_double() -> None:
    rule = read_text("def f(theta, g):\n    return theta - 0.12345678901234567890123 * g", "f")
    assert str(rule.body[0]) == f"theta = theta - {0.12345678901234567890123!r} * g"


def test_reading_a_chain_of_sums_asks_for_one_gradient_once() -> None:
    text = f"def f(theta):\n    return theta - (grad(theta){' + 1' * 60})"
    assert read_text(text, "f").query is None
