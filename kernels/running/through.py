"""A compiled average that runs along data: their layout, the state carried on, columns and rows shared by threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol
from derive.rule import Rule
from kernels.certificate import Certificate
from kernels.checks import LARGE, SUBNORMAL, Check
from kernels.running import diagnose
from kernels.running.pool import CHUNK, over_chunks

Array = np.ndarray[Any, Any]
STRIP = 8192  # bytes of a row, at least, for one thread: memory gives narrower strips of the data slowly
ROWS = 8  # at least, for one thread


@dataclass(frozen=True)
class Run:
    """An average compiled for one element type, to be run along an axis of data."""

    rule: Rule
    dtype: str
    certificate: Certificate
    refusals: tuple[Check, ...]
    source: str
    entry: Callable[..., int] = field(repr=False, compare=False)

    def over(
        self,
        data: Array,
        axis: int,
        state: MutableMapping[str, Any] | None,
        out: Array | None,
        hyperparameters: Mapping[str, float],
    ) -> Array:
        """The output for every element of the data, each line along the axis being a stream of its own.

        `state` is empty before the first data, and holds afterwards how many steps were made (`t`) and an array for
        each state of the rule. Raises UserError before anything is stored.
        """
        axis = _axis(axis, data)
        values = self._values(hyperparameters)
        out = np.empty_like(data) if out is None else self._refuse_out(out, data)
        layout = Layout.of(data, out, axis)
        made, before = self._begun(state, data, axis, values)
        states = [layout.laid_out(a) for a in before]
        self._run(layout, states, made + 1, values)
        if layout.copied is not None:
            out[...] = layout.copied.T if layout.turned else layout.copied
        if state is not None:
            after = {s.name: layout.as_given(a) for s, a in zip(self.rule.states, states, strict=True)}
            state.update({"t": made + data.shape[axis], **after})
        return out

    def _run(self, layout: Layout, states: list[Array], t: int, values: list[float]) -> None:
        for place in range(len(layout.data)):
            x, out = layout.data[place], layout.out[place]
            held = [s[place] for s in states]
            code = self.entry(x, out, *held, t, *values, 0, -1, SUBNORMAL, layout.along)
            if code > 0:
                refusal = self.refusals[code - 1]
                raise UserError(refusal.what, where=self.rule.name, fix=refusal.fix)
            if code == LARGE:
                self._share(x, out, held, t, values, layout.along)

    def _share(self, x: Array, out: Array, held: list[Array], t: int, values: list[float], along: bool) -> None:
        def part(lo: int, hi: int) -> None:
            self.entry(x, out, *held, t, *values, lo, hi, SUBNORMAL, along)

        lines, steps = (x.shape[0], x.shape[1]) if along else (x.shape[1], x.shape[0])
        least = ROWS if along else STRIP // x.itemsize
        over_chunks(part, lines, max(1, CHUNK // max(1, steps * least)) * least)

    def _begun(
        self, state: MutableMapping[str, Any] | None, data: Array, axis: int, values: list[float]
    ) -> tuple[int, list[Array]]:
        """How many steps were made before, and copies of the states after them."""
        shape = data.shape[:axis] + data.shape[axis + 1 :]
        if not state:
            if state is not None and not isinstance(state, MutableMapping):
                raise UserError(f"state must be a dictionary, not {state!r}", fix="begin with state={}")
            return 0, [self._initial(s.initial, data, axis, values) for s in self.rule.states]
        if not isinstance(state, MutableMapping):
            raise UserError("state must be a dictionary", fix="begin with state={}, and give it again")
        missing = [name for name in ("t", *self.rule.state_names) if name not in state]
        if missing:
            raise UserError(f"state has no {missing[0]!r}", where=self.rule.name, fix="begin with state={}")
        made = diagnose.whole(state["t"])
        if made < 0:
            raise UserError("state holds a negative t", where=self.rule.name, fix="begin with state={}")
        return made, [self._kept(name, state[name], shape) for name in self.rule.state_names]

    def _kept(self, name: str, value: Any, shape: tuple[int, ...]) -> Array:
        array = np.asarray(value)
        if array.dtype != np.dtype(self.dtype):
            fix = f"give data of {array.dtype}, or begin with state={{}}"
            raise UserError(f'state["{name}"] is {array.dtype}, the data {self.dtype}', fix=fix)
        if array.shape != shape:
            what = f'state["{name}"] has shape {array.shape}, the data without their axis {shape}'
            raise UserError(what, where=self.rule.name, fix="go on with data of the same columns, or with state={}")
        return array.copy()

    def _initial(self, initial: Expr, data: Array, axis: int, values: list[float]) -> Array:
        shape = data.shape[:axis] + data.shape[axis + 1 :]
        if isinstance(initial, Number):
            return np.full(shape, float(initial.value), dtype=self.dtype)
        if isinstance(initial, Symbol) and initial.name in self.rule.hyperparameter_names:
            return np.full(shape, values[self.rule.hyperparameter_names.index(initial.name)], dtype=self.dtype)
        if isinstance(initial, Symbol) and initial.name == self.rule.inputs[0]:
            return np.take(data, 0, axis) if data.shape[axis] else np.zeros(shape, dtype=self.dtype)
        raise UserError(f"an initial state of {initial} is not supported", where=self.rule.name, fix="use a constant")

    def _refuse_out(self, out: Any, data: Array) -> Array:
        diagnose.array("out", out, self.dtype, place="out", kept=True, stored=True)
        diagnose.shapes({"the data": data, "out": out})
        if np.may_share_memory(out, data):
            raise UserError("out and the data share memory", where=self.rule.name, fix="give out an array of its own")
        return np.asarray(out)

    @cached_property
    def _defaults(self) -> dict[str, float | None]:
        return {h.name: None if h.default is None else float(h.default) for h in self.rule.hyperparameters}

    def _values(self, given: Mapping[str, float]) -> list[float]:
        """Every hyperparameter in order, as floats inside their domains."""
        unknown = given.keys() - self._defaults.keys()
        if unknown:
            raise diagnose.unknown_hyperparameter(self.rule.name, unknown, tuple(self._defaults))
        values = {**self._defaults, **{name: diagnose.real(name, value) for name, value in given.items()}}
        for h in self.rule.hyperparameters:
            if values[h.name] is None:
                raise UserError(f"{self.rule.name} needs {h.name}", fix=f"give {h.name}=... at the call")
            diagnose.inside(self.rule.name, h, values[h.name])
        return [value for value in values.values() if value is not None]


@dataclass(frozen=True)
class Layout:
    """Data and output as blocks of two axes that lie in memory as they are walked.

    `along` says whether time is the last axis of a block (its rows are streams) or the first (its columns are).
    `turned`: the data were in the other order of memory, and all axes are reversed.
    """

    data: Array
    out: Array
    along: bool
    turned: bool
    rest: tuple[int, ...]
    copied: Array | None = None

    @staticmethod
    def of(data: Array, out: Array, axis: int) -> Layout:
        turned = not data.flags.c_contiguous and data.flags.f_contiguous
        if turned:
            data, out, axis = data.T, out.T, data.ndim - 1 - axis
        copied = None if out.flags.c_contiguous else np.empty(out.shape, out.dtype)
        x, y = np.ascontiguousarray(data), out if copied is None else copied
        before, steps, after = _size(x.shape[:axis]), x.shape[axis], _size(x.shape[axis + 1 :])
        along = after == 1
        blocks = (1, before, steps) if along else (before, steps, after)
        rest = x.shape[:axis] + x.shape[axis + 1 :]
        return Layout(x.reshape(blocks), y.reshape(blocks), along, turned, rest, copied)

    def laid_out(self, state: Array) -> Array:
        """A state as one row for each block."""
        array = np.array(state.T if self.turned else state, order="C")
        return array.reshape(len(self.data), self.data.shape[1] if self.along else self.data.shape[2])

    def as_given(self, state: Array) -> Array:
        array = state.reshape(self.rest)
        return array.T if self.turned else array


def _axis(axis: int, data: Array) -> int:
    if not data.ndim:
        raise UserError("a single number has no axis to run along", fix="give a series")
    if isinstance(axis, bool) or not -data.ndim <= axis < data.ndim:
        raise UserError(f"the data have no axis {axis!r}", fix=f"axes are 0 to {data.ndim - 1}")
    return int(axis) % data.ndim


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
