"""How far a measured norm may be from the exact one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st

from derive.library.lookup import find_rule
from derive.reading.python.expressions import read_expression
from derive.rule import Assignment, Rule
from kernels.measuring.inputs import Array
from kernels.measuring.norms import norm_errors, norms_by_oracle

SETTING = {"t": 1.0, "lr": 0.1}


def of(text: str) -> Rule:
    body = (Assignment("theta", read_expression(f"theta - lr * norm({text}) * g", file="test")),)
    return replace(find_rule("gradient_descent"), name="measured", body=body)


def found(rule: Rule, values: Array, dtype: str = "float64") -> tuple[float, float]:
    arrays = {"theta": values, "g": np.ones_like(values)}
    norms = norms_by_oracle(rule, dtype, arrays, SETTING)
    [name] = norms
    return norms[name], norm_errors(rule, dtype, [arrays], SETTING, [norms])[0][name]


def distance(computed: float, exact: list[Fraction]) -> arb:
    """From the norm of these numbers."""
    square = sum((x * x for x in exact), Fraction(0))
    return abs(arb(computed) - arb(fmpq(square.numerator, square.denominator)).sqrt())


sizes = st.floats(min_value=1e-170, max_value=1e150) | st.just(5e-324)
numbers = st.just(0.0) | st.builds(lambda x, s: x * s, sizes, st.sampled_from((1.0, -1.0)))


@given(st.lists(numbers, min_size=1, max_size=30))
def test_the_bound_is_true_and_not_wide(values: list[float]) -> None:
    norm, error = found(of("theta"), np.array(values))
    with ctx.workprec(3000):
        assert distance(norm, [Fraction(x) for x in values]) <= arb(error)
    assert error <= norm * 1e-12 + len(values) * 2.0**-535


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=9))
def test_errors_of_the_elements_count(values: list[int]) -> None:
    norm, error = found(of("theta / 3"), np.array(values, dtype=np.float32), "float32")
    with ctx.workprec(300):
        assert distance(norm, [Fraction(x, 3) for x in values]) <= arb(error)


def test_a_wrong_norm_is_beyond_the_bound() -> None:
    values = [0.1, 0.7, -1.3]
    norm, error = found(of("theta"), np.array(values))
    with ctx.workprec(300):
        for wrong in (norm * (1 + 1e-12), sum(map(abs, values)), max(map(abs, values))):
            assert distance(wrong, [Fraction(x) for x in values]) > arb(error)


@pytest.mark.parametrize("value", [1e160, np.inf, np.nan])
def test_there_is_no_bound_where_the_squares_overflow(value: float) -> None:
    assert found(of("theta"), np.array([1.0, value]))[1] == inf


def test_there_is_no_bound_where_an_element_has_none() -> None:
    assert found(of("1 / (theta / 3 - theta / 3)"), np.array([1.0, 2.0]))[1] == inf
