"""What a missing correction does: against exact runs, with extremes and onsets that are found."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.averages import after_reset, correction_multiplier, overshoot, without_corrections
from derive.deriving.derivation import equal
from derive.deriving.linear import given
from derive.evaluate import ball, trajectory
from derive.expr import Number, Symbol
from derive.library import LIBRARY
from derive.rule import Rule
from tests.derive.deriving.averages.conftest import Reader

RULES = {rule.name: rule for rule in LIBRARY}
ADAM = {"beta1": Fraction(9, 10), "beta2": Fraction(999, 1000)}


def factor(rule: Rule, without: tuple[str, ...] | None = None) -> str | None:
    found = correction_multiplier(rule, without)
    assert found is None or found.holds
    return None if found is None else repr(found.result)


FACTORS = {
    "ewma_debiased": None,
    "gradient_descent": None,
    "adagrad": None,
    "adam": None,
    "adam_eps_hat": None,
    "adam_l2": None,
    "adamw": None,
    "momentum_lr_outside": "1 - beta**t",
    "ewma": "1 - beta**t",
    "momentum": "1 - beta**t",
    "momentum_ema": "1 - beta**t",
    "nesterov": "1 - beta**t",
    "rmsprop": "1 / sqrt(1 - beta**t)",
    "rmsprop_eps_inside": "1 / sqrt(1 - beta**t)",
}


@pytest.mark.parametrize("name", FACTORS)
def test_rules_without_a_correction_have_a_factor(name: str) -> None:
    assert factor(RULES[name]) == FACTORS[name]


@pytest.mark.parametrize("name", ["adam", "adam_eps_hat", "adam_l2", "adamw"])
def test_rules_with_one_have_it_without(name: str) -> None:
    """The correction is found in lines of its own and folded into the learning rate."""
    assert factor(RULES[name], ()) == "(1 - beta1**t) / sqrt(1 - beta2**t)"


def test_a_single_correction_can_be_left_out() -> None:
    assert factor(RULES["adam"], ("v_hat",)) == "1 / sqrt(1 - beta2**t)"
    assert factor(RULES["adam"], ("m_hat",)) == "1 - beta1**t"


def test_adam_without_its_corrections_in_numbers() -> None:
    found = correction_multiplier(RULES["adam"], ())
    assert found is not None
    assert "3.162 at t = 1, largest 6.569 at t = 12, within 5% only from t = 2375 on" in found.statement
    assert found.steps[1].relation == "→"


def test_the_factor_is_that_of_two_runs() -> None:
    """Adam with and without its corrections, on the same gradients, eps = 0."""
    adam, bare = RULES["adam"], without_corrections(RULES["adam"])
    found = correction_multiplier(adam, ())
    assert found is not None
    settings = {**ADAM, "eps": Fraction(0), "lr": Fraction(1)}
    gradients = [Fraction(n) for n in (3, -1, 4, 1, -5)]
    runs = [trajectory(rule, settings, 0, gradients, arithmetic=ball) for rule in (adam, bare)]
    before = [ball([Number(0)], {})[0]] * 2
    for t, steps in enumerate(zip(*runs, strict=True), 1):
        moved = [step["theta"] - b for step, b in zip(steps, before, strict=True)]
        [expected] = ball([found.result], {**ADAM, "t": Fraction(t)})
        assert (expected * moved[0]).overlaps(moved[1])
        before = [step["theta"] for step in steps]


@pytest.mark.parametrize(
    ("warmup", "most"), [(100, 3.2408), (500, 1.5939), (1000, 1.2576), (2374, 1.05002), (2375, 1.04996), (5000, 1.0034)]
)
def test_a_warm_up_hides_it_only_if_it_is_long(warmup: int, most: float) -> None:
    found = correction_multiplier(RULES["adam"], ())
    assert found is not None
    extreme = overshoot(found.result, ADAM, warmup)
    assert extreme is not None
    assert extreme.holds
    [value] = ball([extreme.value], {})
    assert float(value) == pytest.approx(most, rel=1e-4)  # type: ignore[arg-type]


def test_buffers_begun_anew_under_a_counter_that_goes_on() -> None:
    ratio = after_reset(RULES["ewma_debiased"], Number(10))
    assert ratio is not None
    beta, t = Symbol("beta"), Symbol("t")
    [value] = ball([ratio], {"beta": Fraction(9, 10), "t": Fraction(1)})
    assert float(value) == pytest.approx(0.1 / (1 - 0.9**11))  # type: ignore[arg-type]
    assert repr(ratio) == repr((1 - beta**t) / (1 - beta ** (t + 10)))
    assert after_reset(RULES["adagrad"], Number(10)) is None


@pytest.mark.parametrize("schedule", ["lr / t", "lr * (1 + 1 / t)", "lr * (1 - 0.5**t)", "lr * beta**t"])
def test_a_schedule_is_no_bias(read: Reader, schedule: str) -> None:
    own = read(f"""
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    m = beta * m + (1 - beta) * g
    m_hat = m / (1 - beta**t)
    theta = theta - {schedule} * m_hat
    return theta, m
""")
    assert factor(own) is None
    without = without_corrections(own, ("m_hat",))
    assert "beta" in repr(without.step["theta"])


def test_nothing_is_said_where_the_factor_depends_on_the_gradients(read: Reader) -> None:
    """epsilon that cannot be zero: the step is off by another factor for every gradient."""
    own = read("""
def own(theta, g, v=0, *, lr=nonnegative(0.1), beta=decay(0.9), eps=positive(0.1)):
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * g / (sqrt(v) + eps)
    return theta, v
""")
    assert factor(own) is None


def test_a_wrong_factor_is_refuted() -> None:
    found = correction_multiplier(RULES["adam"], ())
    assert found is not None
    wrong = equal(None, found.result, 1 / found.result, why="", given=given(RULES["adam"]))
    assert wrong.verdict is not None
    assert wrong.verdict.status == "refuted"
