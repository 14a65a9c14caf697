"""What is foretold of a run is noticed to be wrong: on rules that differ in one place every kind of run goes otherwise.

A derivation's experiments go as foretold on its own rule. Had its formula another factor, another decay or another t
in it, it would be that of one of the rules beside it, and for each kind of experiment one of these shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from derive.deriving.bounds import noise_step, step_bound
from derive.deriving.decay import coupled_decay, decayed_range, decoupled_decay, noise_equilibrium
from derive.deriving.derivation import Derivation
from derive.deriving.foretelling import every_sign, foretold, plain_values, settled
from derive.deriving.rates import (
    effective_lr,
    first_step,
    lone_gradient,
    monotone_rate,
    never_increasing,
    rate_of_history,
    step_against_size,
    vanishing_gradients,
)
from derive.expr import Number, Symbol
from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule
from tests.odd_rules import goes_as_foretold

RULES = {rule.name: rule for rule in LIBRARY}
Other = tuple[str, str]
CASES: list[tuple[Callable[[Rule], Derivation | None], str, list[Other]]] = [
    (rate_of_history, "adam", [("lr * m_hat", "lr * g")]),
    (effective_lr, "momentum", [("lr * g", "2 * lr * g")]),
    (effective_lr, "momentum", [("beta * v", "beta**2 * v")]),
    (effective_lr, "adam_eps_hat", [("beta2**t", "beta2**(t + 1)"), ("+ eps", "+ 2 * eps")]),
    (
        step_against_size,
        "adam",
        [("/ (sqrt(v_hat) + eps)", "* 1"), ("sqrt(v_hat)", "v_hat"), ("lr * m_hat", "3 * lr * m_hat")],
    ),
    (monotone_rate, "adam", [("/ (sqrt(v_hat) + eps)", "* (sqrt(v_hat) + eps)")]),
    (monotone_rate, "yogi", [("sign(v - g**2) * g**2", "(v - g**2)")]),
    (never_increasing, "adagrad", [("s + g**2", "s / 2 + g**2")]),
    (never_increasing, "adam", [("lr * m_hat", "2 * lr * m_hat"), ("beta2 * v +", "beta2**2 * v +")]),
    (vanishing_gradients, "rmsprop", [("beta * v", "1 * v"), ("v=0", "v=1"), ("lr * g", "9 * lr * g")]),
    (vanishing_gradients, "adam", [("beta2 * v", "1 * v"), ("v=0", "v=1"), ("lr * m_hat", "9 * lr * m_hat")]),
    (lone_gradient, "adam", [("beta1 * m", "beta1**2 * m")]),
    (lone_gradient, "adam", [("beta2 * v", "beta1 * v")]),
    (lone_gradient, "momentum", [("lr * g", "2 * lr * g")]),
    (first_step, "adam", [("lr * m_hat", "2 * lr * m_hat"), ("g**2", "abs(g)")]),
    (first_step, "lion", [("lr * (sign(c)", "lr * (2 * sign(c)")]),
    (first_step, "rprop", [("step * sign(g)", "step_max * sign(g)")]),
    (step_bound, "gradient_descent", [("lr * g", "lr * g / (1 + abs(g))")]),
    (step_bound, "adopt", [("1 - beta1", "1 - beta2")]),
    (noise_step, "adam", [("beta1**t", "beta1**(t + 1)")]),
    (noise_step, "adam", [("beta2**t", "beta2**(t + 1)")]),
    (noise_equilibrium, "lion", [("weight_decay * theta", "weight_decay * theta / 2")]),
    (noise_equilibrium, "adamw", [("lr * (m_hat", "lr * (2 * m_hat")]),
    (decayed_range, "lion", [("sign(c) +", "2 * sign(c) +"), ("weight_decay * theta", "weight_decay * theta / 8")]),
    (decayed_range, "adamw", [("lr * (m_hat", "2 * lr * (m_hat"), ("weight_decay * theta", "0 * theta")]),
    (decoupled_decay, "adamw", [("weight_decay * theta", "weight_decay * theta / 2")]),
    (coupled_decay, "adam_l2", [("weight_decay * theta", "2 * weight_decay * theta"), ("beta1 * m +", "0 * m + 2 *")]),
]


def beside(rule: Rule, other: Other) -> Rule:
    """The rule with another text in one place."""
    assert other[0] in rule.source
    text = rule.source.replace(*other)
    return read_text(text[text.index("def ") :], rule.name, "beside.py")


@pytest.mark.parametrize(("derive", "name", "others"), CASES)
def test_every_kind_of_run_can_go_otherwise(
    derive: Callable[[Rule], Derivation | None], name: str, others: list[Other]
) -> None:
    found = derive(RULES[name])
    assert found is not None
    assert found.experiments
    assert all(goes_as_foretold(RULES[name], experiment) for experiment in found.experiments)
    rules = [beside(RULES[name], other) for other in others]
    noticed = {e.what for e in found.experiments for rule in rules if not goes_as_foretold(rule, e)}
    assert {e.what for e in found.experiments} == noticed


def test_no_two_hyperparameters_have_one_value() -> None:
    """One decay in the place of another would not be noticed else."""
    for rule in LIBRARY:
        values = plain_values(rule)
        assert len({*values.values()}) == len(values)
        assert all(value in rule.domains[name] for name, value in values.items())


def test_nothing_is_foretold_without_a_number() -> None:
    x, t = Symbol("x"), Symbol("t")
    assert foretold(x * t, {"x": Fraction(2)}, (1, 3)) == {1: 2.0, 3: 6.0}
    assert foretold(x / (t - 1), {"x": Fraction(2)}, (1,)) is None
    assert foretold(x * t, {}, (1,)) is None


def test_a_limit_is_foretold_only_of_a_step_that_is_there() -> None:
    power, half = Symbol("x") ** Symbol("t"), {"x": Fraction(1, 2)}
    assert settled(power, Number(0), half, 40) == {40: 0.0}
    assert settled(power, Number(0), half, 20) is None


def test_every_sequence_of_signs_is_there_once() -> None:
    runs = [*zip(*every_sign(3), strict=True)]
    assert len({*runs}) == len(runs) == 8
    assert {abs(g) for run in runs for g in run} == {1}
