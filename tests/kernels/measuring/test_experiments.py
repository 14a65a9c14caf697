"""Runs as foretold, and runs that are not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.deriving import derivations
from derive.deriving.experiment import Experiment
from derive.expr import Symbol
from kernels import compile
from kernels.measuring.experiments import confirm

THETA = Symbol("theta")
HALF = Fraction(1, 2)
STEPS_OF_ADAM = Experiment(
    "constant gradients move adam by lr",
    Symbol("before.theta") - THETA,
    {1: 0.125, 2: 0.125, 3: 0.125},
    gradients=(Fraction(3),) * 3,
    hyperparameters={"lr": Fraction(1, 8), "eps": Fraction(0)},
    start=Fraction(1),
)
DESCENT = Experiment(
    "half of theta stays", THETA, {1: 0.5, 3: 0.125}, hyperparameters={"lr": HALF}, start=Fraction(1),
    curvature=Fraction(1), steps=3,
)  # fmt: skip
AVERAGE = Experiment(
    "an impulse gives the weights", Symbol("output"), {1: 0.5, 2: 0.25}, gradients=(Fraction(1), Fraction(0)),
    hyperparameters={"beta": HALF},
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "experiment"), [("adam", STEPS_OF_ADAM), ("gradient_descent", DESCENT), ("ewma", AVERAGE)]
)
def test_as_foretold_and_not(rule: str, experiment: Experiment) -> None:
    kernel = compile(rule, "float64")
    assert confirm(kernel, experiment) == ""
    wrong = replace(experiment, foretold={t: value + 1e-6 for t, value in experiment.foretold.items()})
    assert "foretold" in confirm(kernel, wrong)
    assert confirm(kernel, replace(wrong, relation="≤")) == ""
    assert "≥" in confirm(kernel, replace(wrong, relation="≥"))


def test_the_gradient_is_taken_where_the_rule_asks_for_it() -> None:
    """Nesterov on a quadratic of curvature 1 with lr = 1 stands still after a step: it asks where it will be."""
    experiment = Experiment(
        "stands", THETA, {1: 0.0, 2: 0.0}, hyperparameters={"lr": Fraction(1), "beta": HALF}, start=Fraction(1),
        curvature=Fraction(1), steps=2,
    )  # fmt: skip
    assert confirm(compile("nesterov", "float64"), experiment) == ""


def test_a_coordinate_has_numbers_of_its_own() -> None:
    experiment = Experiment(
        "the second coordinate", THETA, {1: 3.0, 2: 4.0}, gradients=((HALF, Fraction(-2)), (Fraction(7), Fraction(-2))),
        hyperparameters={"lr": HALF}, start=(Fraction(0), Fraction(2)), coordinate=1,
    )  # fmt: skip
    kernel = compile("gradient_descent", "float64")
    assert confirm(kernel, experiment) == ""
    assert "foretold" in confirm(kernel, replace(experiment, coordinate=0))


def test_a_mean_over_all_coordinates() -> None:
    """Of the squares of two steps against each other from one: the half of 0 and of 4."""
    experiment = Experiment(
        "the mean square", THETA**2, {1: 2.0}, gradients=((Fraction(2), Fraction(-2)),), hyperparameters={"lr": HALF},
        start=Fraction(1), averaged=True,
    )  # fmt: skip
    kernel = compile("gradient_descent", "float64")
    assert confirm(kernel, experiment) == ""
    assert "foretold" in confirm(kernel, replace(experiment, averaged=False))
    assert "foretold" in confirm(kernel, replace(experiment, foretold={1: 2.1}))


def test_a_gradient_beside_a_curvature_is_noise() -> None:
    experiment = replace(DESCENT, gradients=(Fraction(1), Fraction(0)), steps=0, foretold={1: 0.0, 2: 0.0})
    assert confirm(compile("gradient_descent", "float64"), experiment) == ""


def test_a_run_that_overflows_confirms_nothing() -> None:
    experiment = replace(DESCENT, curvature=Fraction(10) ** 200, foretold={3: 0.0})
    assert "nan" in confirm(compile("gradient_descent", "float64"), experiment)


def test_a_buffer_under_norms_is_driven_with_a_coordinate_beside() -> None:
    """LARS scales its input by norms: a large second coordinate lets the first have the input that is wanted."""
    kernel = compile("lars", "float64")
    [weights] = [d for d in derivations(kernel.rule) if d.title == "Unrolled weights of v"]
    for experiment in weights.experiments:
        assert isinstance(experiment.start, tuple)
        assert confirm(kernel, experiment) == ""
        wrong = {t: value * 1.001 for t, value in experiment.foretold.items()}
        assert "foretold" in confirm(kernel, replace(experiment, foretold=wrong))
