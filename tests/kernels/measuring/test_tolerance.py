"""Two implementations stay within the tolerance of rounding; another rule does not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import ball, trajectory
from derive.library.lookup import find_rule
from kernels import compile
from kernels.measuring.inputs import Array
from kernels.measuring.tolerance import tolerance
from kernels.storage import Storage

GRADIENTS = st.lists(st.floats(-4, 4, width=32).filter(lambda g: g == 0 or abs(g) > 1e-3), min_size=1, max_size=12)


def compiled(name: str, gradients: Array) -> Array:
    """theta of a run of the kernel, or its output."""
    kernel = compile(name, str(gradients.dtype))
    theta, out = np.zeros(1, gradients.dtype), np.zeros(1, gradients.dtype)
    state, seen = kernel.init(theta), []
    for t, gradient in enumerate(gradients, start=1):
        if kernel.rule.is_average:
            kernel.step(np.full(1, gradient), out, state, t)
        else:
            kernel.step(theta, np.full(1, gradient), state, t)
        seen.append(float((out if kernel.rule.is_average else theta)[0]))
    return np.array(seen)


def exactly(name: str, gradients: Array) -> Array:
    """The same in numbers of 128 bits, with the hyperparameters that float64 has."""
    rule = find_rule(name)
    settings = {n: Fraction(float(v)) for n, v in rule.defaults.items()}
    run = trajectory(rule, settings, 0, [Fraction(float(g)) for g in gradients], arithmetic=ball)
    return np.array([float(step["output" if rule.is_average else "theta"]) for step in run])


@pytest.mark.parametrize("name", ["adam", "momentum", "adagrad", "ewma_debiased"])
@given(gradients=GRADIENTS)
@settings(max_examples=10)
def test_the_kernel_stays_within_it(name: str, gradients: list[float]) -> None:
    given = np.array(gradients, np.float32)
    distance = np.abs(compiled(name, given) - exactly(name, given))
    assert np.all(distance <= tolerance(name, given))


def test_it_is_not_vacuous() -> None:
    assert tolerance("adam", np.ones(100))[-1] < 1e-5  # of a way of 0.1
    assert tolerance("adam", np.ones(100), "float64")[-1] < 1e-14


def test_numpy_in_the_order_of_the_paper_stays_within_it() -> None:
    given = np.random.default_rng(2).standard_normal(200).astype(np.float32)
    theta, m, v, seen = np.float32(0), np.float32(0), np.float32(0), []
    lr, beta1, beta2, eps = (np.float32(x) for x in (1e-3, 0.9, 0.999, 1e-8))
    first, second = np.float32(1 - 0.9), np.float32(1 - 0.999)
    for t, g in enumerate(given, start=1):
        m, v = beta1 * m + first * g, beta2 * v + second * (g * g)
        m_hat, v_hat = m / np.float32(1 - 0.9**t), v / np.float32(1 - 0.999**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
        seen.append(float(theta))
    assert np.all(np.abs(np.array(seen) - compiled("adam", given)) <= tolerance("adam", given))


def test_another_rule_leaves_it() -> None:
    given = np.array([0.5, -0.25])
    apart = np.abs(compiled("adam", given) - compiled("adam_eps_hat", given))
    assert np.all(apart > tolerance("adam", given, "float64"))


def test_where_there_is_no_bound() -> None:
    assert np.isinf(tolerance("adam", [1e-23])).all()


def test_rules_of_more_than_one_number_are_refused() -> None:
    for name in ("lars", "nesterov"):
        with pytest.raises(UserError, match="more than the gradients"):
            tolerance(name, [1.0])


def test_a_run_kept_in_16_bits_may_drift_as_far_as_they_round() -> None:
    gradients = [0.5, -0.25, 1.0]
    narrow, single = tolerance("momentum", gradients, "bfloat16"), tolerance("momentum", gradients)
    assert (narrow > 1e4 * single).all()
    assert (narrow < 1e-2).all()
    with pytest.raises(
        UserError, match="no tolerance for float16, stochastic rounding: two runs differ by their random"
    ):
        tolerance("momentum", gradients, Storage("float16", "float16", "stochastic"))
