"""Radii on a grid beside certified ones."""

from __future__ import annotations

from fractions import Fraction

import numpy
import pytest

from derive.deriving.stability import radii_on_grid, spectral_radius
from derive.errors import UserError
from derive.library.lookup import find_rule


@pytest.mark.parametrize("name", ["gradient_descent", "momentum_ema", "nesterov"])
def test_floats_are_near_the_certified_radius(name: str) -> None:
    rates = numpy.linspace(0.1, 3, 7)
    found = radii_on_grid(find_rule(name), {"lr": rates, "h": 1.0})
    assert found.shape == rates.shape
    for rate, radius in zip(rates, found, strict=True):
        certified = spectral_radius(find_rule(name), {"lr": Fraction(float(rate)), "h": Fraction(1)})
        assert abs(float(certified.mid()) - radius) < 1e-6


def test_a_grid_of_two_axes_and_what_it_needs() -> None:
    betas, rates = numpy.meshgrid(numpy.linspace(0, 0.9, 4), numpy.linspace(0.1, 3.7, 5))
    found = radii_on_grid(find_rule("momentum"), {"beta": betas, "lr": rates, "h": 1.0})
    assert found.shape == (5, 4)
    assert ((found < 1) == (rates < 2 * (1 + betas))).all()
    with pytest.raises(UserError, match="'h' has no value"):
        radii_on_grid(find_rule("momentum"), {})
    with pytest.raises(UserError, match="not linear"):
        radii_on_grid(find_rule("adam"), {"h": 1.0})
