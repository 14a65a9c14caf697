"""Confirmation: the very operations, run in the format, have the effect where it is claimed and not beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.expr import to_text
from derive.precision.formats import Model
from derive.precision.probing import Boundary, Probe
from derive.precision.running import run, run_stored

ALL = 1 << 16  # a side with no more values than that is run whole: every number of a format of 16 bits
SAMPLED = 4096


class Unconfirmed(Exception):
    """What was derived of a format is not what happens in it: a defect, here or there."""


@dataclass(frozen=True)
class Confirmation:
    """How many runs had the effect, whether these are all values it is claimed for, how many beside it had none."""

    runs: int
    complete: bool
    controls: int

    def __str__(self) -> str:
        every = "all " if self.complete and self.runs > 1 else ""
        return f"{every}{self.runs} {'run' if self.runs == 1 else 'runs'}" + (
            f", not in {self.controls} beside" if self.controls else ""
        )


def confirmed(found: Boundary, model: Model) -> Confirmation:
    """Run the probe on the boundary's side, and at the neighbour. Raises Unconfirmed where it is otherwise."""
    low, high = sorted((found.index, found.probe.grid.first if found.side == "<=" else found.probe.grid.last))
    size = high - low + 1
    chosen = range(low, high + 1) if size <= ALL else _sample(low, high)
    there = _occurs(found.probe, chosen, model)
    if not there.all():
        where = found.probe.grid.at(chosen[int(np.argmin(there))])
        raise Unconfirmed(f"{_named(found)} does not occur at {float(where):g} in {model.storage.name}")
    if found.neighbour is None:
        return Confirmation(len(chosen), size <= ALL, 0)
    beside = found.index + (1 if found.side == "<=" else -1)
    if _occurs(found.probe, [beside], model).any():
        raise Unconfirmed(f"{_named(found)} still occurs at {float(found.neighbour):g} in {model.storage.name}")
    return Confirmation(len(chosen), size <= ALL, 1)


def _sample(low: int, high: int) -> list[int]:
    """Both ends with their surroundings, and indices evenly between: evenly in the logarithm, roughly."""
    step = (high - low) // SAMPLED
    return sorted({*range(low, low + 64), *range(high - 63, high + 1), *range(low, high + 1, step)})


def _occurs(probe: Probe, indices: Any, model: Model) -> Any:
    with np.errstate(all="ignore"):
        varied = probe.grid.floats(np.array(indices, np.int64)).astype(model.arithmetic.dtype)
    values = {**probe.others, probe.varied: varied}
    if probe.is_stored:
        [results] = run_stored([probe.formula], values, model)
    else:
        [results] = run([probe.formula], values, model.arithmetic)
    return np.broadcast_to(probe.effect.of_run(varied, results), varied.shape)


def _named(found: Boundary) -> str:
    probe = found.probe
    return f"'{probe.effect.kind}' of {to_text(probe.formula)} for {probe.varied} {found.side} {float(found.value):g}"
