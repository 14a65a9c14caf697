"""The noise that is left, against sums of squared weights."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.averages import noise_gain
from derive.deriving.linear import AGE, linear_buffers
from derive.evaluate import ball
from derive.library.adagrad import adagrad
from derive.library.averages import ewma
from derive.library.momentum import momentum
from derive.rule import Rule
from tests.derive.deriving.averages.runs import at

VALUES = {"beta": Fraction(3, 4), "lr": Fraction(1, 7)}


@pytest.mark.parametrize("rule", [ewma, momentum, adagrad], ids=lambda r: r.name)
def test_noise_gain_is_squares_over_the_square(rule: Rule) -> None:
    [buffer] = linear_buffers(rule)
    found = noise_gain(rule, buffer)
    assert found is not None
    assert found.holds
    for t in (1, 2, 5):
        weights = [at(buffer.weight, {**VALUES, AGE: k}) for k in range(t)]
        expected = sum(w * w for w in weights) / sum(weights) ** 2
        assert at(found.result, {**VALUES, "t": t}) == expected
        assert at(found.quantities["effective_sample_size_at_t"], {**VALUES, "t": t}) == 1 / expected


def test_noise_in_the_end() -> None:
    [buffer] = linear_buffers(ewma)
    found = noise_gain(ewma, buffer)
    assert found is not None
    values = {"beta": Fraction(9, 10)}
    assert at(found.quantities["noise_gain"], values) == Fraction(1, 19)
    [size] = ball([found.quantities["noise_rms"]], values)
    assert str(size).startswith("[0.22941")
    assert "0.05263 of the variance, 0.2294 of the size, 19 inputs" in found.statement


def test_a_plain_mean_of_the_span_is_as_old() -> None:
    """RAdam's rho: twice the mean age and one, here against the ages themselves."""
    [buffer] = linear_buffers(ewma)
    found = noise_gain(ewma, buffer)
    assert found is not None
    for t in (1, 2, 6):
        weights = [at(buffer.weight, {**VALUES, AGE: k}) for k in range(t)]
        age = sum(k * w for k, w in enumerate(weights)) / sum(weights)
        assert at(found.quantities["span_at_t"], {**VALUES, "t": t}) == 2 * age + 1
