"""Schedules between rules that call the scheduled hyperparameter differently, or that are a shift of one another."""

from __future__ import annotations

import pytest

from derive.proving.certificate import Correspondence
from derive.proving.checker import Checked, Rejected
from derive.reading.read import read_text
from derive.relating import prove
from derive.rule import Rule

TEXT = """
def inside(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v + lr * g
    theta = theta - v
    return theta, v

def outside(theta, g, v=0, *, alpha=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v + g
    theta = theta - alpha * v
    return theta, v

def descent(theta, g, *, lr=nonnegative(0.01)):
    theta = theta - lr * g
    return theta

def late(theta, g, m=0, *, lr=nonnegative(0.01)):
    theta = theta - lr * m
    m = g
    return theta, m

def twice(theta, *, lr=nonnegative(0.01)):
    g = grad(theta)
    h = grad(theta - lr * g)
    theta = theta - lr * g - lr * h
    return theta

def renamed(theta, g, v=0, *, alpha=nonnegative(0.01), mu=decay(0.9)):
    v = mu * v + g
    theta = theta - alpha * v
    return theta, v

def average(theta, g, v=0, *, rate=nonnegative(0.01), nu=decay(0.9)):
    v = nu * v + (1 - nu) * g
    theta = theta - rate * v
    return theta, v

def eps_outside(theta, g, v=0, *, alpha=nonnegative(0.01), beta=decay(0.9), eps=nonnegative(0)):
    v = beta * v + g**2
    theta = theta - alpha * g / (sqrt(v) + eps)
    return theta, v

def eps_inside(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), eps=nonnegative(0)):
    v = beta * v + g**2
    theta = theta - lr * g / sqrt(v + eps)
    return theta, v
"""


def rule(name: str) -> Rule:
    return read_text(TEXT, name, "schedules.py")


@pytest.mark.parametrize(("a", "b"), [("inside", "outside"), ("outside", "inside")])
@pytest.mark.parametrize("schedule", [["lr"], ["alpha"], ["lr", "alpha"]])
def test_what_changes_on_one_side_is_not_the_image_of_a_constant(a: str, b: str, schedule: list[str]) -> None:
    found = prove(rule(a), rule(b), schedule=schedule)
    assert found.status == "conditional"
    assert found.condition is not None
    assert found.condition["any_of"] == [f"{', '.join(sorted(schedule))} constant"]


def test_the_checker_refuses_a_constant_for_what_changes() -> None:
    evidence = prove(rule("outside"), rule("inside")).evidence.certificate
    assert isinstance(evidence, Correspondence)
    changing = "lr" if evidence.b.name == "inside" else "alpha"
    with pytest.raises(Rejected):
        Checked(
            Correspondence(evidence.a, evidence.b, evidence.states, evidence.hyperparameters, evidence.inverse,
                           evidence.invariants, evidence.trees, frozenset({changing}))
        )  # fmt: skip


def test_a_shift_is_not_said_of_a_schedule() -> None:
    found = prove(rule("descent"), rule("late"), schedule=["lr"])
    assert found.status == "unknown"
    assert "a step later" in found.message


@pytest.mark.parametrize("schedule", ["lr", "alpha", "beta"])
def test_conditions_are_proved_of_schedules_under_either_name(schedule: str) -> None:
    found = prove(rule("eps_outside"), rule("eps_inside"), schedule=[schedule])
    assert found.status == "conditional"
    assert found.condition is not None
    assert found.condition["any_of"] == ["eps = 0"]
    assert found.maps == {"B.lr": "A.alpha"}


def test_a_schedule_of_a_repeated_rule_changes_between_the_steps_of_the_other() -> None:
    found = prove(rule("twice"), rule("descent"), schedule=["lr"])
    assert (found.status, found.relation) == ("proved", "repetition")
    assert "lr the same in all the steps that make one" in found.assumptions
    assert prove(rule("twice"), rule("descent")).assumptions == ()


RUNS = [
    ("inside", "renamed", "lr", {"lr"}, {"alpha"}),
    ("inside", "renamed", "alpha", {"lr"}, {"alpha"}),
    ("renamed", "inside", "lr", {"alpha"}, {"lr"}),
    ("inside", "average", "beta", {"beta"}, {"nu", "rate"}),
    ("inside", "average", "rate", {"lr"}, {"rate"}),
]


@pytest.mark.parametrize(("a", "b", "schedule", "mine", "his"), RUNS)
def test_the_run_off_a_constant_changes_what_is_scheduled_and_its_image(
    a: str, b: str, schedule: str, mine: set[str], his: set[str]
) -> None:
    found = prove(rule(a), rule(b), schedule=[schedule])
    assert (found.status, found.relation) == ("conditional", "hyperparameter_map")
    assert found.counterexample is not None
    for side, names in (("a", mine), ("b", his)):
        steps = found.counterexample["schedule"][side]
        assert {n for n in steps[0] if len({step[n]["exact"] for step in steps}) > 1} == names


def test_a_schedule_may_change_the_image_too() -> None:
    found = prove(rule("renamed"), rule("average"), schedule=["alpha"])
    assert (found.status, found.maps["B.rate"]) == ("proved", "A.alpha / (1 - A.mu)")
    assert found.assumptions == ("rate changes with alpha",)
