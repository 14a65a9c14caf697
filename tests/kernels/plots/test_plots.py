"""Every figure shows what was derived or run: its data are read back and compared."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.reading.read import read_text
from kernels import plots

ADAM: Any = find_rule("adam")
ADAGRAD: Any = find_rule("adagrad")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    import matplotlib as mpl

    mpl.use("Agg")
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


def test_weights_have_their_five_windows_marked() -> None:
    [axes] = plots.weight_profile(ADAM.m).axes
    marks = {str(line.get_label()): float(np.ravel(line.get_xdata())[0]) for line in axes.lines}
    assert marks == pytest.approx(
        {"half-life: 6.579": 6.5788, "mean age: 9": 9, "time constant: 9.491": 9.4912, "1/(1 - b): 10": 10,
         "effective sample size: 19": 19}, abs=1e-4,
    )  # fmt: skip


def test_bias_is_worst_at_step_twelve() -> None:
    line = plots.bias_correction(ADAM).axes[0].lines[0]
    x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    assert y[0] == pytest.approx(10**0.5)
    assert x[np.argmax(y)] == 12


def test_the_cut_off_is_where_half_the_power_is_left() -> None:
    above, below = plots.frequency_response(ADAM.m).axes
    omega, gain = (np.asarray(data) for data in above.lines[0].get_data())
    cutoff = float(np.ravel(above.lines[1].get_xdata())[0])
    assert np.interp(cutoff, omega, gain) == pytest.approx(10 * np.log10(0.5), abs=0.01)
    assert below.get_ylabel().startswith("phase")


def test_effective_rates_come_from_the_kernel() -> None:
    descent = plots.effective_rates("gradient_descent", steps=20, lr=0.25).axes[0]
    assert len(descent.lines) == 5
    assert all(np.allclose(np.asarray(line.get_ydata(), float), 0.25) for line in descent.lines)
    constant = plots.effective_rates("adagrad", steps=20, lr=0.25).axes[0].lines[0]
    assert np.allclose(np.asarray(constant.get_ydata(), float), 0.25 / np.sqrt(np.arange(1, 21)), rtol=1e-6)


def test_paths_end_where_the_rule_leads() -> None:
    [axes] = plots.trajectories(["gradient_descent", "nesterov"], steps=10, curvatures=(1.0, 2.0), lr=0.5).axes
    x, y = (np.asarray(data) for data in axes.lines[0].get_data())
    assert x[-1] == pytest.approx(-(0.5**10))
    assert y[1] == pytest.approx(0)
    assert [line.get_label() for line in axes.lines[:2]] == ["gradient_descent", "nesterov"]


def test_momentum_wants_a_tenth_of_the_rate_and_each_rule_is_drawn_at_all() -> None:
    figure = plots.sensitivity(["gradient_descent", "momentum"], steps=100, noise=0.0)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    plain, heavy = (float(label.rpartition(" ")[2]) for label in labels)
    assert plain / heavy == pytest.approx(10, rel=0.5)
    descent = np.asarray(figure.axes[0].lines[0].get_data(), float)
    below, above = descent[1][descent[0] < 2 / 25], descent[1][descent[0] > 2.5 / 25]
    assert np.all(below < 1)
    assert np.all(above > 1)  # the threshold 2/h of the larger curvature


def test_the_stability_region_ends_at_the_derived_threshold() -> None:
    axes = plots.stability_region("momentum").axes[0]
    x, y = (np.asarray(data) for data in axes.lines[0].get_data())
    assert np.allclose(x, 2 * (1 + y))


def test_the_map_of_bounds_has_the_defaults_in_it() -> None:
    axes = plots.step_bound_map("adam").axes[0]
    assert np.allclose([np.ravel(data)[0] for data in axes.lines[0].get_data()], [10, 1000])


def test_the_staircase_says_where_a_buffer_sticks() -> None:
    axes = plots.precision_staircase("adam", "v", steps=30).axes[0]
    assert [line.get_label() for line in axes.lines] == ["float16", "bfloat16, stuck from step 0", "exact"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: plots.weight_profile(ADAGRAD.s), "nothing fades"),
        (lambda: plots.weight_profile(ADAM.m, rho=0.5), "there is no hyperparameter 'rho'"),
        (lambda: plots.bias_correction("adagrad"), "no factor of missing corrections"),
        (lambda: plots.effective_rates("ewma"), "is an average"),
        (lambda: plots.sensitivity("adam"), "give a list"),
        (lambda: plots.sensitivity([]), "give a list"),
        (lambda: plots.sensitivity(["adadelta"], over="beta1"), "has no beta1"),
        (lambda: plots.stability_region("gradient_descent"), "lr h alone"),
        (lambda: plots.step_bound_map("rmsprop"), "the bound depends on beta"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        wrong()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(UserError, match=r"derive-kernels\[plots\]"):
        plots.effective_rates("gradient_descent")


def test_a_learning_rate_may_have_any_name() -> None:
    text = """
def heavy(theta, g, v=0, *, eta=nonnegative(0.1), mu=decay(0.9)):
    v = mu * v + eta * g
    theta = theta - v
    return theta, v
"""
    axes = plots.stability_region(read_text(text, "heavy")).axes[0]
    x, y = (np.asarray(data) for data in axes.lines[0].get_data())
    assert np.allclose(x, 2 * (1 + y))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("eta · h", "mu")
