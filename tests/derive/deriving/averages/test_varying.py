"""Varying decays, corrected averages, cascades and first inputs: the weights against exact runs, input by input."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.averages import (
    cascades,
    combined_weights,
    corrected_average,
    first_input,
    varying_buffers,
    varying_weights,
)
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import Derivation
from derive.deriving.linear import AGE, linear_buffers
from derive.library.adagrad import adagrad
from derive.library.averages import ewma
from derive.rule import Rule
from tests.derive.deriving.averages.conftest import Reader
from tests.derive.deriving.averages.runs import at, held, response

RAMP = """
def own(x, t, m=0, *, d=decay(0.999)):
    b = minimum(d, {ramp})
    m = b * m + (1 - b) * x
    output = m
    return output, m
"""
UNIFORM = """
def own(x, t, m=0):
    m = m + (x - m) / t
    output = m
    return output, m
"""
POWER = """
def own(theta, g, t, v=0, *, lr=nonnegative(0.1), c=nonnegative(0.8)):
    b = 1 - t**(-c)
    v = b * v + (1 - b) * g**2
    theta = theta - lr * g / sqrt(v)
    return theta, v
"""
DAMPENED = """
def own(theta, g, t, m=0, *, lr=nonnegative(0.1), mu=decay(0.9), dampening=unit(0.9)):
    m = where(t == 1, g, mu * m + (1 - dampening) * g)
    theta = theta - lr * m
    return theta, m
"""
CHAIN = """
def own(x, a=0, b=0, *, beta=decay(0.9), gamma=decay(0.8)):
    a = beta * a + (1 - beta) * x
    b = {second} * b + 2 * (1 - {second}) * a
    output = b
    return output, a, b
"""


def varying(rule: Rule) -> Derivation:
    [buffer] = varying_buffers(rule)
    found = varying_weights(rule, buffer)
    assert found is not None
    assert found.holds
    return found


@pytest.mark.parametrize("ramp", ["t / (9 + t)", "(1 + t) / (10 + t)"])
def test_a_ramp_has_the_weights_of_a_run(read: Reader, ramp: str) -> None:
    rule = read(RAMP.format(ramp=ramp))
    found = varying(rule)
    for j in (1, 2, 4):
        for t, value in enumerate(response(rule, "m", j, 6), 1):
            if t >= j:
                assert at(found.quantities["varying_weight"], {"t": t, "#j": j}) == value


@pytest.mark.parametrize("ramp", ["t / (9 + t)", "(1 + t) / (10 + t)"])
def test_a_ramp_has_the_mean_age_of_a_run(read: Reader, ramp: str) -> None:
    """The start counts as an input of step 0: what the weights leave of one is its share."""
    rule = read(RAMP.format(ramp=ramp))
    age = varying(rule).quantities["varying_mean_age"]
    for t in (1, 3, 6):
        weights = [response(rule, "m", j, t)[-1] for j in range(1, t + 1)]
        ages = sum((t - j) * w for j, w in enumerate(weights, 1))
        assert at(age, {"t": t}) == ages + t * (1 - sum(weights))


def test_the_ramp_looks_back_over_a_tenth(read: Reader) -> None:
    found = varying(read(RAMP.format(ramp="t / (9 + t)")))
    assert repr(found.quantities["varying_mean_age"]) == "t / 10"
    assert "while `t / (9 + t) < d` from step 1 on" in found.statement


def test_a_plain_mean(read: Reader) -> None:
    found = varying(read(UNIFORM))
    assert repr(found.result) == "(t - 1) / t"
    assert repr(found.quantities["varying_weight"]) == "1 / t"
    assert repr(found.quantities["varying_mean_age"]) == "(t - 1) / 2"


def test_a_decay_by_powers_needs_no_correction(read: Reader) -> None:
    found = varying(read(POWER))
    assert repr(found.result) == "1 - t**(-c)"
    assert "from step 1 on the weights sum to one" in found.statement
    assert "varying_weight" not in found.quantities


def test_a_product_of_decays(read: Reader) -> None:
    """The schedule of NAdam, whose product is kept."""
    rule = read("""
def own(theta, g, t, p=1, *, lr=nonnegative(0.1), beta=decay(0.9), psi=nonnegative(0.004)):
    mu = beta * (1 - 0.5 * 0.96**(t * psi))
    p = p * mu
    theta = theta - lr * g / (1 - p)
    return theta, p
""")
    found = varying(rule)
    assert repr(found.result) == "beta * (1 - 0.5 * 0.96**(t * psi))"
    assert "is the product of" in found.statement


@pytest.mark.parametrize(
    "line",
    [
        "m = maximum(m * t, x)",
        "m = m * x / t + x",
        "m = 0.5 * m + x",
        "m = m / t + x + 1",
    ],
)
def test_what_is_not_linear_with_varying_coefficients_is_none(read: Reader, line: str) -> None:
    rule = read(f"""
def own(x, t, m=0):
    {line}
    output = m * t
    return output, m
""")
    found = varying_buffers(rule)
    assert found == () or line.endswith("+ 1")
    for buffer in found:
        assert varying_weights(rule, buffer) is None


@pytest.mark.parametrize("rule", [ewma, adagrad], ids=lambda r: r.name)
def test_the_corrected_average_by_its_own_decay(rule: Rule) -> None:
    """An average with the derived decay, run beside the corrected buffer."""
    [buffer] = linear_buffers(rule)
    found = corrected_average(rule, buffer)
    assert found is not None
    assert found.holds
    values = {"beta": Fraction(2, 3)} if rule is ewma else {"lr": Fraction(0), "eps": Fraction(1)}
    inputs = [Fraction(n) for n in (2, 5, 1, 7)]
    run = held(rule, buffer.name, inputs, **values)
    average = Fraction(100)  # whatever: the first decay is zero
    for t, (value, x) in enumerate(zip(run, inputs, strict=True), 1):
        d = at(found.result, {**values, "t": t})
        average = d * average + (1 - d) * (x if rule is ewma else x**2)
        assert average == value / at(weight_sum(rule, buffer), {**values, "t": t})


@pytest.mark.parametrize(("second", "gamma"), [("gamma", "1/3"), ("beta", "2/3"), ("gamma", "2/3")])
def test_a_cascade_has_the_weights_of_a_run(read: Reader, second: str, gamma: str) -> None:
    """Different decays by name, the same decay, and different names with the same value."""
    rule = read(CHAIN.format(second=second))
    [cascade] = cascades(rule)
    found = combined_weights(rule, cascade)
    assert found.holds
    values = {"beta": Fraction(2, 3), "gamma": Fraction(gamma)}
    run = response(rule, "b", 1, 6, **values)
    if values["beta"] == values["gamma"]:
        expected = [2 * Fraction(1, 9) * (k + 1) * Fraction(2, 3) ** k for k in range(6)]
    else:
        expected = [at(found.quantities["combined_weight"], {**values, AGE: k}) for k in range(6)]
    assert run == expected
    assert at(found.quantities["combined_weight_sum"], values) == 2


def test_a_cascade_is_as_old_as_both(read: Reader) -> None:
    rule = read(CHAIN.format(second="gamma"))
    [cascade] = cascades(rule)
    age = combined_weights(rule, cascade).quantities["combined_mean_age"]
    assert at(age, {"beta": Fraction(9, 10), "gamma": Fraction(4, 5)}) == 9 + 4


def test_buffers_side_by_side_are_no_cascade(read: Reader) -> None:
    rule = read("""
def own(theta, g, a=0, b=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    a = beta * a + (1 - beta) * g
    b = beta * b + a + g
    theta = theta - lr * b
    return theta, a, b
""")
    assert cascades(rule) == ()


def test_the_first_input_counts_more(read: Reader) -> None:
    """PyTorch's dampening: the first gradient is taken whole."""
    rule = read(DAMPENED)
    [buffer] = varying_buffers(rule)
    found = first_input(rule, buffer)
    assert found is not None
    assert found.holds
    values = {"mu": Fraction(3, 4), "dampening": Fraction(2, 5), "lr": Fraction(1)}
    run = response(rule, "m", 1, 5, **values)
    begun_at_zero = [(1 - values["dampening"]) * values["mu"] ** k for k in range(5)]
    excess = [a - b for a, b in zip(run, begun_at_zero, strict=True)]
    ones = held(rule, "m", [1] * 5, **values)
    for t in range(1, 6):
        known = {**values, "t": Fraction(t)}
        assert at(found.quantities["first_weight"], known) == run[t - 1]
        assert at(found.quantities["first_weight_excess"], known) == excess[t - 1]
        assert at(found.quantities["excess_sum"], known) == sum(excess[:t])
        assert at(found.quantities["weight_sum"], known) == ones[t - 1]


def test_a_decay_that_goes_on_varying_has_no_first_input(read: Reader) -> None:
    rule = read(UNIFORM)
    [buffer] = varying_buffers(rule)
    assert first_input(rule, buffer) is None
