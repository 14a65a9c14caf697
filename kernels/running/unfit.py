"""What is wrong with tensors that a step is given, in words; for one that is no plain array, what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import UserError
from kernels.running import diagnose

if TYPE_CHECKING:
    from kernels.running.kernel import Kernel, Part

Array = np.ndarray[Any, Any]


def same_lengths(kernel: Kernel, part: Part, rows: Sequence[Sequence[Array]]) -> None:
    """Raises UserError where an argument is no list, or one of another length."""
    for name, row in zip(part.arrays, rows, strict=True):
        place = f'state["{name}"]' if name in kernel.rule.state_names else name
        if not isinstance(row, list | tuple):
            what = f"{place} must be a list of arrays like {part.arrays[0]}, not {type(row).__name__}"
            raise UserError(what, where=kernel.rule.name, fix="give a list for each argument")
        if len(row) != len(rows[0]):
            what = f"{place} has {len(row)} arrays, {part.arrays[0]} {len(rows[0])}"
            raise UserError(what, where=kernel.rule.name, fix="give one for each tensor, in the same order")


def named(kernel: Kernel, part: Part, place: int, tensors: int, *, listed: bool) -> tuple[str, str]:
    """The array in messages, and what the caller calls it."""
    row, k = divmod(place, tensors)
    name, item = part.arrays[row], f"[{k}]" if listed else ""
    return name + item, (f'state["{name}"]{item}' if name in kernel.rule.state_names else name + item)


def plain(kernel: Kernel, part: Part, arrays: Sequence[Array], tensors: int) -> list[Array]:
    """The arrays, memory maps as the arrays they are. Raises UserError for the first that is not the kernel's."""
    for place, value in enumerate(arrays):
        name, caller = named(kernel, part, place, tensors, listed=True)
        stored = bool(part.is_stored[place // tensors])
        diagnose.array(name, value, part.types[place // tensors], place=caller, kept=True, stored=stored)
        first = named(kernel, part, place % tensors, tensors, listed=True)[0]
        diagnose.shapes({first: arrays[place % tensors], name: value})
    return [a.view(np.ndarray) for a in arrays]


def shared_memory(kernel: Kernel, part: Part, places: tuple[int, ...], tensors: int, *, listed: bool) -> UserError:
    """Of two stored arrays the second is to be copied; otherwise the one that is only read."""
    (a, _), (b, b_place) = (named(kernel, part, place, tensors, listed=listed) for place in places)
    first_stored, second_stored = (bool(part.is_stored[place // tensors]) for place in places)
    if first_stored and second_stored:
        fix = f"{b_place} = {b_place}.copy() before the step"
    else:
        fix = f"use {b if first_stored else a}.copy()"
    return UserError(f"{a} and {b} share memory", where=kernel.rule.name, fix=fix)
