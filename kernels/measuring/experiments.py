"""A compiled kernel's runs beside what a derivation foretells: evidence that the mathematics is the kernel's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from derive.deriving.experiment import Experiment
from derive.evaluate import enclosed
from derive.expr import symbols
from derive.ops import Inexact, Undefined
from kernels.running.kernel import Array, Kernel


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


def _run(kernel: Kernel, experiment: Experiment) -> Iterator[tuple[int, dict[str, float]]]:
    """The values after each step, with those before it, the input, t and the hyperparameters."""
    rule = kernel.rule
    settings = {n: float(v) for n, v in {**rule.defaults, **(experiment.hyperparameters or {})}.items()}
    first = np.full(1, float(experiment.start), kernel.dtype)
    state = kernel.init(first, **settings)
    for t in range(1, (experiment.steps or len(experiment.gradients)) + 1):
        before = {f"before.{name}": _number(a) for name, a in state.items()}
        if rule.is_average:
            given = np.full(1, float(experiment.gradients[t - 1]), kernel.dtype)
            out = np.empty_like(given)
            kernel.step(given, out, state, t, **settings)
            shown = {"x": _number(given), "output": _number(out)}
        else:
            before["before.theta"] = _number(first)
            given = _gradient(kernel, experiment, first, state, t, settings)
            kernel.step(first, given, state, t, **settings)
            shown = {"g": _number(given), "theta": _number(first)}
        kept = {name: _number(a) for name, a in state.items()}
        yield t, {**settings, **before, **kept, **shown, "t": float(t)}


def _gradient(
    kernel: Kernel, experiment: Experiment, theta: Array, state: dict[str, Array], t: int, settings: dict[str, float]
) -> Array:
    """The gradient given, or that of the quadratic at the point the rule asks for."""
    if experiment.curvature is None:
        return np.full(1, float(experiment.gradients[t - 1]), kernel.dtype)
    point = theta.copy()
    if kernel.querying is not None:
        kernel.query(theta, state, point, t, **settings)
    with np.errstate(over="ignore"):  # a run may be foretold to leave the number line
        return (point * float(experiment.curvature)).astype(kernel.dtype)


def _number(array: Array) -> float:
    return float(array[0])


def _observed(experiment: Experiment, values: dict[str, float]) -> float:
    """The observed expression at the floats of the kernel, without further rounding; NaN where it has no value."""
    read = {name: values[name] for name in symbols(experiment.observed)}
    if not all(map(math.isfinite, read.values())):
        return math.nan
    [value] = enclosed([experiment.observed], {name: Fraction(number) for name, number in read.items()})
    return math.nan if isinstance(value, Inexact | Undefined) else float(value)
