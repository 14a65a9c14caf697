"""A rule compiled for a CUDA card: its state and its steps on arrays that lie there.

k = kernels.cuda.compile("adam", dtype="float32")
state = k.init(theta)
k.step(theta, g, state, t=1, lr=1e-3)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, symbols
from derive.rule import Rule
from kernels.certificate import Certificate
from kernels.cuda.arrays import Seen, handle_of, look, refuse_overlaps, refuse_shapes, stream_of
from kernels.cuda.load import load, ptx_of
from kernels.cuda.machine import largest_grid, machine, threads
from kernels.emit import bytes_per_element
from kernels.program import Program
from kernels.running import diagnose
from kernels.running.adding import Array, norms_of_list, table

Arrays = Any  # an array on the card, or a list of them


@dataclass(frozen=True)
class CudaPart:
    """One program for a card, and its source; compiled when it is first launched."""

    name: str
    path: str
    program: Program
    source: str

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays, in the order in which it takes them."""
        return self.program.arrays

    @property
    def drawn(self) -> bool:
        """Whether what is stored is rounded by random bits."""
        return self.program.drawn

    @cached_property
    def launch(self) -> Callable[..., Any]:
        return load(self.name, self.path, self.source, self.program)


@dataclass(frozen=True)
class CudaKernel:
    """A rule for one element type. Steps change their arrays in place; they are launched, and not waited for."""

    rule: Rule
    dtype: str
    certificate: Certificate
    stepping: CudaPart = field(repr=False)
    querying: CudaPart | None = field(default=None, repr=False)
    measuring: CudaPart | None = field(default=None, repr=False)

    @property
    def source(self) -> str:
        """The generated module."""
        return self.stepping.source

    @property
    def bytes_per_element(self) -> int:
        """Bytes one step reads and writes for each element."""
        parts = (self.stepping, self.measuring)
        return sum(bytes_per_element(part.program) for part in parts if part is not None)

    def ptx(self, capability: tuple[int, int] = (9, 0)) -> str:
        """What a card of this compute capability is given; needs NVVM, and no card."""
        return ptx_of(self.stepping.name, self.stepping.path, self.source, self.stepping.program, capability)

    def init(self, theta: Arrays, /, **hyperparameters: float) -> dict[str, Any]:
        """The state before the first step, on the card, shaped like theta; of a list of arrays each buffer is a list.

        Raises UserError for an array that is not the kernel's, an unknown hyperparameter or one outside its domain.
        """
        machine()
        values = self._values(hyperparameters)
        first = self.rule.inputs[0]
        if isinstance(theta, list | tuple):
            looked = [(look(f"{first}[{k}]", a, self.dtype, place=f"{first}[{k}]", stored=False), a)
                      for k, a in enumerate(theta)]  # fmt: skip
            return {s.name: [self._initial(s.initial, seen, values) for seen, _ in looked] for s in self.rule.states}
        seen = look(first, theta, self.dtype, place=first, stored=False)
        return {s.name: self._initial(s.initial, seen, values) for s in self.rule.states}

    def step(
        self,
        theta: Arrays,
        g: Arrays,
        /,
        state: Mapping[str, Arrays],
        t: int | None = None,
        *,
        stream: Any = 0,
        **hyperparameters: float,
    ) -> None:
        """One step in place: `theta` and the buffers of `state` change, `g` does not.

        An average is called `step(x, out, state)`. Arrays have a `__cuda_array_interface__`, are C-contiguous, of one
        shape and of the kernel's dtype; lists of arrays are tensors of any shapes, everything being checked before the
        first is launched. `t` counts the steps from 1, and is needed where the rule uses it. `stream` is one of numba,
        PyTorch or CuPy, or its handle. Where the rule takes norms the step waits for them.
        Raises UserError before anything is stored.
        """
        self._call(self.stepping, [theta, g], state, self.rule.state_names, t, stream, hyperparameters)

    def query(
        self,
        theta: Arrays,
        /,
        state: Mapping[str, Arrays],
        out: Arrays,
        t: int | None = None,
        *,
        stream: Any = 0,
        **hyperparameters: float,
    ) -> None:
        """Write the point where the rule wants its gradient into `out`; nothing else changes."""
        if self.querying is None:
            raise UserError(f"{self.rule.name} takes its gradient at theta", fix="use theta itself")
        names = self.querying.arrays[1:-1]
        self._call(self.querying, [theta], state, names, t, stream, hyperparameters, [out])

    def __repr__(self) -> str:
        return f"CudaKernel({self.rule.name}, {self.dtype}, {'' if self.certificate.proved else 'not '}proved)"

    def _call(
        self,
        part: CudaPart,
        first: list[Arrays],
        state: Mapping[str, Arrays],
        names: Sequence[str],
        t: int | None,
        stream: Any,
        hyperparameters: Mapping[str, float],
        last: Sequence[Arrays] = (),
    ) -> None:
        """Everything is looked at, then every tensor launched."""
        machine()
        diagnose.state(state, self.rule.state_names, self.rule.inputs[0])
        counter, values, on = self._counter(t), self._values(hyperparameters), stream_of(stream)
        tensors = self._looked(part, [*first, *(state[name] for name in names), *last])
        refuse_overlaps([array for tensor in tensors for array in tensor], self.rule.name)
        norms = self._norms(part, tensors, counter, values, on)
        for tensor, known in zip(tensors, norms, strict=True):
            if tensor[0].size:
                self._launch(part, tensor, counter, [*values, *known], on)

    def _looked(self, part: CudaPart, rows: list[Arrays]) -> list[list[Seen]]:
        """Where the arrays of every tensor lie."""
        listed = isinstance(rows[0], list | tuple)
        columns: list[list[Seen]] = []
        for name, row in zip(part.arrays, rows, strict=True):
            place = f'state["{name}"]' if name in self.rule.state_names else name
            if isinstance(row, list | tuple) is not listed or (listed and len(row) != len(rows[0])):
                what = f"{place} and {part.arrays[0]} are not both arrays, or lists of one length"
                raise UserError(what, where=self.rule.name, fix="give an array for each, or one for each tensor")
            items = [(f"[{k}]", a) for k, a in enumerate(row)] if listed else [("", row)]
            stored = name in part.program.stored
            columns.append([look(name + k, a, self.dtype, place=place + k, stored=stored) for k, a in items])
        tensors = [list(tensor) for tensor in zip(*columns, strict=True)]
        for tensor in tensors:
            refuse_shapes(tensor)
        return tensors

    def _norms(
        self, part: CudaPart, tensors: list[list[Seen]], t: int, values: list[float], stream: Any
    ) -> list[list[float]]:
        """The norms that the part is given of every tensor."""
        if part is not self.stepping or self.measuring is None:
            return [[] for _ in tensors]
        sums: list[Array] = []
        over_all: Sequence[int] = ()
        for tensor in tensors:
            measured = table(tensor[0].size, len(self.measuring.program.stores))
            if len(measured):
                arrays = [array.flat(handle_of(stream)) for array in tensor]
                there = machine().device_array(measured.shape, np.float64)
                over_all = self.measuring.launch(*arrays, there, t, *values, len(measured), threads(), stream)
                measured = there.copy_to_host(stream=stream)
                if stream:
                    stream.synchronize()
            sums.append(measured)
        return norms_of_list(sums, over_all)

    def _launch(self, part: CudaPart, tensor: list[Seen], t: int, values: list[float], stream: Any) -> None:
        arrays = [array.flat(handle_of(stream)) for array in tensor]
        blocks = min(-(-tensor[0].size // threads()), largest_grid())
        part.launch(*arrays, t, *values, blocks, threads(), stream)

    def _counter(self, t: Any) -> int:
        """The step counter as an int; without one, any will do where the rule does not use it."""
        if t is None:
            query = () if self.rule.query is None else (self.rule.query,)
            if "t" in self.rule.inputs or "t" in symbols(*(a.value for a in self.rule.body), *query):
                raise UserError(f"{self.rule.name} counts its steps", fix="give t=1, 2, ...")
            return 1
        counter = diagnose.whole(t)
        if not 1 <= counter < 2**63:
            raise UserError("t must be at least 1, and below 2**63", where=self.rule.name, fix="count the steps from 1")
        return counter

    def _values(self, given: Mapping[str, float]) -> list[float]:
        """Every hyperparameter in order, as floats inside their domains."""
        unknown = given.keys() - {*self.rule.hyperparameter_names}
        if unknown:
            raise diagnose.unknown_hyperparameter(self.rule.name, unknown, self.rule.hyperparameter_names)
        return list(self._filled(given))

    def _filled(self, given: Mapping[str, float]) -> Iterator[float]:
        for h in self.rule.hyperparameters:
            if h.name not in given and h.default is None:
                raise UserError(f"{self.rule.name} needs {h.name}", fix=f"give {h.name}=... at the call")
            value = diagnose.real(h.name, given.get(h.name, h.default))
            diagnose.inside(self.rule.name, h, value)
            yield value

    def _initial(self, initial: Expr, like: Seen, values: list[float]) -> Any:
        """A buffer of the state, on the card."""
        if isinstance(initial, Symbol) and initial.name == self.rule.inputs[0]:
            return machine().to_device(like.flat(0).copy_to_host().reshape(like.shape))
        if isinstance(initial, Number):
            value = float(initial.value)
        elif isinstance(initial, Symbol) and initial.name in self.rule.hyperparameter_names:
            value = values[self.rule.hyperparameter_names.index(initial.name)]
        else:
            raise UserError(f"an initial state of {initial} is not supported", where=self.rule.name,
                            fix="use a constant")  # fmt: skip
        return machine().to_device(np.full(like.shape, value, dtype=self.dtype))
