"""Hidden modes: which cancel, which states they live in, and whether they grow."""

from __future__ import annotations

import pytest

from derive.linear import hidden_modes, linear_system
from derive.linear.transfer import transfer
from derive.reading.read import read_text
from derive.rule import Rule
from tests.linear_zoo import EVERY


def modes(rule: Rule) -> list[str]:
    system = linear_system(rule)
    assert system is not None
    return [f"{mode}{', moved by gradients' if mode.driven else ''}" for mode in hidden_modes(system)]


@pytest.mark.parametrize("name", [name for name in EVERY if name != "with_growing_buffer"])
def test_papers_keep_nothing_they_do_not_use(name: str) -> None:
    assert modes(EVERY[name]) == []


def test_a_buffer_that_grows_unseen() -> None:
    assert modes(EVERY["with_growing_buffer"]) == ["e never shows: z - 2 = 0, grows, moved by gradients"]


HEAD = "def rule(theta, g, u=0, v=0, *, lr=nonnegative(0.1), beta=decay(0.9), k=real(2)):"
HIDDEN: dict[str, tuple[str, list[str]]] = {
    "dies out": (
        "u = beta * u + g; v = 0 * v; theta = theta - lr * g",
        ["v never shows: z = 0, dies out", "u never shows: z - beta = 0, dies out, moved by gradients"],
    ),
    "depends": (
        "u = k * u + g; v = -v; theta = theta - lr * g",
        [
            "u never shows: z - k = 0, dies out where -((k - 1) * (k + 1)) > 0, moved by gradients",
            "v never shows: z + 1 = 0, stays",
        ],
    ),
    "a pair": (
        "u, v = 3 * v, u + g; theta = theta - lr * g",
        ["u, v never shows: z**2 - 3 = 0, grows, moved by gradients"],
    ),
    "never moved, though it would show": (
        "u = 2 * u; v = beta * v + g; theta = theta - lr * v + u",
        ["u is never moved: z - 2 = 0, grows"],
    ),
    "only their sum shows": (
        "u = beta * u + g; v = beta * v + g; theta = theta - lr * (u + v)",
        ["u, v never shows: z - beta = 0, dies out"],
    ),
    "a constant added to what never shows": (
        "u = u + 0.5; v = 0.5 * v + u; theta = theta - lr * g",
        ["u, v never shows: z - 1 = 0, stays", "v never shows: z - 0.5 = 0, dies out"],
    ),
}


@pytest.mark.parametrize(("body", "expected"), HIDDEN.values(), ids=HIDDEN)
def test_hidden(body: str, expected: list[str]) -> None:
    lines = "".join(f"    {line}\n" for line in body.split("; "))
    assert modes(read_text(f"{HEAD}\n{lines}    return theta, u, v", "rule")) == expected


def test_transfer_functions() -> None:
    system = linear_system(EVERY["nesterov"])
    assert system is not None
    found = transfer(system)
    assert str(system.frame.expr(found.gradient[0][0])) == "-(lr * (beta * z + z - beta) / ((z - beta) * (z - 1)))"
    assert str(system.frame.expr(found.start[0][0])) == "z / (z - 1)"
