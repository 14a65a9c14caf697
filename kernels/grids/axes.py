"""A grid: which values each hyperparameter and each coordinate of the start takes, and how points are counted.

Points are counted as the elements of an array in the order of memory: the last axis is the fastest. Axes of what enters
scalars that take long to make go first, whatever their order in the result, so that neighbours share these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.rule import Rule
from kernels.grids.problems import Problem
from kernels.running import diagnose
from kernels.running.descent import Array

START = "start"  # the axis of several starting points
_COORDINATE = re.compile(r"theta\[(\d+)\]")


@dataclass(frozen=True, eq=False)
class Grid:
    """The values along each axis; `values` and `places` are what the compiled entry finds a point's numbers with.

    `counted` are the places of the axes in the order in which points are counted.
    """

    axes: dict[str, Array]
    settings: dict[str, float]
    start: Array
    values: Array
    places: Array
    counted: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    @property
    def size(self) -> int:
        """How many points there are."""
        return prod(self.shape)

    def shaped(self, numbers: Array) -> Array:
        """A number for each point as an array with the axes of the grid; the same memory."""
        as_counted = numbers.reshape([self.shape[k] for k in self.counted])
        return as_counted.transpose([self.counted.index(k) for k in range(len(self.counted))])


def grid_of(
    rule: Rule,
    problem: Problem,
    axes: Mapping[str, Any],
    start: Any,
    hyperparameters: Mapping[str, float],
    first: Collection[str] = (),
) -> Grid:
    """The grid of a rule on a problem; what is not on an axis has one value. Axes of `first` are counted slowly.

    Raises UserError for names the rule has not, values outside their domains, and starts of another size.
    """
    known, given, settings = {h.name: h for h in rule.hyperparameters}, dict[str, Array](), dict[str, float]()
    coordinates: dict[int, str] = {}
    for name, values in axes.items():
        coordinate = _COORDINATE.fullmatch(name)
        if coordinate is None and name not in known:
            raise diagnose.unknown_hyperparameter(rule.name, [name], (*known, "theta[0]"))
        if coordinate is not None:
            if int(coordinate[1]) >= problem.size:
                fix = f"they are theta[0] to theta[{problem.size - 1}]"
                raise UserError(f"there is no coordinate {name}", where=problem.said, fix=fix)
            coordinates[int(coordinate[1])] = name
        given[name] = _axis(name, values) + 0.0  # no negative zeros, which equal others and are not the same
    for name, h in known.items():
        if name in given and name in hyperparameters:
            raise UserError(f"{name} is on an axis of the grid and given besides", fix="leave one out")
        if name not in given:
            settings[name] = _setting(rule, name, h.default, hyperparameters)
        for value in given.get(name, [settings.get(name)]):
            diagnose.inside(rule.name, h, None if value is None else float(value))
    unknown = hyperparameters.keys() - known.keys()
    if unknown:
        raise diagnose.unknown_hyperparameter(rule.name, unknown, tuple(known))
    begun = _starts(problem, start)
    if begun.ndim == 2:
        given[START] = np.arange(len(begun), dtype=np.float64)
    order = sorted(given, key=lambda name: name not in first)
    strides = {name: prod(len(given[other]) for other in order[k + 1 :]) for k, name in enumerate(order)}
    rows = [(given[name], strides[name]) if name in given else (np.array([settings[name]]), 1) for name in known]
    for j in range(problem.size):
        if j in coordinates:
            rows.append((given[coordinates[j]], strides[coordinates[j]]))
        else:
            rows.append((begun.reshape(-1, problem.size)[:, j], strides.get(START, 1)))
    firsts = np.cumsum([0, *(len(values) for values, _ in rows)])
    places = np.array([(first, stride, len(values)) for first, (values, stride) in zip(firsts, rows, strict=False)])
    values = np.concatenate([values for values, _ in rows])
    counted = tuple([*given].index(name) for name in order)
    return Grid(given, settings, begun, values, places.astype(np.int64), counted)


def _axis(name: str, values: Any) -> Array:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f"the values of {name} must be numbers", where="the grid", fix="give a list of floats"
        ) from None
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise UserError(f"the values of {name} must be finite numbers in one axis", fix="give a list of floats")
    return array


def _setting(rule: Rule, name: str, default: Any, given: Mapping[str, float]) -> float:
    if name in given:
        return diagnose.real(name, given[name]) + 0.0
    if default is None:
        raise UserError(f"{rule.name} needs {name}", fix=f"put {name} on an axis, or give {name}=...")
    return float(default)


def _starts(problem: Problem, start: Any) -> Array:
    """One start, or a row for each of several."""
    if start is None:
        return np.ones(problem.size)
    try:
        array = np.array(start, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("the start must be numbers", fix="give a list of floats") from None
    if array.ndim == 0:
        array = np.full(problem.size, array)
    if array.ndim > 2 or array.shape[-1] != problem.size or not array.size or not np.isfinite(array).all():
        what = f"the start has shape {array.shape}, and theta has {problem.size} coordinates"
        raise UserError(
            what, where=problem.said, fix="give finite numbers, one a coordinate; a row for each of several"
        )
    return array
