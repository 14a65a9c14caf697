"""Why a call was refused: looked at in Python, once it is known that something is wrong."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.rule import Hyperparameter
from kernels.checks import domain_check
from kernels.storage import numpy_dtype, written


def whole(t: Any) -> int:
    """The step counter as an int; True and 1.5 are not counters."""
    if isinstance(t, bool | np.bool_):
        raise UserError("t must be a whole number, not a truth value", fix="count the steps from 1")
    try:
        return operator.index(t)
    except TypeError:
        raise UserError(f"t must be a whole number, not {_shown(t)}", fix="count the steps from 1") from None


def seed(value: Any) -> int:
    """A seed of random bits."""
    if not isinstance(value, bool | np.bool_):
        try:
            found = operator.index(value)
        except TypeError:
            found = -1
        if 0 <= found < 1 << 63:
            return found
    raise UserError(f"seed must be a whole number from 0 to 2**63 - 1, not {_shown(value)}", fix="give seed=0, 1, ...")


def real(name: str, value: Any) -> float:
    """A hyperparameter as a float."""
    if not isinstance(value, bool | np.bool_ | str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise UserError(f"{name} must be a finite number, not {_shown(value)}", fix=f"give {name} as a float")


def unknown_hyperparameter(kernel: str, names: Iterable[str], known: tuple[str, ...]) -> UserError:
    """The error for names that a rule does not have."""
    name = min(names)
    near = difflib.get_close_matches(name, known, n=3)
    meant = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known) or 'none'}"
    return UserError(f"{kernel} has no hyperparameter {name!r}", fix=meant)


def inside(kernel: str, hyperparameter: Hyperparameter, value: float | None) -> None:
    """Refuse a value that is not finite or outside the domain."""
    if value is None or not math.isfinite(value) or Fraction(value) not in hyperparameter.domain:
        refusal = domain_check(hyperparameter)
        raise UserError(refusal.what, where=kernel, fix=refusal.fix)


def array(name: str, value: Any, dtype: str, *, place: str, kept: bool, stored: bool) -> None:
    """Refuse what is not a contiguous array of the kernel's type, writable where it is stored.

    `place` is what the caller calls it; where it is `kept`, a remedy written into the call would be lost.
    """

    def instead(call: str) -> str:
        return f"{place} = {call} before the step" if kept else f"use {call}"

    if type(value) not in (np.ndarray, np.memmap):
        only = ", keeping only its data" if isinstance(value, np.ndarray) else ""
        fix = instead(f"np.asarray({place}, {written(dtype)})") + only
        raise UserError(f"{name} must be a plain NumPy array, not {_shown(value)}", fix=fix)
    if value.dtype != numpy_dtype(dtype):
        fix = f"{instead(f'{place}.astype({written(dtype)})')}, or compile for that dtype"
        raise UserError(f"{name} is {value.dtype}, the kernel {dtype}", fix=fix)
    if not value.flags.c_contiguous:
        raise UserError(f"{name} is not C-contiguous", fix=instead(f"np.ascontiguousarray({place})"))
    if not value.flags.aligned:
        raise UserError(f"{name} is not aligned in memory", fix=instead(f"{place}.copy()"))
    if stored and not value.flags.writeable:
        raise UserError(f"{name} is read-only, but the step stores into it", fix=instead(f"{place}.copy()"))


def state(value: Any, names: tuple[str, ...], first: str) -> None:
    """Refuse what does not hold every buffer of the state; `first` is what it is made from."""
    if not isinstance(value, Mapping):
        what = f"state must be the dictionary that init(...) made, not {_shown(value)}"
        raise UserError(what, fix=f"use init({first})")
    for name in names:
        if name not in value:
            raise UserError(f"state has no {name!r}", fix=f"make it with init({first})")


def shapes(arrays: Mapping[str, Any]) -> None:
    """Refuse arrays that differ in shape from the first."""
    first, *rest = arrays
    for name in rest:
        if np.shape(arrays[name]) != np.shape(arrays[first]):
            raise UserError(
                f"{name} has shape {np.shape(arrays[name])}, {first} {np.shape(arrays[first])}",
                fix=f"give {name} the shape of {first}",
            )


def _shown(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return f"{text[:40]}{'...' if len(text) > 40 else ''} ({type(value).__name__})"
