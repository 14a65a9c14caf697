"""The words for rates, first steps, lone gradients, and decay."""

from __future__ import annotations

from typing import Any

import pytest

from derive.errors import UserError
from derive.stating import (
    any_number,
    constant_step,
    decide,
    decoupled_decay,
    effective_rate,
    find,
    first_step,
    large_constant,
    lone_gradient,
    rate_at_least,
    rate_ratio,
    run,
    sqrt,
    t,
    travel,
)
from derive.stating.quantities import Statement

MOMENTUM: Any = find("momentum")
lr, eps, a, c = (any_number(name, "nonnegative") for name in ("lr", "eps", "a", "c"))
v = any_number("v[t]", "nonnegative")


@pytest.mark.parametrize(
    "statement",
    [
        (effective_rate("rmsprop") == lr / (sqrt(v) + eps)).where(eps > 0),
        first_step("adagrad").first_step_size == lr,
        lone_gradient("momentum").spike_memory == MOMENTUM.beta / (1 - MOMENTUM.beta),
        constant_step("adagrad").scale_free_step == lr / sqrt(t),
        (travel("adagrad") <= travel("adagrad").travel_at_most).where(eps > 0),
        large_constant("rmsprop") == c * any_number("g"),
        decoupled_decay("adamw") == 1 - decoupled_decay("adamw").decay_per_step,
        rate_ratio("adagrad", "adagrad") == 1,
    ],
    ids=repr,
)
def test_proved(statement: Statement) -> None:
    assert decide(statement)
    assert not decide(~statement)


def test_one_rate_against_another() -> None:
    assert rate_at_least("rmsprop", "adagrad")
    assert rate_at_least("adagrad", "rmsprop").status == "refuted"


def test_values_of_a_run_one_by_one() -> None:
    output = run("ewma", [1, 1, 1], beta=0.5).output
    assert [float(value) for value in output] == [0, 0.5, 0.75, 0.875]
    assert len(output) == 4
    with pytest.raises(UserError, match="there is no step 4"):
        output[4]


def test_what_is_not_derived() -> None:
    with pytest.raises(UserError, match="no answer to a lone gradient is derived for rmsprop"):
        lone_gradient("rmsprop")
    with pytest.raises(UserError, match="no ratio of its rate to that of momentum"):
        rate_ratio("adagrad", "momentum")
