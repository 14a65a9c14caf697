"""Average steps under gradients that repeat, beside long exact runs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.stability import drift
from derive.evaluate import ball, trajectory
from derive.library.lookup import find_rule

REDDI = (Fraction(3), Fraction(-1), Fraction(-1))
FAST = {"rmsprop": {"beta": Fraction(1, 10)}, "adam": {"beta1": Fraction(0), "beta2": Fraction(1, 10)}}


@pytest.mark.parametrize("name", FAST)
def test_a_short_memory_drifts_uphill(name: str) -> None:
    found = drift(find_rule(name), REDDI, FAST[name])
    assert found is not None
    assert found.holds
    assert "uphill" in found.statement
    [claimed] = ball([found.quantities["drift"]], {})
    run = trajectory(find_rule(name), FAST[name], 0, [*REDDI] * 12, arithmetic=ball)
    assert abs(float(run[-1]["theta"] - run[-4]["theta"]) - float(claimed)) < 1e-8  # type: ignore[arg-type]


def test_a_long_memory_and_momentum_drift_downhill() -> None:
    for name, values in (("adam", {"beta1": Fraction(0)}), ("momentum", {}), ("gradient_descent", {})):
        found = drift(find_rule(name), REDDI, values)
        assert found is not None
        assert "downhill" in found.statement


def test_what_depends_on_theta_or_never_forgets_has_no_drift() -> None:
    assert drift(find_rule("adamw"), REDDI, {}) is None
    assert drift(find_rule("adagrad"), REDDI, {}) is None
    assert drift(find_rule("momentum"), (), {}) is None
