"""What `from derive import ...` gives."""

from __future__ import annotations

from fractions import Fraction

import pytest

import derive
from derive.errors import UserError
from derive.language import nonnegative


def descent(theta, g, *, lr=nonnegative(0.1)):  # type: ignore[no-untyped-def]
    return theta - g * lr


class Descent:
    def __init__(self, lr=nonnegative(0.01)):  # type: ignore[no-untyped-def]
        self.lr = lr

    def step(self, theta, g):  # type: ignore[no-untyped-def]
        return theta - self.lr * g


@pytest.mark.parametrize("own", [descent, Descent])
def test_functions_and_classes_are_rules(own: object) -> None:
    verdict = derive.prove(own, "gradient_descent")
    assert verdict.status == "proved", verdict.message
    assert "1 of 1 steps checked" in str(derive.show(own))


@pytest.mark.parametrize("zero", [0, 0.0, "0", Fraction(0)])
def test_conditions_are_numbers_or_text(zero: object) -> None:
    assert derive.prove("adam", "adam_eps_hat", condition={"eps": zero}).status == "conditional"  # type: ignore[dict-item]


def test_what_is_no_rule_is_refused() -> None:
    for nonsense in (3, None, "adamm", "lr *"):
        with pytest.raises(UserError):
            derive.show(nonsense)
    with pytest.raises(UserError, match="eps"):
        derive.prove("adam", "adam", condition={"eps": "0 +"})


def test_a_verdict_is_short_to_print() -> None:
    assert len(repr(derive.prove("adam", "adam"))) < 400
