"""Why a call was refused: looked at in Python, once it is known that something is wrong."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from derive.errors import UserError


def whole(t: Any) -> int:
    """The step counter as an int; True and 1.5 are not counters."""
    if isinstance(t, bool | np.bool_):
        raise UserError("t must be a whole number, not a truth value", fix="count the steps from 1")
    try:
        return operator.index(t)
    except TypeError:
        raise UserError(f"t must be a whole number, not {_shown(t)}", fix="count the steps from 1") from None


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


def array(name: str, value: Any, dtype: str, *, stored: bool) -> None:
    """Refuse what is not a contiguous array of the kernel's type, writable where it is stored."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        raise UserError(f"{name} must be a NumPy array, not {_shown(value)}", fix=f"use np.asarray({name}, np.{dtype})")
    if value.dtype != np.dtype(dtype):
        fix = f"use {name}.astype(np.{dtype}) or compile for that dtype"
        raise UserError(f"{name} is {value.dtype}, the kernel {dtype}", fix=fix)
    if not value.flags.c_contiguous:
        raise UserError(f"{name} is not C-contiguous", fix=f"use np.ascontiguousarray({name})")
    if not value.flags.aligned:
        raise UserError(f"{name} is not aligned in memory", fix=f"use {name}.copy()")
    if stored and not value.flags.writeable:
        raise UserError(f"{name} is read-only, but the step stores into it", fix=f"use {name}.copy()")


def state(value: Any, names: tuple[str, ...]) -> None:
    """Refuse what does not hold every buffer of the state."""
    if not isinstance(value, Mapping):
        raise UserError(f"state must be the dictionary that init(...) made, not {_shown(value)}", fix="use init(theta)")
    for name in names:
        if name not in value:
            raise UserError(f"state has no {name!r}", fix="make it with init(theta)")


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
