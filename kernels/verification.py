"""What can be measured of a kernel, when asked for: its bits, its rounding, its special values."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evaluate import ball
from derive.expr import Expr
from derive.ops import Inexact, Undefined
from derive.rule import Rule
from kernels.certificate import Proof
from kernels.certify import parts_of, programs, proved_nonnegative
from kernels.driver import compile
from kernels.inputs import Array, Setting, arrays, ordinary_arrays, settings
from kernels.kernel import Kernel
from kernels.lower import goals, output_array
from kernels.oracle import interpret, same_bits
from kernels.program import Program
from kernels.rounding import bounds
from kernels.special import exceptions

BIT_ROWS = 203  # not a multiple of any vector length
ROUNDING_ROWS = 24
PRECISIONS = (128, 512, 4096)  # bits of the balls


@dataclass(frozen=True)
class KernelReport:
    """Everything `derive verify` says about one kernel. `bits`, `rounding` and `special` are (holds, in words, ...)."""

    rule: str
    dtype: str
    program_proved: Proof
    readback_proved: Proof
    bits: tuple[bool, str]
    rounding: tuple[bool, str, str]
    special: tuple[bool, str]
    seconds: float


def verify_kernel(rule: Rule, dtype: str, *, fresh: bool = False) -> KernelReport:
    """Compile the rule and compare what the kernel computes with the oracle and with exact values.

    A report made before for the same content is used again unless `fresh`.
    """
    from kernels import cache
    from kernels.content import content_key

    start = time.perf_counter()
    kernel = compile(rule, dtype, unproved=True)
    name = f"report-{content_key(rule, dtype)}"
    kept = None if fresh else _from_files(cache.fetch(name))
    if kept is None:
        nonnegative = proved_nonnegative(rule)
        kept = {
            "bits": compare_bits(kernel),
            "rounding": compare_rounding(kernel, nonnegative),
            "special": special_values(kernel, nonnegative),
        }
        cache.keep(name, {"report.json": json.dumps(kept).encode()})
    certificate = kernel.certificate
    return KernelReport(
        rule.name,
        dtype,
        certificate.program,
        certificate.source,
        tuple(kept["bits"]),
        tuple(kept["rounding"]),
        tuple(kept["special"]),
        time.perf_counter() - start,
    )


def _from_files(files: Mapping[str, bytes] | None) -> Any:
    return None if files is None else json.loads(files["report.json"])


def call(kernel: Kernel, part: str, given: Mapping[str, Array], setting: Setting) -> dict[str, Array]:
    """What the compiled kernel stores, from copies of the arrays."""
    copies = {name: a.copy() for name, a in given.items()}
    state = {name: copies[name] for name in kernel.rule.state_names if name in copies}
    if part == "query":
        kernel.query(copies["theta"], state, copies[output_array(kernel.rule)], setting.t, **setting.hyperparameters)
        return copies
    first, second = kernel.stepping.arrays[:2]
    kernel.step(copies[first], copies[second], state, setting.t, **setting.hyperparameters)
    return copies


def compare_bits(kernel: Kernel) -> tuple[bool, str]:
    """Whether the kernel's results are the oracle's, bit for bit, on the zoo of inputs at every setting."""
    count = 0
    for part in parts_of(kernel.rule):
        program = programs(kernel.rule, kernel.dtype, part).final
        given = arrays(program.arrays, kernel.dtype, BIT_ROWS)
        for setting in settings(kernel.rule):
            expected = interpret(program, given, setting.scalars)
            actual = call(kernel, part, given, setting)
            for array, values in expected.items():
                if not same_bits(actual[array], values):
                    row = _first_difference(actual[array], values)
                    return False, _difference(part, array, row, actual[array], values, given, setting)
                count += values.size
    return True, f"{count} values equal"


def _first_difference(a: Array, b: Array) -> int:
    return next(row for row in range(a.size) if not same_bits(a[row : row + 1], b[row : row + 1]))


def _difference(
    part: str, array: str, row: int, actual: Array, expected: Array, given: Mapping[str, Array], setting: Setting
) -> str:
    inputs = ", ".join(f"{name} = {float(a[row])!r}" for name, a in given.items())
    scalars = ", ".join(f"{name} = {value!r}" for name, value in setting.scalars.items())
    return f"{part} {array}: {float(actual[row])!r}, the oracle {float(expected[row])!r}, at {inputs}, {scalars}"


def compare_rounding(kernel: Kernel, nonnegative: tuple[str, ...]) -> tuple[bool, str, str]:
    """Whether every result lies within its running error bound of the exact value, and where there is no bound."""
    tally = Tally()
    for part in parts_of(kernel.rule):
        program = programs(kernel.rule, kernel.dtype, part).final
        wanted = goals(kernel.rule, part)
        given = rounding_inputs(program, nonnegative)
        for setting in settings(kernel.rule):
            _compare_setting(kernel, part, program, wanted, given, setting, tally)
    return not tally.broken, tally.text(), tally.region()


def rounding_inputs(program: Program, nonnegative: tuple[str, ...]) -> dict[str, Array]:
    """Ordinary inputs, then a few from the ends of the number line; all finite."""
    ordinary = ordinary_arrays(program.arrays, program.dtype, ROUNDING_ROWS, nonnegative)
    extreme = arrays(program.arrays, program.dtype, ROUNDING_ROWS, nonnegative)
    joined = {name: np.concatenate([ordinary[name], extreme[name]]) for name in program.arrays}
    finite = np.logical_and.reduce([np.isfinite(a) for a in joined.values()])
    return {name: np.ascontiguousarray(a[finite]) for name, a in joined.items()}


@dataclass
class Tally:
    """What the comparison with exact values has seen."""

    compared: int = 0
    total: int = 0
    undecided: int = 0
    broken: str = ""
    worst: float = 0.0
    unbounded: dict[str, int] | None = None
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
    part: str,
    program: Program,
    wanted: Mapping[str, Expr],
    given: Mapping[str, Array],
    setting: Setting,
    tally: Tally,
) -> None:
    limits, causes = bounds(program, given, setting.scalars)
    actual = call(kernel, part, given, setting)
    stored = [array for array in program.stored if array in wanted]
    for row in range(given[program.arrays[0]].size):
        open_rows = [array for array in stored if np.isfinite(limits[array][row])]
        tally.total += len(stored)
        if len(open_rows) < len(stored):
            _note_unbounded(tally, causes.of(row), len(stored) - len(open_rows), given, row, setting)
        values = {name: Fraction(float(a[row])) for name, a in given.items()}
        values |= {name: Fraction(v) for name, v in setting.scalars.items()}
        for array in open_rows:
            _compare_value(wanted[array], values, float(actual[array][row]), float(limits[array][row]), array, tally)


def _note_unbounded(
    tally: Tally, cause: str, count: int, given: Mapping[str, Array], row: int, setting: Setting
) -> None:
    tally.unbounded = tally.unbounded or {}
    tally.unbounded[cause] = tally.unbounded.get(cause, 0) + count
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


def special_values(kernel: Kernel, nonnegative: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the passes change what is finite only as the kernel's header says."""
    found: list[str] = []
    for part in parts_of(kernel.rule):
        made = programs(kernel.rule, kernel.dtype, part)
        found.extend(exceptions(made.lowered, made.final, kernel.rule, nonnegative))
    if not set(found) <= set(kernel.certificate.exceptions):
        return False, f"not declared: {min(set(found).difference(kernel.certificate.exceptions))}"
    return True, f"{len(found)} declared exceptions" if found else "kept"
