"""What statements must not prove: of values outside a domain, of no number at all, under premises that never hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from derive.errors import UserError
from derive.stating import any_number, decide, expected, find, onset, t, weights

EWMA: Any = find("ewma")
x, y = any_number("x"), any_number("y")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (lambda: weights(EWMA.m).mean_age.at(beta=2), r"beta = 2 is not in \[0, 1\)"),
        (lambda: weights(EWMA.m).weight_sum.at(t=0.5), "t = 0.5 is not in"),
        (lambda: weights(EWMA.m).at(k=-1), "k = -1 is not in"),
        (lambda: weights(EWMA.m).weight_sum.at(t=x), "that x is a whole number"),
        (lambda: any_number("u", "whole") == any_number("u", "decay") + 100, "no number 'u' lies in"),
        (lambda: x == float("nan"), "no formula and no number"),
        (lambda: expected(x, {"x": (0, -1)}), "is negative"),
        (lambda: expected(x * y, {"x": (y, 1), "y": (0, 1)}), "another input"),
    ],
)
def test_what_is_outside_is_refused(words: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        words()


def test_a_formula_put_in_has_to_lie_in_the_domain() -> None:
    total = weights(EWMA.m).weight_sum
    assert decide(total.at(beta=y) == 1 - y**t).status == "unknown"
    assert decide((total.at(beta=y) == 1 - y**t).where(y >= 0, y < 1))
    n = any_number("n", "whole")
    assert decide(total.at(beta=1 - 1 / (n + 1), t=n + 2) <= 1)
    assert decide(onset(total.at(beta=0.5) > 0.8) == 3)


def test_premises_that_never_hold_prove_nothing() -> None:
    verdict = decide((x == 5).where(x > 1, x < 0))
    assert verdict.status == "unknown"
    assert "never hold" in verdict.message


def test_numbers_of_numpy_are_numbers() -> None:
    assert decide(x * numpy.float64(0.1) == x / 10)
