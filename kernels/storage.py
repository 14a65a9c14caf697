"""The types of a kernel's numbers: in memory, where parameters and states may differ, and in its arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.errors import UserError
from derive.reading.narrow import FORMATS as NARROW

ARITHMETIC = ("float32", "float64")
DTYPES = (*ARITHMETIC, *NARROW)
ROUNDINGS = ("nearest", "stochastic")
BYTES = {"float32": 4, "float64": 8, "bfloat16": 2, "float16": 2}
# All the bits of the exponent: what infinities and NaN have, and no other number.
EXPONENTS = {"float32": 0x7F800000, "float64": 0x7FF0000000000000, "bfloat16": 0x7F80, "float16": 0x7C00}


@dataclass(frozen=True)
class Storage:
    """How a kernel keeps its numbers.

    `dtype` is the type of the parameter and its gradient, or of an average's input and output; `state` that of the
    states. The arithmetic is done in float32, or in float64 where everything is. What is stored in a narrower type than
    that is rounded once, as `rounding` says.
    """

    dtype: str
    state: str
    rounding: str = "nearest"

    @property
    def arithmetic(self) -> str:
        return "float64" if self.dtype == "float64" else "float32"

    @property
    def narrow(self) -> bool:
        """Whether anything is kept in fewer bits than it is computed with."""
        return {self.dtype, self.state} != {self.arithmetic}

    @property
    def words(self) -> str:
        """The types of the arrays."""
        return self.dtype if self.state == self.dtype else f"{self.dtype}, state {self.state}"

    def __str__(self) -> str:
        return self.words + ("" if self.rounding == "nearest" else f", {self.rounding} rounding")


def arithmetic_of(dtype: object) -> str:
    """The name of a type that is computed with, where nothing may be kept in another. Raises UserError."""
    name = _word(dtype)
    if name not in ARITHMETIC:
        raise UserError(f"no kernels for dtype {dtype!r}", fix=f"use {' or '.join(ARITHMETIC)}")
    return name


def storage_of(dtype: object, state: object = None, rounding: str = "nearest") -> Storage:
    """The storage that is asked for by names, NumPy types or dtypes. Raises UserError where no kernel has it."""
    if isinstance(dtype, Storage):
        return dtype
    kept = _name(dtype)
    found = Storage(kept, kept if state is None else _name(state), rounding)
    if rounding not in ROUNDINGS:
        raise UserError(f"no kernels that round {rounding!r}", fix=f"use {' or '.join(map(repr, ROUNDINGS))}")
    if {found.dtype, found.state} & {"float64"} and found.dtype != found.state:
        what = f"no kernels for {found.words}: float64 goes with nothing else"
        raise UserError(what, fix="use float32, or one type for both")
    if rounding != "nearest" and not found.narrow:
        fix = f"use {' or '.join(NARROW)} for dtype or state, or leave out rounding"
        raise UserError(f"nothing is rounded where everything is {found.dtype}", fix=fix)
    return found


def numpy_dtype(name: str) -> Any:
    """The type as NumPy's dtype."""
    import numpy as np

    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def finfo(name: str) -> Any:
    """The limits of a type, as NumPy gives those of its own."""
    import ml_dtypes

    return ml_dtypes.finfo(numpy_dtype(name))  # type: ignore[no-untyped-call]


def written(name: str) -> str:
    """The type as one writes it in a call."""
    return f"ml_dtypes.{name}" if name == "bfloat16" else f"np.{name}"


def _name(dtype: object) -> str:
    name = _word(dtype)
    if name not in DTYPES:
        raise UserError(f"no kernels for dtype {dtype!r}", fix=f"use {', '.join(DTYPES[:-1])} or {DTYPES[-1]}")
    return name


def _word(dtype: object) -> str:
    """A type's name, from its name, a NumPy type or a dtype."""
    return dtype if isinstance(dtype, str) else str(getattr(dtype, "__name__", getattr(dtype, "name", "")))
