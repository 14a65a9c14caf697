"""The effective rate: its form, its monotonicity, its limits, each against exact runs or a rule that has it not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from derive.deriving.derivation import Derivation
from derive.deriving.linear import linear_buffers
from derive.deriving.rates import (
    average_near_mean,
    compare_rates,
    decay_of_rate,
    effective_lr,
    factored_step,
    first_step,
    large_constant,
    lone_gradient,
    monotone_rate,
    never_increases,
    oscillation,
    rate_at_rest,
    rates,
    step_against_size,
    vanishing_gradients,
)
from derive.evaluate import ball, enclosed, trajectory
from derive.expr import Expr, symbols, to_text
from derive.library import LIBRARY
from derive.reading.read import read_path
from derive.rule import Rule
from derive.transforms import with_names

RULES = {rule.name: rule for rule in LIBRARY}
BODY = """
from derive.language import decay, nonnegative, positive, rule, sqrt, sign, maximum
@rule()
def own(theta, g, t, v=0, w=0, *, lr=nonnegative(0.1), beta=decay(0.9), eps=positive(1e-3)):
    v = {first}
    w = {second}
    theta = theta - lr * g / (sqrt({under}) + eps)
    return theta, v, w
"""
AVERAGE = "beta * v + (1 - beta) * g**2"


def own(tmp_path: Path, first: str, second: str, under: str) -> Rule:
    path = tmp_path / "own.py"
    path.write_text(BODY.format(first=first, second=second, under=under))
    return read_path(str(path), "own")


def of(found: Derivation | None) -> Derivation:
    assert found is not None
    assert found.holds
    assert found.checked
    return found


def number(expr: Expr, **values: Fraction | int) -> float:
    [value] = enclosed([expr], {n: Fraction(v) for n, v in values.items() if n in symbols(expr)})
    return float(value)  # type: ignore[arg-type]


FORMS = {
    "gradient_descent": ("lr", "g"),
    "momentum": ("lr / (1 - beta)", "(1 - beta) / lr * v[t]"),
    "adagrad": ("lr / (sqrt(s[t]) + eps)", "g"),
    "rmsprop": ("lr / (sqrt(v[t]) + eps)", "g"),
    "adam": ("lr / (sqrt(v[t] / (1 - beta2**t)) + eps)", "m[t] / (1 - beta1**t)"),
    "adamw": ("lr / (sqrt(v[t] / (1 - beta2**t)) + eps)", "m[t] / (1 - beta1**t)"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_step_is_a_rate_times_a_direction(name: str) -> None:
    found = factored_step(RULES[name])
    assert found is not None
    assert (to_text(found.rate), to_text(found.direction)) == FORMS[name]


def test_a_step_that_is_not_linear_in_its_direction_has_no_rate(tmp_path: Path) -> None:
    assert factored_step(own(tmp_path, AVERAGE, "0 * w", "v + g")) is None
    assert factored_step(RULES["ewma"]) is None


def test_larger_gradients_get_a_smaller_rate_where_that_is_proved() -> None:
    for name in ("adagrad", "rmsprop", "adam"):
        assert "smaller rate: where" in of(monotone_rate(RULES[name])).statement


def test_a_rate_that_is_not_monotone_is_shown_by_two_runs(tmp_path: Path) -> None:
    yogi = own(tmp_path, "v - (1 - beta) * sign(v - g**2) * g**2", "0 * w", "v")
    assert "not always" in of(monotone_rate(yogi)).statement


def test_whether_the_rate_ever_grows(tmp_path: Path) -> None:
    assert never_increases(RULES["adagrad"])
    corrected_after = own(tmp_path, AVERAGE, "maximum(w, v)", "w / (1 - beta**t)")
    grows = never_increases(corrected_after)
    assert grows.status == "refuted"
    assert "gradients 1, 0" in grows.message
    assert never_increases(own(tmp_path, AVERAGE, "maximum(w, v / (1 - beta**t))", "w"))
    assert never_increases(RULES["adam"]).status == "refuted"
    assert never_increases(RULES["ewma"]).status == "unknown"


def test_a_maximum_has_its_closed_form_under_a_constant_gradient(tmp_path: Path) -> None:
    rule = own(tmp_path, AVERAGE, "maximum(w, v)", "w / (1 - beta**t)")
    assert to_text(of(effective_lr(rule)).result) == "lr / (abs(g) + eps)"


def test_a_centred_average_blows_up_under_a_constant_gradient(tmp_path: Path) -> None:
    rule = own(tmp_path, AVERAGE, "beta * w + (1 - beta) * g", "v - w**2")
    assert to_text(of(effective_lr(rule)).quantities["effective_lr_limit"]) == "lr / eps"


def test_the_step_does_not_depend_on_the_size_of_a_constant_gradient() -> None:
    found = of(step_against_size(RULES["rmsprop"]))
    assert to_text(found.quantities["scale_free_step"]) == "lr / sqrt(1 - beta**t)"
    assert "`eps = 0`" in found.statement


def test_adagrad_never_stops_under_a_constant_gradient() -> None:
    """The bounds of the way covered, against a run; no such decay in RMSProp."""
    found = of(decay_of_rate(RULES["adagrad"]))
    run = trajectory(RULES["adagrad"], {"lr": 1, "eps": 0}, 0, [2] * 30, arithmetic=ball)
    for t, step in enumerate(run, 1):
        low, high = (number(found.quantities[n], lr=1, eps=0, a=2, t=t) for n in ("travel_at_least", "travel_at_most"))
        assert low <= -float(step["theta"]) <= high
    assert decay_of_rate(RULES["rmsprop"]) is None


def test_the_first_step_is_by_the_sign() -> None:
    found = of(first_step(RULES["adam"]))
    assert to_text(found.result) == "lr / (abs(g) + eps) * g"
    assert to_text(found.quantities["first_step_size"]) == "lr"
    assert "`beta1 = 0` and `beta2 = 0`" in found.statement
    assert "first_step_size" not in of(first_step(RULES["gradient_descent"])).quantities


def test_vanishing_gradients() -> None:
    assert to_text(of(vanishing_gradients(RULES["adam"])).result) == "lr / eps"
    still = rate_at_rest(RULES["rmsprop_eps_inside"])
    assert still is not None
    assert to_text(still) == "lr / sqrt(eps)"
    assert rate_at_rest(RULES["ewma"]) is None


def test_oscillation_against_drift() -> None:
    """The amplitude after many alternating gradients is the one derived."""
    rule = RULES["momentum_lr_outside"]
    [buffer] = linear_buffers(rule)
    found = of(oscillation(rule, buffer))
    assert to_text(found.result) == "(1 - beta) / (beta + 1)"
    run = trajectory(rule, {"beta": Fraction(1, 2)}, 0, [(-1) ** t for t in range(60)])
    amplitude = number(found.quantities["alternating_amplitude"], beta=Fraction(1, 2))
    assert abs(float(run[-1]["v"])) == pytest.approx(amplitude)


def test_the_memory_of_a_lone_gradient() -> None:
    found = of(lone_gradient(RULES["adam"]))
    values = {"beta1": Fraction(9, 10), "beta2": Fraction(999, 1000), "lr": Fraction(1)}
    assert number(found.quantities["spike_first_step"], **values) == pytest.approx(3.1623, rel=1e-4)
    assert number(found.quantities["spike_memory"], **values) == pytest.approx(9.046, rel=1e-3)
    assert lone_gradient(RULES["rmsprop"]) is None


def test_rates_of_two_rules_are_compared() -> None:
    rmsprop, adagrad = RULES["rmsprop"], RULES["adagrad"]
    assert to_text(of(compare_rates(rmsprop, adagrad)).result) == "1 / sqrt(1 - beta)"
    assert compare_rates(adagrad, rmsprop) is None  # no multiple of an average stays above the sum
    same = of(compare_rates(with_names(rmsprop, {"beta": "beta2"}), RULES["adam"]))
    assert to_text(same.result) == "1 / sqrt(1 - beta2**t)"


def test_adam_with_a_large_constant_is_momentum() -> None:
    found = of(large_constant(RULES["adam"]))
    assert to_text(found.result) == "c * m[t] / (1 - beta1**t)"
    assert large_constant(RULES["momentum"]) is None


def test_a_corrected_average_is_near_the_mean() -> None:
    """Adam without momentum is near Adagrad with lr * sqrt(t); a sum, or an average of gradients, is no such thing."""
    second = linear_buffers(RULES["adam"])[1]
    assert to_text(of(average_near_mean(RULES["adam"], second)).result) == "beta2**(t - 1)"
    assert average_near_mean(RULES["adam"], linear_buffers(RULES["adam"])[0]) is None
    assert average_near_mean(RULES["adagrad"], linear_buffers(RULES["adagrad"])[0]) is None


@pytest.mark.parametrize("name", ["momentum", "adagrad", "rmsprop", "adam"])
def test_every_step_holds(name: str) -> None:
    assert all(derivation.holds for derivation in rates(RULES[name]))
