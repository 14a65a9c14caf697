"""Kernels on Dask arrays, block by block; nothing is computed before it is asked for.

A step changes no array of Dask: it answers with new ones. Within a block it is the same compiled step, so the values
are those of `kernels.compile(rule).step` on the whole array, to the bit, however it is divided into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.rule import Rule
from kernels.averages import over as over_numpy
from kernels.driver import compile
from kernels.running.kernel import Kernel

try:
    from dask import array as dask_array
except ImportError as missing:
    raise UserError("kernels.dask needs Dask", fix="install derive-kernels[cluster]") from missing


def init(kernel: Kernel, theta: Any, **hyperparameters: float) -> dict[str, Any]:
    """The state before the first step, arrays in the blocks of theta. Errors are those of `Kernel.init`."""
    _refuse(kernel, theta=theta)
    return {
        name: dask_array.map_blocks(
            _initial, theta, kernel.rule, kernel.dtype, name, hyperparameters, dtype=kernel.dtype, meta=_none(theta)
        )
        for name in kernel.rule.state_names
    }


def step(
    kernel: Kernel, theta: Any, g: Any, state: Mapping[str, Any], t: int | None = None, **hyperparameters: float
) -> tuple[Any, dict[str, Any]]:
    """Theta and the state after one step of arrays in the same blocks; of an average, what is in `g`'s place.

    Raises UserError for a rule that takes norms, which are those of a whole tensor, and for arrays that differ in shape
    or blocks; what else `Kernel.step` refuses, when it is computed.
    """
    names = kernel.rule.state_names
    if missing := [name for name in names if name not in state]:
        raise UserError(f"state has no {missing[0]!r}", where=kernel.rule.name, fix="make it with kernels.dask.init")
    arrays = [theta, g, *(state[name] for name in names)]
    _refuse(kernel, theta=theta, g=g, **{name: state[name] for name in names})
    # One call of the step for each block: its results lie along a first axis, from which they are taken apart again.
    stacked = dask_array.map_blocks(
        _stepped, *arrays, kernel.rule, kernel.dtype, t, hyperparameters, dtype=kernel.dtype,
        new_axis=0, chunks=((1 + len(names),), *theta.chunks), meta=_none(theta, 1),
    )  # fmt: skip
    return stacked[0], {name: stacked[1 + k] for k, name in enumerate(names)}


def over(rule: Rule | str | Callable[..., object], data: Any, axis: int = 0, **hyperparameters: float) -> Any:
    """An average's output along an axis, `kernels.averages.over`, on an array in blocks.

    The axis is one block, or is made so: each line along it is a stream of its own.
    """
    if not isinstance(data, dask_array.Array):
        raise UserError(f"{type(data).__name__} is no Dask array", fix="use kernels.averages.over")
    whole = data.rechunk({axis % max(1, data.ndim): -1})
    dtype = whole.dtype if whole.dtype.kind == "f" else np.dtype("float64")
    meta = np.empty((0,) * whole.ndim, dtype)
    return dask_array.map_blocks(_run, whole, rule, axis, hyperparameters, dtype=dtype, meta=meta)


def _stepped(*given: Any) -> Any:
    """One block: theta (of an average its output) and the states after the step, one below the other."""
    *arrays, rule, dtype, t, hyperparameters = given
    kernel = compile(rule, dtype)
    first, g, *buffers = (np.array(a, dtype=dtype, order="C") for a in arrays)
    kernel.step(first, g, dict(zip(rule.state_names, buffers, strict=True)), t, **hyperparameters)
    return np.stack([g if rule.is_average else first, *buffers])


def _initial(block: Any, rule: Rule, dtype: str, buffer: str, hyperparameters: Mapping[str, float]) -> Any:
    return compile(rule, dtype).init(np.array(block, order="C"), **hyperparameters)[buffer]


def _run(block: Any, rule: Any, axis: int, hyperparameters: Mapping[str, Any]) -> Any:
    return over_numpy(rule, np.require(block, requirements="A"), axis, **hyperparameters)


def _none(array: Any, more: int = 0) -> Any:
    """No elements, of the kind that a block holds."""
    return np.empty((0,) * (array.ndim + more), array.dtype)


def _refuse(kernel: Kernel, **arrays: Any) -> None:
    if kernel.rule.norms:
        what = f"{kernel.rule.name} takes a norm of the whole tensor, and blocks know nothing of each other"
        raise UserError(what, where=kernel.rule.where, fix="step the computed array")
    (name, first), *others = arrays.items()
    for place, array in arrays.items():
        if not isinstance(array, dask_array.Array):
            raise UserError(f"{place} is no Dask array", where=kernel.rule.name, fix="use dask.array.from_array")
        if array.dtype != np.dtype(kernel.dtype):
            fix = f"use {place}.astype(np.{kernel.dtype}), or compile for that dtype"
            raise UserError(f"{place} is {array.dtype}, the kernel {kernel.dtype}", fix=fix)
    for place, array in others:
        if array.chunks != first.chunks:
            raise UserError(f"{place} and {name} differ in shape or blocks", fix=f"use {place}.rechunk({name}.chunks)")
