"""The frequency response against complex numbers, and the cut-off in balls."""

from __future__ import annotations

import cmath
import math
from fractions import Fraction

import pytest

from derive.deriving.averages import cutoff, frequency_response
from derive.deriving.linear import linear_buffers
from derive.evaluate import ball
from derive.expr import Number, substitute
from derive.library.adagrad import adagrad
from derive.library.averages import ewma
from derive.library.momentum import momentum
from tests.derive.deriving.averages.runs import at


@pytest.mark.parametrize("omega", [0.0, 0.3, 1.5, 3.0])
def test_the_squared_magnitude_is_that_of_the_transfer_function(omega: float) -> None:
    [buffer] = linear_buffers(momentum)
    found = frequency_response(momentum, buffer)
    assert found is not None
    assert found.holds
    values = {"beta": Fraction(4, 5), "lr": Fraction(1, 10), "#omega": Fraction(omega)}
    [square] = ball([found.quantities["squared_magnitude"]], values)
    z = cmath.exp(1j * omega)
    assert float(square) == pytest.approx(abs(0.1 * z / (z - 0.8)) ** 2)  # type: ignore[arg-type]


def test_gains_of_a_constant_and_an_alternating_input() -> None:
    [buffer] = linear_buffers(momentum)
    found = frequency_response(momentum, buffer)
    assert found is not None
    values = {"beta": Fraction(4, 5), "lr": Fraction(1, 10)}
    assert at(found.quantities["dc_gain"], values) == Fraction(1, 2)
    assert at(found.quantities["nyquist_gain"], values) == Fraction(1, 18)
    [at_one] = substitute([found.quantities["transfer_function"]], {"#z": Number(1)})
    assert at(at_one, values) == Fraction(1, 2)


@pytest.mark.parametrize(("beta", "expected"), [("9/10", 0.1055), ("99/100", 0.01005), ("1/5", 2.214)])
def test_the_cut_off(beta: str, expected: float) -> None:
    b = Fraction(beta)
    [buffer] = linear_buffers(ewma)
    found = cutoff(buffer, {"beta": b})
    assert found is not None
    low, high = map(float, found)
    assert low <= math.acos(1 - float((1 - b) ** 2 / (2 * b))) <= high
    assert high - low < 1e-9
    assert low == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("beta", ["0", "1/10", "17/100"])
def test_a_short_average_has_no_cut_off(beta: str) -> None:
    [buffer] = linear_buffers(ewma)
    assert cutoff(buffer, {"beta": Fraction(beta)}) is None


def test_what_never_fades_has_no_response() -> None:
    [buffer] = linear_buffers(adagrad)
    assert frequency_response(adagrad, buffer) is None
