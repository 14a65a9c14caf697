"""One step of many tensors, or of a large one: looked at all together, then shared among threads.

Everything is checked before anything is stored, and then the whole step is done: Ctrl-C is raised after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import UserError
from kernels.checks import ENOUGH_FOR_THREADS
from kernels.running import loops
from kernels.running.memory import cells, done, found, threads_of
from kernels.running.pool import begun, crew, share
from kernels.running.sharing import shared
from kernels.running.survey import BLOCK
from kernels.running.tables import Overlap, Tables, Unfit, are_apart, joined, survey, survey_addresses, tables
from kernels.running.unfit import named, plain, same_lengths, shared_memory
from kernels.storage import BYTES, EXPONENTS

if TYPE_CHECKING:
    from kernels.running.kernel import Kernel, Part

Array = np.ndarray[Any, Any]
SPARE = 4  # tables that a kernel keeps for its next steps
When = tuple[int, ...]  # t, and the seed where there are random bits
CHUNK = 1 << 14  # elements: enough to hide the taking, few enough for threads to end together
BLOCKS = CHUNK // BLOCK  # of a chunk, where norms are measured


@dataclass(frozen=True)
class Batch:
    """Tensors of one kernel that are given by address and make the same step: see `step_addresses`."""

    kernel: Kernel
    addresses: Any
    sizes: Any
    when: When
    values: list[float | None]


@dataclass(frozen=True)
class Work:
    """Tables that have been found to be right, and what is to be done with them."""

    kernel: Kernel
    part: Part
    made: Tables
    when: When
    values: list[float | None]

    @property
    def measuring(self) -> Part | None:
        """What measures the norms that the part is given."""
        return self.kernel.measuring if self.part is self.kernel.stepping else None


def step_arrays(
    kernel: Kernel, part: Part, rows: Sequence[Sequence[Array]], when: When, values: list[float | None], guard: bool
) -> bool:
    """A step of tensors given as arrays, a row for each of the part's arguments. False where the guard skipped it."""
    same_lengths(kernel, part, rows)
    arrays = tuple(chain.from_iterable(rows))
    made = _borrow(kernel, len(rows), len(rows[0]))
    try:
        try:
            survey(made, arrays, part.examples)
        except Unfit:
            arrays = tuple(plain(kernel, part, arrays, len(rows[0])))
            survey(made, arrays, part.examples)
    except Overlap as overlap:
        raise shared_memory(kernel, part, overlap.places, len(rows[0]), listed=True) from None
    return _step(kernel, part, made, when, values, guard)


def step_one(
    kernel: Kernel, part: Part, arrays: Sequence[Array], when: When, values: list[float | None], guard: bool = False
) -> bool:
    """A step of one tensor given as arrays that have been found to be right, but perhaps for overlaps."""
    made = _borrow(kernel, len(arrays), 1)
    try:
        survey(made, tuple(arrays), part.examples)
    except Overlap as overlap:
        raise shared_memory(kernel, part, overlap.places, 1, listed=False) from None
    return _step(kernel, part, made, when, values, guard)


def step_addresses(
    kernel: Kernel, part: Part, addresses: Any, sizes: Any, when: When, values: list[float | None], guard: bool
) -> bool:
    """A step of tensors given by address: a row for each argument, a column for each tensor of so many elements.

    What lies there must be what the kernel takes; only sizes, alignment and overlaps are checked.
    """
    return _step(kernel, part, _surveyed(kernel, part, addresses, sizes), when, values, guard)


def step_batches(batches: Sequence[Batch], stepped: Callable[[int], object]) -> None:
    """A step of several batches of tensors given by address; `stepped` is told the number of each when it is stepped.

    Everything is checked before the first is; the norms of all tensors are those of all batches together. Ctrl-C is
    raised when the batch that is stepped is complete and `stepped` has been told.
    """
    made = [_surveyed(b.kernel, b.kernel.stepping, b.addresses, b.sizes) for b in batches]
    if len(batches) > 1 and not are_apart(made, [b.kernel.stepping.examples for b in batches]):
        raise UserError("tensors of two groups share memory", fix="give each tensor memory of its own")
    for batch in batches:
        batch.kernel.check_scalars(batch.kernel.stepping, batch.when, batch.values)
    work = [
        Work(b.kernel, b.kernel.stepping, tables, b.when, b.values) for b, tables in zip(batches, made, strict=True)
    ]
    _measure(work)
    for number, each in enumerate(work):
        cell = _cell(each.made.elements)
        try:
            _walk(each, cell)
        finally:
            if done(cell) >= each.made.elements:
                stepped(number)


def _surveyed(kernel: Kernel, part: Part, addresses: Any, sizes: Any) -> Tables:
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
        raise shared_memory(kernel, part, overlap.places, counts.size, listed=True) from None
    except Unfit as unfit:
        what = f"{named(kernel, part, unfit.place, counts.size, listed=True)[0]} is not aligned in memory"
        raise UserError(what, where=kernel.rule.name, fix="give the address of its first element") from None
    return made


def _step(kernel: Kernel, part: Part, made: Tables, when: When, values: list[float | None], guard: bool) -> bool:
    """All that is left: the scalars are checked, nothing else can be wrong."""
    kernel.check_scalars(part, when, values)
    if guard and not _finite(made, part.types[part.guarded], part.guarded):
        _give_back(kernel, made)
        return False
    work = Work(kernel, part, made, when, values)
    _measure([work])
    _walk(work, _cell(made.elements))
    return True


def _walk(work: Work, cell: Array) -> None:
    """The step itself, shared among threads."""
    made, total, when, values = work.made, work.made.elements, work.when, work.values
    entry = shared(work.part.proved)
    given = [made.addresses, made.starts, *([made.norms] if work.measuring is not None else [])]
    _divide(lambda cell, chunk, mine: entry(*given, cell, total, chunk, mine, *when, *values), cell, total, CHUNK)
    _give_back(work.kernel, made)


def _measure(works: Sequence[Work]) -> None:
    """The norms of every tensor, where there are any; those of all tensors are of all that is given."""
    for work in works:
        if work.measuring is not None:
            work.made.room(len(work.measuring.stored))
            _add_up(work.measuring, work)
    first = next((work for work in works if work.measuring is not None), None)
    if first is None or first.measuring is None:
        return
    made = [work.made for work in works]
    if len(made) == 1:
        blocks, sums, norms = made[0].blocks, made[0].sums, made[0].norms
    else:
        blocks, sums = joined(made)
        norms = np.zeros((len(blocks) - 1, sums.shape[1]))
    nothing = first.made.addresses, first.made.starts
    shared(first.measuring.proved)(*nothing, blocks, sums, norms, cells(1), 0, 0, 0, first.when[0], *first.values)
    if len(made) > 1:
        for each, own in zip(made, np.split(norms, np.cumsum([m.norms.shape[0] for m in made])[:-1]), strict=True):
            each.norms[:] = own


def _add_up(measuring: Part, work: Work) -> None:
    """The sums of the squares of every block."""
    made, t, values = work.made, work.when[0], work.values
    entry, total = shared(measuring.proved), int(made.blocks[-1])
    given = (made.addresses, made.starts, made.blocks, made.sums, made.norms)
    _divide(
        lambda cell, chunk, mine: entry(*given, cell, total, chunk, mine, t, *values),
        _cell(made.elements),
        total,
        BLOCKS,
    )


def _finite(made: Tables, dtype: str, row: int) -> bool:
    """Whether every gradient is finite."""
    entry, total = loops.finite(), made.elements
    addresses, starts = made.addresses[row], made.starts

    def look(cell: Array, chunk: int, mine: int) -> object:
        return entry(addresses, starts, BYTES[dtype], EXPONENTS[dtype], cell, total, chunk, mine)

    cell = _cell(total // 4)  # elements soon looked at: fewer are worth a thread
    _divide(look, cell, total, CHUNK)
    return not found(cell)


def _cell(elements: int) -> Array:
    """What threads count in: for this thread alone where the elements are few.

    It is for one step alone: a thread that comes late finds that all is taken.
    """
    return cells(1) if elements <= ENOUGH_FOR_THREADS else cells(crew(), begun())


def _divide(work: Callable[[Array, int, int], object], cell: Array, total: int, chunk: int) -> None:
    """Do all the work, here where the cell is for one thread, otherwise shared among threads."""
    if threads_of(cell) == 1:
        work(cell, max(total, 1), 0)
    else:
        share(lambda mine: work(cell, chunk, mine), lambda: done(cell) >= total)


# What a step borrows


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
