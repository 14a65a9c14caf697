"""What `derive bench --json` writes."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.cli.documents import document

if TYPE_CHECKING:
    from kernels.bench.comparing import Plan, Timed

VERSIONS = ("derive-kernels", "numpy", "numba", "torch", "jax", "optax")


def bench_document(plans: Sequence[Plan], timed: Sequence[Sequence[Timed]], moved: Sequence[int]) -> dict[str, Any]:
    """The rows of all plans, the kernel's ratios, the machine and the versions. `moved`: bytes an element, by plan."""
    rows = []
    for plan, found, width in zip(plans, timed, moved, strict=True):
        seconds = {(each.sizes, each.peer): each.median for each in found}
        rows += [
            {
                "rule": plan.rule, "peer": each.peer, "dtype": plan.dtype, "elements": each.elements,
                "tensors": len(each.sizes), "bytes_per_element": width, "median_seconds": each.median,
                "least_seconds": each.least, "of_floor": _quotient(each.median, seconds[each.sizes, "floor"]),
                "of_kernel": _quotient(each.median, seconds[each.sizes, "kernel"]), "skipped": each.skipped,
            }
            for each in found
        ]  # fmt: skip
    best = [row for plan, found in zip(plans, timed, strict=True) for row in _best(plan, found)]
    return document("bench", machine=_machine(plans[0].threads), versions=_versions(), rows=rows, best=best)


def _best(plan: Plan, timed: Sequence[Timed]) -> Iterator[dict[str, Any]]:
    """For each list of sizes the kernel over its floor, and who of the others is the quickest."""
    for sizes in plan.sizes:
        seconds = {each.peer: each.median for each in timed if each.sizes == sizes and each.median is not None}
        kernel, floor = seconds.pop("kernel", None), seconds.pop("floor", None)
        peer = min(seconds, key=lambda name: seconds[name], default=None)
        yield {
            "rule": plan.rule, "elements": sum(sizes), "tensors": len(sizes),
            "kernel_of_floor": _quotient(kernel, floor), "best_peer": peer,
            "kernel_of_best_peer": _quotient(kernel, seconds.get(peer or "")),
        }  # fmt: skip


def _quotient(seconds: float | None, other: float | None) -> float | None:
    return None if seconds is None or other is None else seconds / other


def _machine(threads: int) -> dict[str, Any]:
    """The machine, and how busy it is: how many processes have lately wanted to run."""
    from kernels.running.pool import workers

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": platform.machine(), "model": _model(), "system": platform.system(),
        "threads": threads or workers(), "load": load,
    }  # fmt: skip


def _model() -> str:
    """What the processor calls itself."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()


def _versions() -> dict[str, str]:
    """The versions of what is installed of what is compared."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in VERSIONS:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    with suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True, timeout=10)
        found["gcc"] = asked.stdout.strip()
    return found
