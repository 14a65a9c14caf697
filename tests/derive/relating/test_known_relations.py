"""What is the same and what is not, pair by pair: the verdict, its map, and the conditions, for a person to read."""

from __future__ import annotations

import pytest

from derive.expr import Number
from derive.proving import Verdict
from derive.relating import prove
from tests.derive.relating.forms import RULES

# "A.x = 0" after the pair sets a hyperparameter of the first rule beforehand.
RELATIONS = """
momentum, momentum_ema: proved hyperparameter_map; A.lr = B.lr * (1 - B.beta), A.v = B.lr * B.v
momentum, momentum_lr_outside: proved state_map; A.v = B.lr * B.v
momentum_ema, momentum_lr_outside: proved hyperparameter_map; B.lr = A.lr * (1 - A.beta), B.v = 1 / (1 - A.beta) * A.v
heavy_ball, momentum: proved state_map; B.v = -A.theta + A.previous
nesterov, nesterov_keras: proved state_map; B.theta = A.theta - A.beta * A.v, B.v = -A.v
nesterov, nesterov_torch: proved state_map; A.theta = B.theta + B.beta * B.lr * B.b, A.v = B.lr * B.b
nesterov_keras, nesterov_torch: proved state_map; A.v = -B.lr * B.b
nesterov, momentum: conditional; where beta = 0; degenerate lr = 0; exact; apart at step 1
gradient_descent, momentum: conditional; where beta = 0; degenerate lr = 0; exact; apart at step 2
adam, adam_eps_hat: conditional; where beta2 = 0 or eps = 0; degenerate lr = 0; exact; apart at step 1
adam, adamw: conditional; where weight_decay = 0; degenerate lr = 0; exact; apart at step 1
adam, adam_l2: conditional; where weight_decay = 0; apart at step 1
adam_l2, adamw: conditional; where weight_decay = 0; apart at step 1
descent_l2, descent_decoupled: proved identical
adam, rmsprop: conditional; B.beta = A.beta1; where beta1 = 0 and beta2 = 0; apart at step 1
adam, rmsprop, A.beta1 = 0: conditional; B.beta = A.beta2; where A.beta1 = 0 and beta2 = 0; \
degenerate A.beta1 = 0 and lr = 0; apart at step 1
adam, rmsprop_debiased, A.beta1 = 0: conditional hyperparameter_map; B.beta = A.beta2; where A.beta1 = 0; \
apart at step 2
ewma_debiased, debiased_by_decay: proved state_map; A.m = (1 - B.beta**(t - 1)) * B.m
ewma_debiased, ewma: conditional; where beta = 0; exact; apart at step 1
rmsprop_sum, rmsprop: proved hyperparameter_map; B.lr = A.lr * sqrt(1 - A.beta), B.eps = A.eps * sqrt(1 - A.beta), \
B.v = (1 - A.beta) * A.v
adagrad, adagrad_eps_inside: conditional; where eps = 0; degenerate lr = 0; exact; apart at step 1
adam, sign_descent: conditional; where beta1 = 0 and beta2 = 0 and eps = 0 and both sides are defined at every step; \
apart at step 1
adam, adam_stored_back: conditional; where beta1 = 0 and beta2 = 0; apart at step 2
adam, adam_from_zero: refuted; apart at step 1
adam, swapped: proved hyperparameter_map; B.beta1 = A.beta2, B.beta2 = A.beta1
gradient_descent, late_descent: conditional shift; where the gradients answered do not depend on where they are taken; \
apart at step 1
late_adam, adam: conditional shift; where the gradients answered do not depend on where they are taken; apart at step 1
late_ewma, ewma: proved shift
momentum, with_idle_buffer: proved identical
with_idle_buffer, momentum: proved identical
"""


@pytest.mark.parametrize("line", RELATIONS.strip().splitlines(), ids=lambda line: line.partition(":")[0])
def test_relation(line: str) -> None:
    pair, _, expected = line.partition(": ")
    a, b, *settings = (part.strip() for part in pair.split(","))
    values = (setting.split(" = ") for setting in settings)
    condition = {name.replace("A.", "a."): Number(value) for name, value in values}
    assert in_words(prove(RULES[a], RULES[b], condition=condition)) == expected


def in_words(verdict: Verdict) -> str:
    condition = verdict.condition or {"any_of": [], "degenerate": [], "exact": False}
    found = verdict.counterexample
    parts = (
        " ".join(filter(None, (verdict.status, verdict.relation))),
        ", ".join(f"{name} = {value}" for name, value in verdict.maps.items()),
        condition["any_of"] and "where " + " or ".join(condition["any_of"]),
        condition["degenerate"] and "degenerate " + ", ".join(condition["degenerate"]),
        "exact" if condition["exact"] else "",
        f"apart at step {found['step']}" if found else "",
    )
    return "; ".join(part for part in parts if part)


SCHEDULES = [
    ("momentum", "momentum_lr_outside", {"lr"}, ["lr constant", "beta = 0"]),
    ("momentum", "momentum_ema", {"lr"}, ["lr constant", "beta = 0"]),
    ("momentum", "heavy_ball", {"lr", "beta"}, None),
    ("adam", "adam_eps_hat", {"lr"}, ["beta2 = 0", "eps = 0"]),
]


@pytest.mark.parametrize(("a", "b", "scheduled", "any_of"), SCHEDULES)
def test_what_survives_a_schedule(a: str, b: str, scheduled: set[str], any_of: list[str] | None) -> None:
    verdict = prove(RULES[a], RULES[b], schedule=scheduled)
    assert verdict.status == ("proved" if any_of is None else "conditional"), verdict.message
    assert verdict.condition is None if any_of is None else (verdict.condition or {})["any_of"] == any_of


def test_a_counter_from_zero_divides_by_zero() -> None:
    found = prove(RULES["adam"], RULES["adam_from_zero"]).counterexample
    assert found is not None
    assert "division by zero" in str(found["actual"])


def test_swapped_names_are_a_warning() -> None:
    assert prove(RULES["adam"], RULES["swapped"]).warnings == ("B.beta1 is A.beta2", "B.beta2 is A.beta1")
