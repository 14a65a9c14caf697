"""A compiled rule: make its state, step in place, and read what is known about it.

k = compile("adam", dtype="float32")
state = k.init(theta)
k.step(theta, g, state, t=1, lr=1e-3)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import numpy as np
from numba.core.errors import NumbaError

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, symbols
from derive.rule import Rule
from kernels.certificate import Certificate
from kernels.checks import LARGE, Check
from kernels.running import diagnose, many
from kernels.running.adding import norms_of, table
from kernels.running.pool import SUBNORMAL
from kernels.running.sharing import Proved
from kernels.running.tables import Examples, Tables, examples
from kernels.storage import ARITHMETIC, Storage, numpy_dtype

Array = np.ndarray[Any, Any]
Arrays = Array | Sequence[Array]  # one tensor, or a list of tensors of any shapes
_PLAIN = np.ndarray  # a name of the module is found sooner than NumPy's
_LISTS = (list, tuple)


@dataclass(frozen=True)
class Part:
    """One compiled program and how it is called: its arrays in order, and what its refusals mean."""

    arrays: tuple[str, ...]
    stored: tuple[str, ...]
    refusals: tuple[Check, ...]
    bytes_per_element: int
    source: str
    proved: Proved
    entry: Callable[..., int] = field(repr=False, compare=False)

    @property
    def types(self) -> tuple[str, ...]:
        """For each array, its type in memory."""
        return self.proved.types

    @property
    def drawn(self) -> bool:
        """Whether what is stored is rounded by random bits."""
        return self.proved.drawn

    @cached_property
    def is_stored(self) -> Array:
        """For each array, whether it is stored into."""
        return np.array([a in self.stored for a in self.arrays])

    @cached_property
    def examples(self) -> Examples:
        """An array of each one's type."""
        return examples([np.zeros(1, numpy_dtype(name)) for name in self.types], self.is_stored)

    @cached_property
    def nothing(self) -> list[Array]:
        """Arrays without elements."""
        return [a[:0] for a in self.examples.arrays]

    @cached_property
    def narrow(self) -> tuple[int, ...]:
        """The places of arrays that compiled code takes as bits."""
        return tuple(place for place, name in enumerate(self.types) if name not in ARITHMETIC)

    def compiled_for(self, arrays: list[Array]) -> list[Array]:
        """The arrays as compiled code takes them. Raises TypeError for one of another type than its bits say."""
        if not self.narrow:
            return arrays
        taken = [*arrays]
        for place in self.narrow:
            if arrays[place].dtype != self.examples.arrays[place].dtype:
                raise TypeError(arrays[place].dtype)
            taken[place] = arrays[place].view(np.uint16)
        return taken

    @cached_property
    def guarded(self) -> int:
        """The place of the gradient; of an average, of its input."""
        return self.arrays.index("g") if "g" in self.arrays else 0


@dataclass(frozen=True)
class Kernel:
    """A rule compiled for one element type, or two. Steps change their arrays in place, all of them or none."""

    rule: Rule
    storage: Storage
    certificate: Certificate
    stepping: Part = field(repr=False)
    querying: Part | None = field(default=None, repr=False)
    measuring: Part | None = field(default=None, repr=False)

    @property
    def dtype(self) -> str:
        """The type of the parameter and its gradient, or of an average's input and output."""
        return self.storage.dtype

    @property
    def source(self) -> str:
        """The generated module."""
        return self.stepping.source

    @property
    def bytes_per_element(self) -> int:
        """Bytes one step reads and writes for each element."""
        measured = 0 if self.measuring is None else self.measuring.bytes_per_element
        return self.stepping.bytes_per_element + measured

    @overload
    def init(self, theta: Array, /, **hyperparameters: float) -> dict[str, Array]: ...
    @overload
    def init(self, theta: Sequence[Array], /, **hyperparameters: float) -> dict[str, list[Array]]: ...
    def init(self, theta: Arrays, /, **hyperparameters: float) -> Mapping[str, Arrays]:
        """The state before the first step, shaped like theta; for an average `init(x)`, shaped like its input.

        Of a list of tensors each buffer is a list. Raises UserError for an array that is not the kernel's, an unknown
        hyperparameter or one outside its domain.
        """
        if isinstance(theta, list | tuple):
            each = [self._init(f"{self.rule.inputs[0]}[{k}]", a, hyperparameters) for k, a in enumerate(theta)]
            return {name: [state[name] for state in each] for name in self.rule.state_names}
        assert not isinstance(theta, Sequence)
        return self._init(self.rule.inputs[0], theta, hyperparameters)

    def _init(self, name: str, theta: Array, hyperparameters: Mapping[str, float]) -> dict[str, Array]:
        self._refuse_array(name, theta, stored=False)
        values = self._with(hyperparameters)
        for h, value in zip(self.rule.hyperparameters, values, strict=True):
            if h.name in hyperparameters:
                diagnose.inside(self.rule.name, h, value)
        return {s.name: self._initial(s.initial, theta, values) for s in self.rule.states}

    def step(
        self,
        theta: Arrays,
        g: Arrays,
        /,
        state: Mapping[str, Arrays],
        t: int | None = None,
        *,
        guard: bool | float = False,  # a truth value; floats are for **hyperparameters, as type checkers see them
        seed: int | float | None = None,  # a whole number
        **hyperparameters: float,
    ) -> bool | None:
        """One step in place: `theta` and the buffers of `state` change, `g` does not.

        An average is called `step(x, out, state)`: `x` is only read, `out` and the state are overwritten.
        Both are arrays of the same kind, so that nobody notices when they are swapped: mind the order.

        `t` counts the steps from 1, and is needed where the rule uses it. Arrays are C-contiguous, of one
        shape and of the kernel's dtype. Lists of arrays are tensors of any shapes, stepped in one call; norms are
        those of each, or of all of them where the rule says so. With `guard`, a step with a gradient that is not finite
        is not made, and the answer says whether it was. A kernel that rounds by random bits makes them from `seed`, a
        whole number, from t, the number of the tensor in its list and that of the element: the same for the same,
        whatever threads there are.
        Raises UserError, before anything is stored; KeyboardInterrupt when the step is complete.
        """
        try:
            buffers = [state[name] for name in self.rule.state_names]
        except (TypeError, KeyError, IndexError):
            diagnose.state(state, self.rule.state_names, self.rule.inputs[0])
            raise
        done = self._call(self.stepping, [theta, g, *buffers], t, hyperparameters, bool(guard), seed)
        return done if guard else None

    def query(
        self, theta: Arrays, /, state: Mapping[str, Arrays], out: Arrays, t: int | None = None, **hyperparameters: float
    ) -> None:
        """Write the point where the rule wants its gradient into `out`; nothing else changes.

        Arguments and errors are those of `step`; UserError too where the rule takes its gradient at theta.
        """
        if self.querying is None:
            raise UserError(f"{self.rule.name} takes its gradient at theta", fix="use theta itself")
        diagnose.state(state, self.rule.state_names, self.rule.inputs[0])
        self._call(self.querying, [theta, *(state[n] for n in self.querying.arrays[1:-1]), out], t, hyperparameters)

    def step_addresses(
        self,
        addresses: Any,
        sizes: Any,
        t: int | None = None,
        *,
        guard: bool | float = False,
        seed: int | float | None = None,
        **hyperparameters: float,
    ) -> bool | None:
        """A step of tensors whose memory others own, such as those of PyTorch.

        `addresses` has a row for theta, g and each buffer of the state, in that order, and a column for each tensor;
        `sizes` says how many elements each has. That contiguous elements of the kernel's types lie there, and stay
        there until the step is done, is for the caller to know.
        """
        when, values = self._scalars(self.stepping, t, seed, hyperparameters)
        done = many.step_addresses(self, self.stepping, addresses, sizes, when, values, bool(guard))
        return done if guard else None

    def batch(self, addresses: Any, sizes: Any, t: int, hyperparameters: Mapping[str, float]) -> many.Batch:
        """Tensors for `step_batches`, which steps several batches; arguments are those of `step_addresses`."""
        when, values = self._scalars(self.stepping, t, None, hyperparameters)
        return many.Batch(self, addresses, sizes, when, values)

    def __repr__(self) -> str:
        return f"Kernel({self.rule.name}, {self.storage}, {self._standing})"

    def _repr_markdown_(self) -> str:
        """What is known of the kernel and its source, for a notebook."""
        parts = (self.measuring, self.stepping, self.querying)
        sources = [part.source for part in parts if part is not None]
        known = f"**{self.rule.name}**, {self.storage}, {self._standing}\n\n```text\n{self.certificate}\n```\n"
        return "\n".join([known, *(f"```python\n{source}```\n" for source in sources)])

    @property
    def _standing(self) -> str:
        return "proved" if self.certificate.proved else "not proved"

    def _scalars(
        self, part: Part, t: int | None, seed: Any, hyperparameters: Mapping[str, float]
    ) -> tuple[tuple[int, ...], list[float | None]]:
        """What counts: t, with the seed where one is needed; and every hyperparameter."""
        counter = t if type(t) is int else self._counter(t, part)
        values = self._values(hyperparameters) if hyperparameters or self._needs else self._defaults
        if seed is None and not part.drawn:
            return (counter,), values
        return self._seeded(part, counter, seed), values

    def _seeded(self, part: Part, counter: int, seed: Any) -> tuple[int, int]:
        if not part.drawn:
            stores = "stores nothing in 16 bits" if self.storage.rounding != "nearest" else "rounds to nearest"
            stores = stores if self.storage.narrow else f"keeps everything in {self.dtype}"
            raise UserError(f"this kernel {stores}, and needs no seed", where=self.rule.name,
                            fix='leave seed out, or compile with dtype="bfloat16", rounding="stochastic"')  # fmt: skip
        if seed is None:
            raise UserError("a kernel that rounds by random bits needs a seed", where=self.rule.name,
                            fix="give seed=0, or another for other bits")  # fmt: skip
        return counter, diagnose.seed(seed)

    def _call(
        self,
        part: Part,
        given: list[Any],
        t: int | None,
        hyperparameters: Mapping[str, float],
        guard: bool = False,
        seed: Any = None,
    ) -> bool:
        when, values = self._scalars(part, t, seed, hyperparameters)
        if type(given[0]) in _LISTS:
            return many.step_arrays(self, part, given, when, values, guard)
        for array in given:
            if type(array) is not _PLAIN:  # Numba would judge others by what it has seen before
                given = self._plain(part, given)
                break
        arrays = _flat(given)
        if guard:
            self._diagnose(part, given, when[0])
            return many.step_one(self, part, arrays, when, values, guard)
        if part is self.stepping and self.measuring is not None:
            sums = table(arrays[0].size, len(self.measuring.stored))
            if self._enter(self.measuring, given, [*arrays, sums], when[:1], values):
                return many.step_one(self, part, arrays, when, values)
            values = [*values, *norms_of(sums)]
        large = self._enter(part, given, arrays, when, values)
        return many.step_one(self, part, arrays, when, values) if large else True

    def _enter(
        self, part: Part, given: list[Array], arrays: list[Array], when: tuple[int, ...], values: list[float | None]
    ) -> bool:
        """One part's work. True where all is right, but nothing is done: threads should share the work."""
        try:
            code = part.entry(*part.compiled_for(arrays), *when, *values, 0, -1, SUBNORMAL)
        except (TypeError, OverflowError, NumbaError):  # another type than compiled for
            self._diagnose(part, given, when[0])
            raise
        if code > 0:
            refusal = part.refusals[code - 1]
            raise UserError(refusal.what, where=self.rule.name, fix=refusal.fix)
        return code == LARGE

    def check_scalars(self, part: Part, when: tuple[int, ...], values: list[float | None]) -> None:
        """Raises UserError for a counter or hyperparameter that a step refuses, by a step of nothing."""
        nothing = part.nothing
        if part is self.stepping and self.measuring is not None:
            self._enter(self.measuring, nothing, [*nothing, table(0, len(self.measuring.stored))], when[:1], values)
        else:
            self._enter(part, nothing, nothing, when, values)

    @cached_property
    def spare(self) -> list[Tables]:
        """Tables for the next steps of many tensors."""
        return []

    def _counter(self, t: Any, part: Part) -> int:
        """The step counter as an int; without one, any will do where neither rule nor random bits use it."""
        if t is not None:
            return diagnose.whole(t)
        if self._counts or part.drawn:
            what = "counts its steps" if self._counts else "rounds by random bits, others at every step"
            raise UserError(f"{self.rule.name} {what}", fix="give t=1, 2, ...")
        return 1

    @cached_property
    def _counts(self) -> bool:
        """Whether the rule uses the step counter."""
        query = () if self.rule.query is None else (self.rule.query,)
        return "t" in self.rule.inputs or "t" in symbols(*(a.value for a in self.rule.body), *query)

    def _plain(self, part: Part, given: list[Array]) -> list[Array]:
        """The arrays, memory maps as the arrays they are; any other type is refused."""
        for name, value in zip(part.arrays, given, strict=True):
            self._refuse_array(name, value, stored=name in part.stored)
        return [a.view(np.ndarray) for a in given]

    def _refuse_array(self, name: str, value: Any, *, stored: bool) -> None:
        place = f'state["{name}"]' if name in self.rule.state_names else name
        diagnose.array(name, value, self._type_of(name), place=place, kept=stored or place != name, stored=stored)

    def _type_of(self, name: str) -> str:
        """The type that an argument has in memory, by its name, which may have a place in a list behind it."""
        return self.storage.state if name in self.rule.state_names else self.storage.dtype

    def _diagnose(self, part: Part, arrays: list[Array], t: int) -> None:
        named = dict(zip(part.arrays, arrays, strict=True))
        for name, value in named.items():
            self._refuse_array(name, value, stored=name in part.stored)
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

    def _initial(self, initial: Expr, theta: Array, values: list[float | None]) -> Array:
        dtype = numpy_dtype(self.storage.state)
        if isinstance(initial, Number):
            return np.full(theta.shape, float(initial.value), dtype=dtype)
        if isinstance(initial, Symbol) and initial.name in self._places:
            value = values[self._places[initial.name]]
            if value is None:
                raise UserError(f"{self.rule.name} needs {initial.name}", fix=f"give {initial.name}=... to init")
            return np.full(theta.shape, value, dtype=dtype)
        if isinstance(initial, Symbol) and initial.name == self.rule.inputs[0]:
            return np.array(theta, dtype=dtype, order="C")
        raise UserError(f"an initial state of {initial} is not supported", where=self.rule.name, fix="use a constant")


def _flat(arrays: list[Array]) -> list[Array]:
    """Contiguous arrays of one shape as one-dimensional views; anything else as it is, for the entry to refuse."""
    shape = arrays[0].shape
    if len(shape) == 1:
        return arrays
    if all(a.shape == shape and a.flags.c_contiguous for a in arrays):
        return [a.reshape(-1) for a in arrays]
    return arrays
