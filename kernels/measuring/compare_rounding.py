"""The kernel beside exact values: every result within its running error bound, and where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np

from derive.evaluate import ball
from derive.expr import Expr, Number
from derive.ops import Inexact, Undefined
from derive.rule import Rule
from derive.tensors import by_coordinates
from kernels.lower import PartName, goals
from kernels.measuring.compare_bits import call, call_list
from kernels.measuring.inputs import Array, Setting, arrays, ordinary_arrays, settings, types_of
from kernels.measuring.norms import norm_errors, norms_of_list
from kernels.measuring.rounding import Bounds, bounds
from kernels.norms import measured
from kernels.pipeline import parts_of, programs
from kernels.program import Program
from kernels.running.kernel import Kernel

ROWS = 24  # ordinary ones, and as many from the ends of the number line
TENSOR = 4  # elements: a norm of exact numbers grows with them
PRECISIONS = (128, 512, 4096)  # bits of the balls


def compare_rounding(kernel: Kernel, nonnegative: tuple[str, ...]) -> tuple[bool, str, str]:
    """Whether every result lies within its running error bound of the exact value, and where there is no bound."""
    tally = Tally()
    for part in parts_of(kernel.rule):
        if part == "norms":
            continue  # a norm's error is in the step's
        program = programs(kernel.rule, kernel.storage, part).final
        wanted = goals(kernel.rule, part)
        given = rounding_inputs(program, nonnegative)
        for setting in settings(kernel.rule):
            for together in tensors(kernel.rule, given):
                _compare_setting(kernel, part, program, wanted, together, setting, tally)
    return not tally.broken, tally.text(), tally.region()


def rounding_inputs(program: Program, nonnegative: tuple[str, ...]) -> dict[str, Array]:
    """Ordinary inputs, then a few from the ends of the number line; all finite."""
    ordinary = ordinary_arrays(program.arrays, types_of(program), ROWS, nonnegative)
    extreme = arrays(program.arrays, types_of(program), ROWS, nonnegative)
    joined = {name: np.concatenate([ordinary[name], extreme[name]]) for name in program.arrays}
    finite = np.logical_and.reduce([np.isfinite(a) for a in joined.values()])
    return {name: np.ascontiguousarray(a[finite]) for name, a in joined.items()}


def tensors(rule: Rule, given: Mapping[str, Array]) -> Iterator[Sequence[Mapping[str, Array]]]:
    """The rows as one tensor where each goes its own way; else as tensors of a few, two at once for norms of all."""
    size = next(iter(given.values())).size
    step = TENSOR if rule.norms else max(1, size)
    parts = (0, 1, step) if measured(rule).over_all else (0, step)
    for start in range(0, size, step):
        yield [
            {name: np.ascontiguousarray(a[start + lo : min(start + hi, size)]) for name, a in given.items()}
            for lo, hi in pairwise(parts)
        ]


def _written_out(
    wanted: Mapping[str, Expr], together: Sequence[Mapping[str, Array]], scalars: Mapping[str, float]
) -> list[dict[str, tuple[Expr, ...]]]:
    """What every coordinate of each tensor should receive, as numbers."""
    sizes = [next(iter(given.values())).size for given in together]
    values = {
        name: tuple(Number(Fraction(float(x))) for given in together for x in given[name]) for name in together[0]
    }
    values |= {name: (Number(Fraction(v)),) * sum(sizes) for name, v in scalars.items()}
    written = by_coordinates(wanted.values(), values, sum(sizes), sizes=sizes)
    ends = list(accumulate(sizes, initial=0))
    return [{name: row[lo:hi] for name, row in zip(wanted, written, strict=True)} for lo, hi in pairwise(ends)]


@dataclass
class Tally:
    """What the comparison with exact values has seen."""

    compared: int = 0
    total: int = 0
    undecided: int = 0
    broken: str = ""
    worst: float = 0.0
    unbounded: dict[str, int] = field(default_factory=dict)
    example: str = ""

    def text(self) -> str:
        if self.broken:
            return self.broken
        left = f", {self.undecided} undecided" if self.undecided else ""
        return f"{self.compared} of {self.total} within their bound, at most {self.worst:.2f} of it{left}"

    def region(self) -> str:
        if not self.unbounded:
            return ""
        causes = ", ".join(f"{cause} ({count})" for cause, count in sorted(self.unbounded.items()))
        return f"no bound for {sum(self.unbounded.values())} of {self.total}: {causes}; e.g. {self.example}"


def _compare_setting(
    kernel: Kernel,
    part: PartName,
    program: Program,
    wanted: Mapping[str, Expr],
    together: Sequence[Mapping[str, Array]],
    setting: Setting,
    tally: Tally,
) -> None:
    """Of one tensor, or of some that are stepped together."""
    norms = norms_of_list(kernel.rule, kernel.storage, together, setting.scalars)
    errors = norm_errors(kernel.rule, kernel.storage, together, setting.scalars, norms)
    exact = _written_out(wanted, together, setting.scalars) if kernel.rule.norms else [{} for _ in together]
    actual = call_list(kernel, together, setting) if len(together) > 1 else [call(kernel, part, together[0], setting)]
    for k, given in enumerate(together):
        found = bounds(program, given, setting.scalars | norms[k], errors[k])
        _compare_tensor(program, wanted, exact[k], given, actual[k], found, setting, tally)


def _compare_tensor(
    program: Program,
    wanted: Mapping[str, Expr],
    exact: Mapping[str, tuple[Expr, ...]],
    given: Mapping[str, Array],
    actual: Mapping[str, Array],
    found: Bounds,
    setting: Setting,
    tally: Tally,
) -> None:
    stored = [array for array in program.stored if array in wanted]
    tally.total += len(stored) * given[program.arrays[0]].size
    for row in range(given[program.arrays[0]].size):
        values = {name: Fraction(float(a[row])) for name, a in given.items()}
        values |= {name: Fraction(v) for name, v in setting.scalars.items()}
        for array in stored:
            limit = float(found.errors[array][row])
            if np.isfinite(limit):
                _compare_value(
                    exact[array][row] if exact else wanted[array],
                    values,
                    float(actual[array][row]),
                    limit,
                    array,
                    tally,
                )
            else:
                _note_unbounded(tally, found.causes[array][row], given, row, setting)


def _note_unbounded(tally: Tally, cause: str, given: Mapping[str, Array], row: int, setting: Setting) -> None:
    tally.unbounded[cause] = tally.unbounded.get(cause, 0) + 1
    if not tally.example:
        inputs = ", ".join(f"{name} = {float(a[row]):g}" for name, a in given.items())
        scalars = ", ".join(f"{name} = {value:g}" for name, value in setting.scalars.items())
        tally.example = f"{scalars}, {inputs}"


def _compare_value(
    wanted: Expr, values: Mapping[str, Fraction], actual: float, limit: float, array: str, tally: Tally
) -> None:
    from flint import arb

    for bits in PRECISIONS:
        [exact] = ball([wanted], values, bits)
        if isinstance(exact, Undefined):
            tally.undecided += 1
            return
        if isinstance(exact, Inexact):
            continue
        distance = abs(exact - arb(actual))
        if distance <= arb(limit):
            tally.compared += 1
            tally.worst = max(tally.worst, float(distance.upper()) / limit if limit else 0.0)
            return
        if distance > arb(limit):
            at = ", ".join(f"{name} = {float(v)!r}" for name, v in values.items())
            tally.broken = (
                tally.broken or f"{array} = {actual!r} is farther than {limit:g} from the exact value at {at}"
            )
            return
    tally.undecided += 1
