"""Arrays under two names: what is refused, and what only looks like it."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from derive.errors import UserError
from derive.reading.read import read_text

REFUSED = {  # a step of theta, g and m, and the name that would change unseen
    "w = m\nm += g\nm = m + w": "w",
    "w = m\nm *= 0.9\nm = m + w": "w",
    "w = m\nw += g\nm = m + w": "m",
    "w = m[:]\nw += g": "m",
    "w = np.asarray(m)\nw += g": "m",
    "w = m.detach()\nw += g": "m",
    "w = m if g > 0 else g\nw += 1": "m",
    "w = max(m, g)\nw += 1": "m",
    "w, u = m, g\nw += 1": "m",
    "w = u = m + g\nw += 1\nm = u": "u",
    "w = m\nm[:] = g\nm = m + w": "w",
    "w = m\nm[...] = g\nm = m + w": "w",
    "if g > 0:\n    w = m\nelse:\n    w = g\nm -= 1\nm = m + w": "w",
    "w = np.zeros_like(theta)\nu = w\nu += g\nm = w": "w",
    "w = np.zeros_like(theta) * lr\nu = w\nu += g\nm = w": "w",
}
READ = {  # a step, and what is read for its last line but two
    "w = m\nm = m + g\nm = m + w": "m = m + w",
    "w = m.copy()\nm += g": "m = m + g",
    "w = torch.clone(m)\nm += g": "m = m + g",
    "w = m + 0\nm += g": "m = m + g",
    "w = m\nw = w + 1\nm *= 2": "m = m * 2",
    "b = lr\nb *= 2\nm = m + b": "m = m + b",
    "m[:] = m + g": "m = m + g",
    "m += g\nm *= lr": "m = m * lr",
    "w = m\nu = w\nm *= lr": "m = m * lr",  # w and u have changed, and nobody looks
}


def step(lines: str) -> str:
    return dedent("""
        def f(theta, g, m=0, *, lr=0.1):
        {}
            m = m + 1
            theta = theta - m
            return theta, m
    """).format(indent(lines, "    "))


@pytest.mark.parametrize("lines", REFUSED)
def test_refused(lines: str) -> None:
    with pytest.raises(UserError, match=f"may change '{REFUSED[lines]}', another name of the same array"):
        read_text(step(lines), "f")


@pytest.mark.parametrize("lines", READ)
def test_read(lines: str) -> None:
    assert str(read_text(step(lines), "f").body[-3]) == READ[lines]


@pytest.mark.parametrize(
    "text",
    [
        "def f(theta, g, prev=None):\n    if prev is None: prev = theta\n    theta -= g + prev\n    prev = prev + 1\n"
        "    return theta, prev",
        "def f(theta, g, prev=0):\n    d = theta - prev\n    theta -= g + d\n    prev = theta\n    return theta, prev",
        "def f(theta, g, a=0, b=0):\n    a += g\n    b += 2 * g\n    c = a + b\n    theta = theta - c\n"
        "    return theta, c, c",
        "def f(theta, grads):\n    prev = theta\n    for g in grads:\n"
        "        theta -= g + prev\n        prev = prev + 1\n"
        "    return theta",
        "class f:\n    def __init__(self, start):\n        self.theta = start\n        self.prev = start\n"
        "    def step(self, g):\n        self.theta -= g + self.prev\n        self.prev = self.prev + 1\n",
    ],
)
def test_what_is_shared_before_the_step_or_from_the_last_one(text: str) -> None:
    with pytest.raises(UserError, match="another name of the same array"):
        read_text(text, "f")
