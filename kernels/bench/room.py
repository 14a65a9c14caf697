"""How much memory peers need, and how much there is."""

from __future__ import annotations

from pathlib import Path

from derive.rule import Rule
from kernels.pipeline import programs

PROCESS = 1 << 29  # bytes of a process before it holds any tensor, its libraries included
BYTES = {"float32": 4, "float64": 8}
_TEMPORARIES = {"torch foreach": 3, "torch single": 3, "torch compiled": 3, "optax": 4}  # arrays, about


def needed(rule: Rule, dtype: str, sizes: tuple[int, ...], peer: str) -> int:
    """About how many bytes a peer's process takes for tensors of these sizes: the rule's arrays and its own ones.

    NumPy keeps the result of every line until the step is over, of one tensor at a time.
    """
    program = programs(rule, dtype).final
    lines = len(program.body) * max(sizes) if peer == "numpy" else 0
    arrays = len(program.arrays) + _TEMPORARIES.get(peer, 0)
    return PROCESS + BYTES[dtype] * (arrays * sum(sizes) + lines)


def available() -> int | None:
    """The bytes that processes may take now without others giving any back; None where that is not known."""
    free = _line("/proc/meminfo", "MemAvailable:")
    limit, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
    if limit is not None and used is not None:
        within = max(0, limit - used)
        return within if free is None else min(free, within)
    return free


def _line(path: str, name: str) -> int | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(name)), None)


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # "max": no limit
        return None
