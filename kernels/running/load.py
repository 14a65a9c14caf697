"""From emitted source to a callable: the module is made from text, the machine code from a store of our own.

Numba's own cache trusts what it finds and writes where it likes. Here the machine code is bytes
that the caller has verified, and compiling gives bytes that the caller may keep.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import linecache
import os
import pickle
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core import serialize
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys

from derive.errors import UserError
from kernels.storage import ARITHMETIC

_REALS = numba.types.float64[::1]
GRADIENT = numba.types.void(_REALS, _REALS)  # of a user's `gradient(theta, out)`
LOSS = numba.types.float64(_REALS)  # of a user's `loss(theta)`


class _Text(importlib.abc.ExecutionLoader):
    """A module from text in memory, so that what was verified is what runs, and no .pyc is written or believed."""

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source

    def get_filename(self, fullname: str) -> str:
        return self.path

    def get_source(self, fullname: str) -> str:
        return self.source

    def is_package(self, fullname: str) -> bool:
        return False


class _Code(_Cache):  # type: ignore[misc]
    """The machine code of one function: given, or kept here once compiled."""

    def __init__(self, code: bytes | None) -> None:
        self.code = code

    @property
    def cache_path(self) -> None:
        return None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        if self.code is None:
            return None
        outside, parts = pickle.loads(self.code)
        rtsys.initialize(target_context)
        if any(llvm.address_of_symbol(name) is None for name in outside):
            target_context.refresh()  # all that Numba can compile, which takes longer to import than Numba itself
        return CompileResult._rebuild(target_context, *parts)

    def save_overload(self, sig: Any, data: Any) -> None:
        self.code = serialize.dumps((_outside(data.library), data._reduce()))

    def enable(self) -> None: ...

    def disable(self) -> None: ...

    def flush(self) -> None: ...


def _outside(library: Any) -> list[str]:
    """What machine code takes from the process: the names that must have an address before it is linked."""
    module = library._final_module
    return [x.name for x in (*module.functions, *module.global_variables)
            if x.is_declaration and not x.name.startswith("llvm.")]  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """The compiled entry, its machine code, and the module it stands in."""

    entry: Callable[..., int]
    code: bytes
    module: Any


def load(name: str, path: str, source: str, signature: Any, code: bytes | None = None) -> Loaded:
    """Compile `entry` for one signature only, or take its verified machine code.

    `path` is where a debugger finds the source; where there is no such file the text is kept for it.
    """
    module = module_from_text(name, path, source)
    store = _Code(code)
    entry = module.entry
    entry._cache = store
    entry.compile(signature)
    entry.disable_compile()
    assert store.code is not None
    return Loaded(entry, store.code, module)


def module_from_text(name: str, path: str, source: str) -> Any:
    """The module, findable by its name while Numba rebuilds its functions."""
    if numba.config.DISABLE_JIT:
        raise UserError("Numba's compiler is switched off", fix="unset NUMBA_DISABLE_JIT")
    loader = _Text(path, source)
    spec = importlib.util.spec_from_loader(name, loader, origin=path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if not os.path.exists(path):
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    loader.exec_module(module)
    return module


def signature(
    arrays: Iterable[str], stored: Iterable[bool], parameters: int, *, sums: bool = False, drawn: bool = False
) -> Any:
    """The types of `entry`: contiguous arrays, read-only where nothing is stored, t, the hyperparameters, a range.

    A table for sums of squares follows the arrays where these are added up, the seed of random bits t.
    """
    types = [
        numba.types.Array(memory(name), 1, "C", readonly=not written)
        for name, written in zip(arrays, stored, strict=True)
    ]
    if sums:
        types.append(numba.types.float64[:, ::1])
    whole, real = numba.types.int64, numba.types.float64
    counters = [whole] * (2 if drawn else 1)
    return whole(*types, *counters, *[real] * (parameters - 1), whole, whole, real)


def memory(dtype: str) -> Any:
    """What compiled code takes an element for: itself, or the bits of what Numba does not know."""
    return getattr(numba.types, dtype if dtype in ARITHMETIC else "uint16")


def signature_of_run(dtype: str, states: int, hyperparameters: int) -> Any:
    """The types of a run's `entry`: data and output of two axes, a row for each state, t, the hyperparameters, a
    range, the smallest number, and whether time is the last axis."""
    element = getattr(numba.types, dtype)
    whole, real = numba.types.int64, numba.types.float64
    data = numba.types.Array(element, 2, "C", readonly=True)
    rows = [element[::1]] * states
    return whole(
        data, element[:, ::1], *rows, whole, *[real] * hyperparameters, whole, whole, real, numba.types.boolean
    )


def signature_of_descent(*, given: bool) -> Any:
    """The types of a descent's `entry`: the values of the grid, their places, the problem's data and minimum, how many
    steps, a distance, the smallest number, where results begin, a range; and the results. With `given` also two
    functions, the gradient and the loss."""
    whole, real = numba.types.int64, numba.types.float64
    read = numba.types.Array(real, 1, "C", readonly=True)
    places = numba.types.Array(whole, 2, "C", readonly=True)
    out = real[::1]
    functions = [numba.types.FunctionType(s) for s in (GRADIENT, LOSS)] if given else []
    return whole(
        read, places, read, read, whole, real, real, whole, whole, whole, out, out, out, whole[::1], *functions
    )
