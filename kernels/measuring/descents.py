"""Trajectories one operation at a time in NumPy, all points at once: what the bits of descents are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.expr import Apply, Number, Symbol
from derive.rule import Rule
from kernels.measuring.norms import added
from kernels.measuring.oracle import Array, compiled_function, number, operation, run
from kernels.pipeline import programs
from kernels.program import Program
from kernels.running.descent import Found, Points

FLOAT = np.dtype("float64")


def descend_by_oracle(rule: Rule, kind: str, points: Points, count: int) -> Found:
    """What is found of the first `count` points of a grid."""
    hyper, theta = _beginning(rule, points, count)
    states = {s.name: _initial(s.initial, theta, hyper) for s in rule.states}
    step = programs(rule, "float64").final
    norms = programs(rule, "float64", "norms").final if rule.norms else None
    query = None if rule.query is None else programs(rule, "float64", "query").final
    with np.errstate(all="ignore"):
        limit = points.within * points.within
        away = _squares(theta, points.least)
        most, last = away, np.where(away <= limit, -1, 0)
        for t in range(1, points.steps + 1):
            scalars = {"t": np.asarray(float(t)), **hyper}
            point = theta if query is None else _stored(query, {"theta": theta, **states}, scalars)[query.arrays[-1]]
            given = {"theta": theta, "g": gradient_of(kind, point, points), **states}
            measured = {} if norms is None else _stored(norms, given, scalars)
            lengths = {name: np.array([np.sqrt(added(run)) for run in m.T]) for name, m in measured.items()}
            after = _stored(step, given, scalars | lengths)
            theta, states = after.get("theta", theta), {name: after.get(name, states[name]) for name in states}
            away = _squares(theta, points.least)
            away = np.where(np.isnan(away), np.inf, away)
            most, last = np.where(away > most, away, most), np.where(away <= limit, last, t)
        loss, distance = loss_of(kind, theta, points), _distance(theta, points.least)
        largest = np.maximum(np.sqrt(most), distance)
    return Found(np.where(np.isnan(loss), np.inf, loss), distance, largest, np.where(last < points.steps, last + 1, -1))


def _beginning(rule: Rule, points: Points, count: int) -> tuple[dict[str, Array], Array]:
    """The hyperparameters of every point, and theta: a row for each coordinate."""
    p = np.arange(count)
    rows = [points.values[first + p // stride % length] for first, stride, length in points.places]
    names = rule.hyperparameter_names
    return dict(zip(names, rows, strict=False)), np.stack(rows[len(names) :])


def _initial(initial: Any, theta: Array, hyper: dict[str, Array]) -> Array:
    if isinstance(initial, Number):
        return np.full(theta.shape, float(initial.value))
    assert isinstance(initial, Symbol)
    return np.broadcast_to(hyper.get(initial.name, theta), theta.shape).copy()


def _stored(program: Program, arrays: dict[str, Array], scalars: dict[str, Array]) -> dict[str, Array]:
    """What each stored array receives."""

    def operate(node: Apply, args: tuple[Array, ...]) -> Array:
        return operation(node, args, FLOAT)

    values = run(program, arrays | scalars, number, operate)
    shape = arrays["theta"].shape
    return {array: np.broadcast_to(values[name], shape).astype(FLOAT) for array, name in program.stores}


def _squares(theta: Array, least: Array) -> Array:
    total = np.zeros(theta.shape[1])
    for row, centre in zip(theta, least, strict=True):
        total = total + (row - centre) * (row - centre)
    return total


def _distance(theta: Array, least: Array) -> Array:
    away = np.abs(theta - least[:, None])
    away = np.where(np.isnan(away), np.inf, away)
    scale = away.max(axis=0)
    plain = (scale == 0) | np.isinf(scale)
    safe = np.where(plain, 1.0, scale)
    total = np.zeros(theta.shape[1])
    for row, centre in zip(theta, least, strict=True):
        total = total + ((row - centre) / safe) * ((row - centre) / safe)
    found: Array = np.where(plain, scale, scale * np.sqrt(total))
    return found


def gradient_of(kind: str, x: Array, points: Points) -> Array:
    """The gradient of a problem at points, a column each."""
    data, out = points.data, np.asarray(np.zeros(x.shape))
    if kind == "quadratic":
        return data[:, None] * x
    if kind == "rosenbrock":
        for j in range(len(x) - 1):
            rise = x[j + 1] - x[j] * x[j]
            out[j] = out[j] + (-4.0 * data[0] * x[j] * rise - 2.0 * (1.0 - x[j]))
            out[j + 1] = out[j + 1] + 2.0 * data[0] * rise
        return out
    if kind == "logistic":
        out[...] = data[0] * x
        exp, samples = compiled_function("exp", "float64"), data[1:].reshape(-1, len(x))
        for z in samples:
            weight = 1.0 / (float(len(samples)) * (1.0 + exp(_margin(z, x))))
            for j in range(len(x)):
                out[j] = out[j] - z[j] * weight
        return out
    for i in range(x.shape[1]):
        slopes = np.zeros(len(x))
        points.functions[0](np.ascontiguousarray(x[:, i]), slopes)
        out[:, i] = slopes
    return out


def _margin(z: Array, x: Array) -> Array:
    margin = np.zeros(x.shape[1])
    for j in range(len(x)):
        margin = margin + z[j] * x[j]
    return margin


def loss_of(kind: str, x: Array, points: Points) -> Array:
    """The loss of a problem at points, a column each."""
    data, total = points.data, np.zeros(x.shape[1])
    if kind == "quadratic":
        for row, curvature in zip(x, data, strict=True):
            total = total + curvature * row * row
        return total / 2.0
    if kind == "rosenbrock":
        for j in range(len(x) - 1):
            rise = x[j + 1] - x[j] * x[j]
            total = total + (data[0] * rise * rise + (1.0 - x[j]) * (1.0 - x[j]))
        return total
    if kind == "logistic":
        exp, log1p = compiled_function("exp", "float64"), compiled_function("log1p", "float64")
        samples, squares = data[1:].reshape(-1, len(x)), np.zeros(x.shape[1])
        for z in samples:
            margin = _margin(z, x)
            total = total + (log1p(exp(-np.abs(margin))) + np.where(margin < 0, -margin, 0.0))
        for row in x:
            squares = squares + row * row
        mean: Array = total / float(len(samples)) + data[0] * squares / 2.0
        return mean
    return np.array([points.functions[1](np.ascontiguousarray(column)) for column in x.T])
