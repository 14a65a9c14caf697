"""Conditions and maps a caller gives together: the run off the condition keeps to the map."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from derive.proving.verdict import Verdict
from derive.reading.read import read_text
from derive.relating import prove
from derive.relating.where import read_where
from tests.derive.relating.forms import RULES

TEXT = """
def scaled_average(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), c=nonnegative(0)):
    v = beta * v + (1 - beta) * g
    theta = theta - c * lr * v
    return theta, v
"""
RATE = "B.lr = A.lr * (1 - A.beta)"


def under(where: str, a: str, b: str) -> Verdict:
    one, other = (read_text(TEXT, n, "given.py") if n in TEXT else RULES[n] for n in (a, b))
    read = read_where([where], one, other)
    return prove(one, other, states=read.states, hyperparameters=read.hyperparameters, condition=read.condition)


def settings(verdict: Verdict) -> dict[str, Any]:
    assert verdict.counterexample is not None
    sides = verdict.counterexample["hyperparameters"]
    return {f"{side}.{n}": Fraction(v["exact"]) for side, each in sides.items() for n, v in each.items()}


@pytest.mark.parametrize("where", ["A.c = 1", f"{RATE}, A.c = 1", f"A.c = 1, beta = 1/3, {RATE}"])
def test_the_run_off_a_condition_keeps_to_the_map_and_fails_the_condition(where: str) -> None:
    found = under(where, "scaled_average", "momentum_lr_outside")
    assert (found.status, found.relation) == ("conditional", "hyperparameter_map")
    values = settings(found)
    assert values["b.lr"] == values["a.lr"] * (1 - values["a.beta"])
    assert values["a.beta"] == values["b.beta"]
    assert values["a.c"] != 1 or ("beta" in where and values["a.beta"] != Fraction(1, 3))


@pytest.mark.parametrize(("where", "warned"), [("lr = 0", True), ("eps = 0", False)])
def test_a_condition_under_which_gradients_play_no_part_is_warned_of(where: str, warned: bool) -> None:
    found = under(where, "adam", "adam_eps_hat")
    assert found.condition is not None
    assert found.condition["any_of"] == [where]
    assert ("no gradient plays a part there" in found.warnings) is warned
