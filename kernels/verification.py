"""What can be measured of a kernel, when asked for: its bits, its rounding, its special values."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.rule import Rule
from kernels.certificate import Proof
from kernels.certify import proved_nonnegative
from kernels.driver import compile
from kernels.measuring.compare_bits import compare_bits
from kernels.measuring.compare_rounding import compare_rounding
from kernels.measuring.special import exceptions
from kernels.norms import measured
from kernels.pipeline import parts_of, programs
from kernels.running import cache
from kernels.running.content import content_key
from kernels.running.kernel import Kernel
from kernels.storage import Storage


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


def verify_kernel(rule: Rule, dtype: str | Storage, *, fresh: bool = False) -> KernelReport:
    """Compile the rule and compare what the kernel computes with the oracle and with exact values.

    A report made before for the same content is used again unless `fresh`.
    """
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
        str(dtype),
        certificate.program,
        certificate.source,
        tuple(kept["bits"]),
        tuple(kept["rounding"]),
        tuple(kept["special"]),
        time.perf_counter() - start,
    )


def _from_files(files: Mapping[str, bytes] | None) -> Any:
    return None if files is None else json.loads(files["report.json"])


def special_values(kernel: Kernel, nonnegative: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the passes change what is finite only as the kernel's header says."""
    found: list[str] = []
    for part in parts_of(kernel.rule):
        made = programs(kernel.rule, kernel.storage, part)
        found.extend(exceptions(made.lowered, made.final, measured(kernel.rule).rule, nonnegative))
    if not set(found) <= set(kernel.certificate.exceptions):
        return False, f"not declared: {min(set(found).difference(kernel.certificate.exceptions))}"
    return True, f"{len(found)} declared exception{'s' if len(found) > 1 else ''}" if found else "kept"
