"""What `from derive import ...` gives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

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


def test_code_is_checked_against_a_rule(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("w = w - lr * dw")
    assert derive.check(str(file), "gradient_descent")
    assert derive.check("v = mu * v + dw\nw -= lr * v\n", "momentum_lr_outside", names={"dw": "g"})
    wrong = derive.check("v = mu * v + dw\nw -= lr * dw\n", "momentum_lr_outside")
    assert not wrong
    assert wrong.fault is not None
    assert wrong.fault.message == "line 2 reads `dw` where the rule has `v`"
    with pytest.raises(UserError, match="nowhere"):
        derive.check("nowhere.py", "adam")


def test_what_is_no_rule_is_refused() -> None:
    for nonsense in (3, None, "adamm", "lr *"):
        with pytest.raises(UserError):
            derive.show(nonsense)
    with pytest.raises(UserError, match="eps"):
        derive.prove("adam", "adam", condition={"eps": "0 +"})


def test_a_verdict_is_short_to_print() -> None:
    assert len(repr(derive.prove("adam", "adam"))) < 400
