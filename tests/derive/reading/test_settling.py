"""When scalars no longer change: the condition is found for what settles, and for nothing else."""

from __future__ import annotations

import math

import pytest

from derive.expr import Expr
from derive.reading.python.expressions import read_expression
from derive.reading.settling import settled_when
from derive.rule import Assignment


def found(text: str) -> Expr | bool:
    return settled_when([Assignment("scalar", read_expression(text, file="scalar"))], ["scalar"])


SETTLES = {
    "expm1(t * log1p(beta - 1))": "t * log1p(beta - 1) + 64 <= 0",
    "1 / -expm1(log(beta) * (t - 1))": "log(beta) * (t - 1) + 64 <= 0",
    "beta**t": "t * log(beta) + 800 <= 0",
    "1 - beta**(t + 1)": "(t + 1) * log(beta) + 800 <= 0",
    "where(t == 1, 1, beta)": "t > 1",
    "where(warm < t, beta, 1)": "t > warm",
}
MOVES = ["t", "1 / t", "beta * t", "beta**-t", "sqrt(t) * beta", "sin(t)", "where(t == 1, t, beta)", "t**beta",
         "expm1(t * t)", "expm1((t - 5) * beta)", "beta**(t - 2)", "where(t * beta < 1, 1, 2)", "exp(t * beta)",
         "expm1(1 / t)", "where(t == t, 1, 2)"]  # fmt: skip


@pytest.mark.parametrize("text", SETTLES)
def test_what_settles(text: str) -> None:
    assert found(text) is read_expression(SETTLES[text], file="condition")


@pytest.mark.parametrize("text", MOVES)
def test_what_may_move_for_ever(text: str) -> None:
    assert found(text) is False


def test_what_never_moves() -> None:
    assert found("1 - beta") is True


@pytest.mark.parametrize("beta", [1e-15, 0.1, 0.9, 0.999, 1 - 2.0**-20])
def test_scalars_are_the_same_from_there_on(beta: float) -> None:
    rate = math.log1p(beta - 1)
    t = max(1, math.ceil(-64 / rate))
    assert t * rate + 64 <= 0
    assert {math.expm1((t + k) * rate) for k in (0, 1, 2, 7, 1000, 10**6, 10**9)} == {-1.0}
    t = max(1, math.ceil(-800 / math.log(beta)))
    assert {beta ** float(t + k) for k in (0, 1, 10**6)} == {0.0}
