"""The kernel beside the oracle: the same inputs, the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from derive.reading.norms import BLOCK
from derive.rule import Rule
from kernels.lower import PartName, output_array
from kernels.measuring.inputs import SEED, Array, Setting, arrays, ordinary_arrays, plain_arrays, settings, types_of
from kernels.measuring.norms import norms_by_oracle, norms_of_list
from kernels.measuring.oracle import interpret, same_bits
from kernels.norms import measured
from kernels.pipeline import parts_of, programs
from kernels.running.kernel import Kernel

ROWS = 203  # not a multiple of any vector length
LIST = (3, BLOCK + ROWS, 0, 1, ROWS, 70, 9)  # sizes of tensors that are stepped together


def call(kernel: Kernel, part: PartName, given: Mapping[str, Array], setting: Setting) -> dict[str, Array]:
    """What the compiled kernel stores, from copies of the arrays."""
    copies = {name: a.copy() for name, a in given.items()}
    state = {name: copies[name] for name in kernel.rule.state_names if name in copies}
    if part == "query":  # which reads some of the state
        state = {name: state.get(name, copies["theta"]) for name in kernel.rule.state_names}
        kernel.query(copies["theta"], state, copies[output_array(kernel.rule)], setting.t, **setting.hyperparameters)
        return copies
    first, second = kernel.stepping.arrays[:2]
    seed = {"seed": SEED} if kernel.stepping.drawn else {}
    kernel.step(copies[first], copies[second], state, setting.t, **seed, **setting.hyperparameters)
    return copies


def call_list(kernel: Kernel, tensors: Sequence[Mapping[str, Array]], setting: Setting) -> list[dict[str, Array]]:
    """What the kernel makes of copies of a list of tensors in one step."""
    copies = [{name: a.copy() for name, a in given.items()} for given in tensors]
    first, second, *buffers = ([each[name] for each in copies] for name in kernel.stepping.arrays)
    state = dict(zip(kernel.stepping.arrays[2:], buffers, strict=True))
    seed = {"seed": SEED} if kernel.stepping.drawn else {}
    kernel.step(first, second, state, setting.t, **seed, **setting.hyperparameters)
    return copies


def compare_bits(
    kernel: Kernel, rows: int = ROWS, at: Callable[[Rule], Iterable[Setting]] = settings
) -> tuple[bool, str]:
    """Whether the kernel's results are the oracle's, bit for bit, on so many rows of the zoo at every setting."""
    count = 0
    if measured(kernel.rule).over_all:
        count, said = _compare_lists(kernel, at)
        if said:
            return False, said
    for part, given in _inputs(kernel, rows):
        program = programs(kernel.rule, kernel.storage, part).final
        for setting in at(kernel.rule):
            norms = norms_by_oracle(kernel.rule, kernel.storage, given, setting.scalars)
            expected = interpret(program, given, setting.scalars | norms, seed=SEED)
            actual = call(kernel, part, given, setting)
            for array, values in expected.items():
                if not same_bits(actual[array], values):
                    row = _first_difference(actual[array], values)
                    return False, _difference(part, array, row, actual[array], values, given, setting)
                count += values.size
    return True, f"{count} values equal"


def _compare_lists(kernel: Kernel, at: Callable[[Rule], Iterable[Setting]]) -> tuple[int, str]:
    """How many values of a list of tensors are those of the oracle; which is not."""
    program = programs(kernel.rule, kernel.storage).final
    ends = np.cumsum([0, *LIST])
    whole = plain_arrays(program.arrays, types_of(program), int(ends[-1]))
    tensors = [{name: a[lo:hi] for name, a in whole.items()} for lo, hi in pairwise(ends)]
    count = 0
    for setting in at(kernel.rule):
        norms = norms_of_list(kernel.rule, kernel.storage, tensors, setting.scalars)
        stepped = call_list(kernel, tensors, setting)
        for k, (given, known, actual) in enumerate(zip(tensors, norms, stepped, strict=True)):
            for array, values in interpret(program, given, setting.scalars | known, seed=SEED, tensor=k).items():
                if not same_bits(actual[array], values):
                    row = _first_difference(actual[array], values)
                    return count, _difference("step", array, row, actual[array], values, given, setting)
                count += values.size
    return count, ""


def _inputs(kernel: Kernel, rows: int) -> Iterator[tuple[PartName, dict[str, Array]]]:
    """Each part with the zoo; where norms are measured, also with finite tensors of one element and of some blocks."""
    for part in parts_of(kernel.rule):
        program = programs(kernel.rule, kernel.storage, part).final
        names, types = program.arrays, types_of(program)
        if part != "norms":
            yield part, arrays(names, types, rows)
        if kernel.rule.norms and part == "step":
            yield part, ordinary_arrays(names, types, 1, ())
            yield part, ordinary_arrays(names, types, 2 * BLOCK + rows, ())


def _first_difference(a: Array, b: Array) -> int:
    return next(row for row in range(a.size) if not same_bits(a[row : row + 1], b[row : row + 1]))


def _difference(
    part: PartName, array: str, row: int, actual: Array, expected: Array, given: Mapping[str, Array], setting: Setting
) -> str:
    inputs = ", ".join(f"{name} = {float(a[row])!r}" for name, a in given.items())
    scalars = ", ".join(f"{name} = {value!r}" for name, value in setting.scalars.items())
    return f"{part} {array}: {float(actual[row])!r}, the oracle {float(expected[row])!r}, at {inputs}, {scalars}"
