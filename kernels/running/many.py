"""One step of many tensors, or of a large one: looked at all together, then shared among threads.

Everything is checked before anything is stored, and then the whole step is done: Ctrl-C is raised after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import UserError
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.running import diagnose, loops
from kernels.running.memory import cells, done, found
from kernels.running.pool import crew, share
from kernels.running.sharing import shared
from kernels.running.survey import BLOCK
from kernels.running.tables import Overlap, Tables, Unfit, survey, survey_addresses, tables
from kernels.storage import BYTES, EXPONENTS

if TYPE_CHECKING:
    from kernels.running.kernel import Kernel, Part

Array = np.ndarray[Any, Any]
SPARE = 4  # tables that a kernel keeps for its next steps
When = tuple[int, ...]  # t, and the seed where there are random bits
CHUNK = 1 << 14  # elements: enough to hide the taking, few enough for threads to end together
BLOCKS = CHUNK // BLOCK  # of a chunk, where norms are measured


def step_arrays(
    kernel: Kernel, part: Part, rows: Sequence[Sequence[Array]], when: When, values: list[float | None], guard: bool
) -> bool:
    """A step of tensors given as arrays, a row for each of the part's arguments. False where the guard skipped it."""
    _same_lengths(kernel, part, rows)
    arrays = tuple(chain.from_iterable(rows))
    made = _borrow(kernel, len(rows), len(rows[0]))
    try:
        try:
            survey(made, arrays, part.examples)
        except Unfit:
            arrays = tuple(_plain(kernel, part, arrays, len(rows[0])))
            survey(made, arrays, part.examples)
    except Overlap as overlap:
        raise _overlap(kernel, part, overlap.places, len(rows[0]), listed=True) from None
    return _step(kernel, part, made, when, values, guard)


def step_one(
    kernel: Kernel, part: Part, arrays: Sequence[Array], when: When, values: list[float | None], guard: bool = False
) -> bool:
    """A step of one tensor given as arrays that have been found to be right, but perhaps for overlaps."""
    made = _borrow(kernel, len(arrays), 1)
    try:
        survey(made, tuple(arrays), part.examples)
    except Overlap as overlap:
        raise _overlap(kernel, part, overlap.places, 1, listed=False) from None
    return _step(kernel, part, made, when, values, guard)


def step_addresses(
    kernel: Kernel, part: Part, addresses: Any, sizes: Any, when: When, values: list[float | None], guard: bool
) -> bool:
    """A step of tensors given by address: a row for each argument, a column for each tensor of so many elements.

    What lies there must be what the kernel takes; only sizes, alignment and overlaps are checked.
    """
    given, counts = np.asarray(addresses, np.int64), np.asarray(sizes, np.int64)
    if given.shape != (len(part.arrays), *counts.shape) or counts.ndim != 1 or (counts < 0).any():
        shape = f"{len(part.arrays)} rows ({', '.join(part.arrays)}) of one address for each size"
        raise UserError("the addresses and sizes do not fit each other", where=kernel.rule.name, fix=f"give {shape}")
    made = _borrow(kernel, *given.shape)
    made.addresses[:] = given
    np.cumsum(counts, out=made.starts[1:])
    try:
        survey_addresses(made, part.examples)
    except Overlap as overlap:
        raise _overlap(kernel, part, overlap.places, counts.size, listed=True) from None
    except Unfit as unfit:
        what = f"{_named(kernel, part, unfit.place, counts.size, listed=True)[0]} is not aligned in memory"
        raise UserError(what, where=kernel.rule.name, fix="give the address of its first element") from None
    return _step(kernel, part, made, when, values, guard)


def _step(kernel: Kernel, part: Part, made: Tables, when: When, values: list[float | None], guard: bool) -> bool:
    """All that is left: the scalars are checked, nothing else can be wrong."""
    kernel.check_scalars(part, when, values)
    total = made.elements
    if guard and not _finite(made, part.types[part.guarded], part.guarded):
        _give_back(kernel, made)
        return False
    if part is kernel.stepping and kernel.measuring is not None:
        _measure(kernel.measuring, made, when[0], values)
        given = [made.addresses, made.starts, made.norms]
    else:
        given = [made.addresses, made.starts]
    entry = shared(part.proved)
    _divide(lambda cell, chunk, mine: entry(*given, cell, total, chunk, mine, *when, *values), total, total, CHUNK)
    _give_back(kernel, made)
    return True


def _measure(measuring: Part, made: Tables, t: int, values: list[float | None]) -> None:
    """The norms of every tensor."""
    made.room(len(measuring.stored))
    entry, total = shared(measuring.proved), int(made.blocks[-1])
    given = (made.addresses, made.starts, made.blocks, made.sums, made.norms)
    _divide(lambda cell, chunk, mine: entry(*given, cell, total, chunk, mine, t, *values), total, made.elements, BLOCKS)
    entry(*given, cells(1), 0, 0, 0, t, *values)


def _finite(made: Tables, dtype: str, row: int) -> bool:
    """Whether every gradient is finite."""
    entry, total = loops.finite(), made.elements
    addresses, starts = made.addresses[row], made.starts

    def look(cell: Array, chunk: int, mine: int) -> object:
        return entry(addresses, starts, BYTES[dtype], EXPONENTS[dtype], cell, total, chunk, mine)

    return not found(_divide(look, total, total // 4, CHUNK))  # elements soon looked at: fewer are worth a thread


def _divide(work: Callable[[Array, int, int], object], total: int, elements: int, chunk: int) -> Array:
    """Do all the work, here where it is little, otherwise shared among threads; what they have counted."""
    if elements <= ENOUGH_FOR_THREADS:
        cell = cells(1)
        work(cell, max(total, 1), 0)
    else:
        cell = cells(crew())  # of this step alone: a thread that comes late finds that all is taken
        share(lambda mine: work(cell, chunk, mine), lambda: done(cell) >= total)
    return cell


# What a step borrows and what is wrong with what it was given


def _borrow(kernel: Kernel, rows: int, tensors: int) -> Tables:
    """Tables of this size that no other thread has."""
    while kernel.spare:
        try:
            made = kernel.spare.pop()
        except IndexError:  # another thread was first
            break
        if made.addresses.shape == (rows, tensors):
            return made
    return tables(rows, tensors)


def _give_back(kernel: Kernel, made: Tables) -> None:
    if len(kernel.spare) < SPARE:
        kernel.spare.append(made)


def _same_lengths(kernel: Kernel, part: Part, rows: Sequence[Sequence[Array]]) -> None:
    for name, row in zip(part.arrays, rows, strict=True):
        place = f'state["{name}"]' if name in kernel.rule.state_names else name
        if not isinstance(row, list | tuple):
            what = f"{place} must be a list of arrays like {part.arrays[0]}, not {type(row).__name__}"
            raise UserError(what, where=kernel.rule.name, fix="give a list for each argument")
        if len(row) != len(rows[0]):
            what = f"{place} has {len(row)} arrays, {part.arrays[0]} {len(rows[0])}"
            raise UserError(what, where=kernel.rule.name, fix="give one for each tensor, in the same order")


def _named(kernel: Kernel, part: Part, place: int, tensors: int, *, listed: bool) -> tuple[str, str]:
    """The array in messages, and what the caller calls it."""
    row, k = divmod(place, tensors)
    name, item = part.arrays[row], f"[{k}]" if listed else ""
    return name + item, (f'state["{name}"]{item}' if name in kernel.rule.state_names else name + item)


def _plain(kernel: Kernel, part: Part, arrays: Sequence[Array], tensors: int) -> list[Array]:
    """The arrays, memory maps as the arrays they are. Raises UserError for the first that is not the kernel's."""
    for place, value in enumerate(arrays):
        name, caller = _named(kernel, part, place, tensors, listed=True)
        stored = bool(part.is_stored[place // tensors])
        diagnose.array(name, value, part.types[place // tensors], place=caller, kept=True, stored=stored)
        first = _named(kernel, part, place % tensors, tensors, listed=True)[0]
        diagnose.shapes({first: arrays[place % tensors], name: value})
    return [a.view(np.ndarray) for a in arrays]


def _overlap(kernel: Kernel, part: Part, places: tuple[int, ...], tensors: int, *, listed: bool) -> UserError:
    """Of two stored arrays the second is to be copied; otherwise the one that is only read."""
    (a, _), (b, b_place) = (_named(kernel, part, place, tensors, listed=listed) for place in places)
    first_stored, second_stored = (bool(part.is_stored[place // tensors]) for place in places)
    if first_stored and second_stored:
        fix = f"{b_place} = {b_place}.copy() before the step"
    else:
        fix = f"use {b if first_stored else a}.copy()"
    return UserError(f"{a} and {b} share memory", where=kernel.rule.name, fix=fix)
