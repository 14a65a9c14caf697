"""Claims and findings with a number, a sign or an inequality turned are never proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from derive.claims.accumulated import AMSGRAD_AS_PRINTED, denominator
from derive.claims.bounds import NESTEROV_BY_RUDER, longest
from derive.claims.decay import SCHEDULED, share
from derive.claims.special import adadelta_at_rest, adam_like_adagrad
from derive.claims.words import written
from derive.proving import Verdict
from derive.stating import (
    any_number,
    constant_step,
    decayed_range,
    decide,
    decoupled_decay,
    effective_lr,
    find,
    first_step,
    invariant,
    large_constant,
    limit,
    lone_gradient,
    never_increases,
    rate_at_least,
    rate_ratio,
    run,
    sqrt,
    step_bound,
    step_within,
    travel,
)
from derive.stating.quantities import Statement

ADAM: Any = find("adam")
ADAMAX: Any = find("adamax")
ADAMW: Any = find("adamw")
RMSPROP: Any = find("rmsprop")
b1, b2 = ADAM.beta1, ADAM.beta2
lr, a, c, n = (
    any_number("lr", "nonnegative"),
    any_number("a", "positive"),
    any_number("c", "nonnegative"),
    any_number("n", "whole"),
)
WEAKER = AMSGRAD_AS_PRINTED.replace("maximum(v_max, v)", "maximum(0.99 * v_max, v)")

WRONG: dict[str, Callable[[], Statement | Verdict]] = {
    "the lone step as the bound at the defaults": lambda: longest(beta1=0.9, beta2=0.999) <= 3.1623,
    "a bound in the other direction": lambda: step_bound("adam").limit < 1,
    "a bound just below": lambda: step_within("adam", 7.27, eps=0),
    "another power in the lone step": lambda: lone_gradient("adam") == lr * (1 - b1) / (1 - b2),
    "the reciprocal ratio": lambda: lone_gradient("adam").spike_ratio == b2 / sqrt(b1),
    "AdaMax without the quotient": lambda: step_bound("adamax").limit == 1 / (1 - ADAMAX.beta1),
    "AdaMax near another decay": lambda: limit(step_bound("adamax").limit, "beta2", to=0.99) == 1,
    "momentum without the root": lambda: step_bound("rmsprop_momentum").limit.at(mu=0.9, beta=0.99) == 99.5,
    "NAdam's first step doubled": lambda: first_step("nadam_constant").first_step_size == 2 * lr,
    "Ruder's first step by another formula": lambda: run(written(NESTEROV_BY_RUDER), [5], eps=0, lr=1).moved(1) == 1.47,
    "the first step with the wrong sign": lambda: first_step("adam") == -lr * any_number("g") / abs(any_number("g")),
    "Adagrad without the root of t": lambda: (
        adam_like_adagrad([1, 2, 3], 3)
        == run("adagrad", [1, 2, 3], lr=2 * any_number("eta", "positive"), eps=0).moved(3)
    ),
    "Adadelta at rest with another rate": lambda: limit(adadelta_at_rest()) == 1.01,
    "another limit of a large epsilon": lambda: large_constant("adam") == c * any_number("m[t]"),
    "the uncorrected step as a constant one": lambda: constant_step("rmsprop").scale_free_step == lr,
    "the other way round": lambda: rate_at_least("adagrad", "rmsprop"),
    "a ratio that is too large": lambda: rate_ratio("rmsprop", "adagrad") >= 1 / (1 - RMSPROP.beta),
    "the rate of a fading maximum": lambda: never_increases(written(WEAKER)),
    "an average's rate": lambda: never_increases("rmsprop"),
    "another denominator": lambda: denominator(2) >= 1,
    "more than can be covered": lambda: travel("adagrad").at(eps=0, t=n) >= 2 * lr * n,
    "a centred step that is smaller": lambda: effective_lr("rmsprop_centered") < effective_lr("rmsprop"),
    "scaling with epsilon left behind": lambda: invariant("adam", {"g": 1}),
    "epsilon scaled by the square": lambda: invariant("adam", {"g": 1, "eps": 2}),
    "a rotation": lambda: invariant("adagrad", "rotation"),
    "a decay without lr": lambda: decoupled_decay("adamw").decay_per_step == ADAMW.weight_decay,
    "a scheduled decay with lr": lambda: share(written(SCHEDULED)) == lr * any_number("eta", "nonnegative"),
    "a range that is too small": lambda: decayed_range("adamw").at(beta1=0.9, beta2=0.999, weight_decay=1) <= 7.27,
    "a half-life that is too short": lambda: decoupled_decay("adamw").half_life.at(lr=1e-3, weight_decay=1e-2) < 69_314,
}


@pytest.mark.parametrize("name", WRONG)
def test_is_not_proved(name: str) -> None:
    assert decide(WRONG[name]()).status != "proved"
