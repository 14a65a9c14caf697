"""A compiled rule: make its state, step in place, and read what is known about it.

k = compile("adam", dtype="float32")
state = k.init(theta)
k.step(theta, g, state, t=1, lr=1e-3)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numba.core.errors import NumbaError

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol
from derive.rule import Rule
from kernels.certificate import Certificate
from kernels.checks import LARGE, Check
from kernels.running import diagnose
from kernels.running.pool import CHUNK, SUBNORMAL, over_chunks

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Part:
    """One compiled program and how it is called: its arrays in order, and what its refusals mean."""

    arrays: tuple[str, ...]
    stored: tuple[str, ...]
    refusals: tuple[Check, ...]
    bytes_per_element: int
    source: str
    entry: Callable[..., int] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Kernel:
    """A rule compiled for one element type. Steps change their arrays in place, all of them or none."""

    rule: Rule
    dtype: str
    certificate: Certificate
    stepping: Part = field(repr=False)
    querying: Part | None = field(default=None, repr=False)

    @property
    def source(self) -> str:
        """The generated module."""
        return self.stepping.source

    @property
    def bytes_per_element(self) -> int:
        """Bytes one step reads and writes for each element."""
        return self.stepping.bytes_per_element

    def init(self, theta: Array, /, **hyperparameters: float) -> dict[str, Array]:
        """The state before the first step, shaped like theta (for an average: like its input)."""
        diagnose.array(self.rule.inputs[0], theta, self.dtype, stored=False)
        self._with(hyperparameters)
        return {s.name: self._initial(s.initial, theta, hyperparameters) for s in self.rule.states}

    def step(self, theta: Array, g: Array, /, state: Mapping[str, Array], t: int = 1, **hyperparameters: float) -> None:
        """One step in place: theta and the state (for an average `step(x, out, state)`: out and the state)."""
        try:
            buffers = [state[name] for name in self.rule.state_names]
        except (TypeError, KeyError, IndexError):
            diagnose.state(state, self.rule.state_names)
            raise
        self._call(self.stepping, [theta, g, *buffers], t, hyperparameters)

    def query(
        self, theta: Array, /, state: Mapping[str, Array], out: Array, t: int = 1, **hyperparameters: float
    ) -> None:
        """Write the point where the rule wants its gradient into `out`."""
        if self.querying is None:
            raise UserError(f"{self.rule.name} takes its gradient at theta", fix="use theta itself")
        diagnose.state(state, self.rule.state_names)
        self._call(self.querying, [theta, *(state[n] for n in self.querying.arrays[1:-1]), out], t, hyperparameters)

    def _call(self, part: Part, given: list[Array], t: int, hyperparameters: Mapping[str, float]) -> None:
        counter = t if type(t) is int else diagnose.whole(t)
        values = self._values(hyperparameters) if hyperparameters or self._needs else self._defaults
        arrays = _flat(given)
        try:
            code = part.entry(*arrays, counter, *values, 0, -1, SUBNORMAL)
        except (TypeError, OverflowError, NumbaError):  # another type than compiled for
            self._diagnose(part, given, counter)
            raise
        if code > 0:
            refusal = part.refusals[code - 1]
            raise UserError(refusal.what, where=self.rule.name, fix=refusal.fix)
        if code == LARGE:
            over_chunks(lambda lo, hi: part.entry(*arrays, counter, *values, lo, hi, SUBNORMAL), arrays[0].size, CHUNK)

    def _diagnose(self, part: Part, arrays: list[Array], t: int) -> None:
        named = dict(zip(part.arrays, arrays, strict=True))
        for name, value in named.items():
            diagnose.array(name, value, self.dtype, stored=name in part.stored)
        diagnose.shapes(named)
        if t.bit_length() > 63:
            raise UserError("t is beyond 2**63", where=self.rule.name, fix="count the steps from 1")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {h.name: place for place, h in enumerate(self.rule.hyperparameters)}

    @cached_property
    def _defaults(self) -> list[float | None]:
        return [None if h.default is None else float(h.default) for h in self.rule.hyperparameters]

    @cached_property
    def _needs(self) -> bool:
        """Whether a hyperparameter has no default."""
        return None in self._defaults

    def _values(self, given: Mapping[str, float]) -> list[float | None]:
        """Every hyperparameter in order, as floats."""
        values = self._with(given)
        if self._needs and None in values:
            name = self.rule.hyperparameter_names[values.index(None)]
            raise UserError(f"{self.rule.name} needs {name}", fix=f"give {name}=... at the call")
        return values

    def _with(self, given: Mapping[str, float]) -> list[float | None]:
        """The defaults, and what is given in their places."""
        values = list(self._defaults)
        for name, value in given.items():
            if name not in self._places:
                raise diagnose.unknown_hyperparameter(self.rule.name, given.keys() - self._places, tuple(self._places))
            values[self._places[name]] = value if type(value) is float else diagnose.real(name, value)
        return values

    def _initial(self, initial: Expr, theta: Array, given: Mapping[str, float]) -> Array:
        if isinstance(initial, Number):
            return np.full(theta.shape, float(initial.value), dtype=self.dtype)
        if isinstance(initial, Symbol) and initial.name in self._places:
            value = self._with(given)[self._places[initial.name]]
            if value is None:
                raise UserError(f"{self.rule.name} needs {initial.name}", fix=f"give {initial.name}=... to init")
            return np.full(theta.shape, value, dtype=self.dtype)
        if isinstance(initial, Symbol) and initial.name == self.rule.inputs[0]:
            return np.array(theta, dtype=self.dtype, order="C")
        raise UserError(f"an initial state of {initial} is not supported", where=self.rule.name, fix="use a constant")


def _flat(arrays: list[Array]) -> list[Array]:
    """Contiguous arrays of one shape as one-dimensional views; anything else as it is, for the entry to refuse."""
    shape = getattr(arrays[0], "shape", ())
    if len(shape) == 1:
        return arrays
    if all(type(a) is np.ndarray and a.shape == shape and a.flags.c_contiguous for a in arrays):
        return [a.reshape(-1) for a in arrays]
    return arrays
