"""A compiled kernel's runs beside what a derivation foretells: evidence that the mathematics is the kernel's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from derive.deriving.experiment import Experiment, Numbers
from derive.evaluate import enclosed
from derive.expr import symbols
from derive.ops import Inexact, Undefined
from kernels.running.kernel import Array, Kernel
from kernels.storage import numpy_dtype


def confirm(kernel: Kernel, experiment: Experiment) -> str:
    """Make the run; empty where everything is as foretold, else the first thing that is not."""
    for t, values in _run(kernel, experiment):
        if t not in experiment.foretold:
            continue
        expected, seen = experiment.foretold[t], _observed(experiment, values)
        slack = experiment.tolerance * max(1.0, abs(expected))
        within = {
            "=": abs(seen - expected) <= slack,
            "≤": seen <= expected + slack,
            "≥": seen >= expected - slack,
        }
        if not within[experiment.relation]:
            return f"{experiment.what}: {seen!r} at step {t}, foretold {experiment.relation} {expected!r}"
    return ""


def _run(kernel: Kernel, experiment: Experiment) -> Iterator[tuple[int, dict[str, Array | float]]]:
    """The values after each step, with those before it, the input, t and the hyperparameters; arrays until the next."""
    rule = kernel.rule
    settings = {n: float(v) for n, v in {**rule.defaults, **(experiment.hyperparameters or {})}.items()}
    inputs = [_array(kernel, given, experiment) for given in experiment.gradients]
    theta = _array(kernel, experiment.start, experiment)
    state = kernel.init(theta, **settings)

    for t in range(1, (experiment.steps or len(inputs)) + 1):
        given = inputs[t - 1] if inputs else np.zeros_like(theta)
        before = {f"before.{name}": array.copy() for name, array in state.items()}
        if rule.is_average:
            out = np.empty_like(given)
            kernel.step(given, out, state, t, **settings)
            seen = {"x": given, "output": out}
        else:
            before["before.theta"] = theta.copy()
            given = _gradient(kernel, experiment, theta, given, state, t, settings)
            kernel.step(theta, given, state, t, **settings)
            seen = {"g": given, "theta": theta}
        yield t, {**settings, **before, **state, **seen, "t": float(t)}


def _array(kernel: Kernel, numbers: Numbers, experiment: Experiment) -> Array:
    """An element for each coordinate; one number is the same in all of them."""
    every = [n for n in (experiment.start, *experiment.gradients) if isinstance(n, tuple)]
    coordinates = len(every[0]) if every else 1
    return np.array(numbers if isinstance(numbers, tuple) else (numbers,) * coordinates).astype(
        numpy_dtype(kernel.dtype)
    )


def _gradient(
    kernel: Kernel,
    experiment: Experiment,
    theta: Array,
    given: Array,
    state: dict[str, Array],
    t: int,
    settings: dict[str, float],
) -> Array:
    """The gradient given; or that of the quadratic at the point the rule asks for, with it as noise."""
    if experiment.curvature is None:
        return given
    point = theta.copy()
    if kernel.querying is not None:
        kernel.query(theta, state, point, t, **settings)
    with np.errstate(over="ignore"):  # a run may be foretold to leave the number line
        return (point * float(experiment.curvature) + given).astype(numpy_dtype(kernel.dtype))


def _observed(experiment: Experiment, values: dict[str, Array | float]) -> float:
    """The observed expression in the coordinate that is looked at, or its mean over all of them."""
    read = {name: np.ravel(values[name]) for name in symbols(experiment.observed)}
    coordinates = range(max(array.size for array in read.values())) if experiment.averaged else [experiment.coordinate]
    seen = [_value(experiment, {name: float(a[i % a.size]) for name, a in read.items()}) for i in coordinates]
    return math.fsum(seen) / len(seen)


def _value(experiment: Experiment, read: dict[str, float]) -> float:
    """The observed expression at the floats of the kernel, without further rounding; NaN where it has no value."""
    if not all(map(math.isfinite, read.values())):
        return math.nan
    [value] = enclosed([experiment.observed], {name: Fraction(number) for name, number in read.items()})
    return math.nan if isinstance(value, Inexact | Undefined) else float(value)
