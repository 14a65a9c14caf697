"""Claims about the size of a step at given hyperparameters: decided, with gradients that anyone can try."""

from __future__ import annotations

from fractions import Fraction as F
from math import inf

import pytest

from derive.deriving.bounds import bound_at, bound_map, exceeding, step_within
from derive.errors import UserError
from derive.evaluate import ball, trajectory
from derive.library import LIBRARY
from derive.rule import Rule

RULES = {rule.name: rule for rule in LIBRARY}


def test_a_step_of_adam_can_be_larger_than_the_learning_rate() -> None:
    """Two gradients do, at ordinary decays; the paper's second bound is false."""
    at = {"beta1": F(9, 10), "beta2": F(95, 100)}
    found = exceeding(RULES["adam"], F(1), at)
    assert found is not None
    assert found.verdict.status == "refuted"
    assert len(found.gradients) == 2
    assert all(g.denominator == 1 and g < 100 for g in found.gradients)
    steps = trajectory(RULES["adam"], at, F(0), found.gradients, arithmetic=ball)
    assert abs(steps[1]["theta"] - steps[0]["theta"]) > 1.0003e-3


def test_and_larger_than_the_first_bound_of_the_paper() -> None:
    found = exceeding(RULES["adam"], F(317, 100))
    assert found is not None
    assert found.verdict.status == "refuted"
    assert float(found.ratio) > 3.17  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "factor", "values", "status"),
    [
        (RULES["adam"], F(8), None, "proved"),
        (RULES["adam"], F(7), None, "refuted"),
        (RULES["adam"], F(1), {"beta1": F(9, 10), "beta2": F(9, 10)}, "proved"),
        (RULES["adamax"], F(101, 100), None, "proved"),
        (RULES["adamax"], F(1), None, "refuted"),
        (RULES["lion"], F(1), None, "proved"),
        (RULES["momentum"], F(1), None, "refuted"),
        (RULES["rmsprop_momentum"], F(99), None, "refuted"),
        (RULES["rmsprop_momentum"], F(101), None, "proved"),
        (RULES["adadelta"], F(1), None, "unknown"),
    ],
    ids=[
        "adam 8",
        "adam 7",
        "adam 1 at equal decays",
        "adamax 1.01",
        "adamax 1",
        "lion 1",
        "momentum 1",
        "rmsprop 99",
        "rmsprop 101",
        "adadelta 1",
    ],
)
def test_claims_are_decided(rule: Rule, factor: F, values: dict[str, F] | None, status: str) -> None:
    assert step_within(rule, factor, values).status == status


def test_a_map_for_plots() -> None:
    row, above = bound_map(RULES["adam"], ("beta1", [F(0), F(1, 2), F(9, 10)]), ("beta2", [F(1, 2), F(81, 100)]))
    assert row == [pytest.approx(2**0.5), 1.0, inf]
    assert above == [pytest.approx((1 / 0.19) ** 0.5), pytest.approx(1.3795, abs=1e-4), inf]


def test_no_number_is_made_up() -> None:
    with pytest.raises(UserError, match="no bound of its step is derived"):
        bound_at(RULES["gradient_descent"])
