"""Statements and what is decided of them: the words a user writes, and the answer in words."""

from __future__ import annotations

from typing import Any

import pytest

from derive.errors import UserError
from derive.stating import any_number, decide, find, k, limit, run, sqrt, t, weights
from derive.stating.quantities import Statement

ADAM: Any = find("adam")
EWMA: Any = find("ewma")
MOMENTUM: Any = find("momentum")
b1, b2 = ADAM.beta1, ADAM.beta2
x, y = any_number("x"), any_number("y")


def any_as(value: object) -> Any:
    """The value, of no type that is known."""
    return value


@pytest.mark.parametrize(
    "statement",
    [
        weights(EWMA.m) == (1 - EWMA.beta) * EWMA.beta**k,
        weights(EWMA.m).weight_sum == 1 - EWMA.beta**t,
        weights(EWMA.m).weight_sum.at(beta=0.9, t=1) == 0.1,
        limit(weights(EWMA.m).weight_sum) == 1,
        b1 * b2 <= 1,
        2 * x * y <= x**2 + y**2,
        sqrt(x**2) == abs(x),
        (x < y).where(x + 1 < y),
        (x < y).same_as(y - x > 0),
        b1 ** (t + 1) <= b1**t,
        run(EWMA, [1, 0, 0], beta=0.5).output[3] == 0.125,
        run("momentum", [1, 1], defaults=False, start=x).moved(2) == (1 + MOMENTUM.beta) * MOMENTUM.lr,
    ],
    ids=repr,
)
def test_proved(statement: Statement) -> None:
    verdict = decide(statement)
    assert verdict
    assert not decide(~statement)


@pytest.mark.parametrize(
    ("statement", "condition", "exact"),
    [
        (b1 == b2, "beta1 == beta2", True),
        ((b1 - b2) ** 2 <= 0, "beta1 == beta2", True),
        (b1 / (1 - b2) <= b2 / (1 - b2), "beta1 <= beta2", True),
        (b1 * b2 < b1, "beta1 > 0", True),
        ((1 - b1**t) / (1 - b2**t) == 1, "beta1 == beta2", False),
    ],
    ids=repr,
)
def test_conditional(statement: Statement, condition: str, exact: bool) -> None:
    verdict = decide(statement)
    assert verdict.status == "conditional"
    assert verdict.condition == {"any_of": [condition], "degenerate": [], "exact": exact}
    assert verdict.counterexample


def test_a_condition_may_be_suspected() -> None:
    verdict = decide(x * (1 - x) <= 0.2, x <= 0.25)
    assert verdict.status == "conditional"
    assert verdict.condition is not None
    assert not verdict.condition["exact"]  # it holds from x = 3/4 on too
    assert decide(x * (1 - x) <= 0.2, x <= 0.5).status == "refuted"  # no condition is taken on trust


def test_refuted_with_the_point_and_both_sides() -> None:
    assert decide(x**2 + 1 <= 2 * x - 1).message == "x**2 + 1 <= 2 * x - 1 fails where x = 1: the sides are 2 and 1"
    moved = run(ADAM, [18, 19], beta1=0.9, beta2=0.95, eps=0, lr=1).moved(2)
    assert decide(abs(moved) <= 1).status == "refuted"
    assert decide(abs(moved) <= 1.000365)


def test_a_long_run_is_compared_in_ball_arithmetic() -> None:
    path = run(ADAM, gradient=lambda theta: theta, steps=200, start=1, lr=0.01).theta
    assert decide(path[200] < 0.0156)
    assert decide(path[200] > 0.0156).status == "refuted"
    assert 0.0155 < float(path[200]) < 0.0156


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: decide(any_as(x)), "is no statement"),
        (lambda: decide(any_as(True)), "is no statement"),
        (lambda: weights(b1), "is no state of a rule"),
        (lambda: weights(any_as(find("adagrad_eps_inside")).s).at(zeta=1), "there is no 'zeta' in the formula"),
        (lambda: any_number("x", "odd"), "there is no domain 'odd'"),
        (lambda: float(x + 1), "x has no value"),
        (lambda: float(run(EWMA, [0]).output[1] / run(EWMA, [0]).output[1]), "undefined"),
        (lambda: run("momentum", [1], mu=1), "has no hyperparameter 'mu'"),
        (lambda: run("momentum", []), "a run of 0 steps"),
        (lambda: run(EWMA, [1]).output[2], "there is no step 2"),
        (lambda: limit(x * t), "no limit"),
        (lambda: x + any_as("1"), "is no formula"),
    ],
)
def test_mistakes_have_one_line(wrong: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_neither_true_nor_false_by_themselves() -> None:
    for wrong in (lambda: bool(x), lambda: bool(x < y), lambda: x < y < 3):
        with pytest.raises(TypeError, match="decide"):
            wrong()


def test_unknown_names_of_a_rule() -> None:
    with pytest.raises(AttributeError, match="it has lr, beta1, beta2, eps, m, v"):
        _ = ADAM.momentum
