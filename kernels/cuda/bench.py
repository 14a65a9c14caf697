"""A step on a card beside PyTorch's and the card's own copies: `python -m kernels.cuda.bench [--rule R] [--size N]`.

Peers take turns, a batch of steps each in every round; a time is the median of the rounds. What a peer moves is said as
bytes that the step must read and write over its time, and as the share of what a copy on the card moves.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.bench.frameworks import TORCH
from kernels.cuda.driver import compile
from kernels.cuda.kernel import CudaKernel
from kernels.cuda.machine import machine, simulated

SEED = 7
COPY = "copy"
WARM = 3  # steps before anything is timed

Step = Callable[[int], object]


@dataclass(frozen=True)
class Row:
    """One peer: the time of a step in seconds, what it moves, and the share of the copy; or why it is left out."""

    peer: str
    seconds: float | None = None
    bytes_per_second: float | None = None
    share_of_copy: float | None = None
    skipped: str = ""

    def __str__(self) -> str:
        if self.seconds is None or self.bytes_per_second is None:
            return f"{self.peer:16}skipped: {self.skipped}"
        share = "" if self.share_of_copy is None else f"{self.share_of_copy:8.1%}"
        return f"{self.peer:16}{self.seconds * 1e3:12.4f}{self.bytes_per_second / 1e9:12.1f}{share:>10}"


def rows(times: Mapping[str, list[float]], skipped: Mapping[str, str], moved: Mapping[str, int]) -> list[Row]:
    """The table from the times of a step in every round, and the bytes that a step moves."""
    rates = {peer: moved[peer] / statistics.median(found) for peer, found in times.items()}
    copy = rates.get(COPY)
    return [
        *(Row(peer, statistics.median(times[peer]), rate, rate / copy if copy else None)
          for peer, rate in rates.items()),
        *(Row(peer, skipped=why) for peer, why in skipped.items()),
    ]  # fmt: skip


def measure(rule: Rule, dtype: str, size: int, rounds: int, steps: int) -> list[Row]:
    """Every peer in turn. Raises UserError without a card."""
    machine()
    made: dict[str, Step] = {}
    skipped: dict[str, str] = {}
    moved: dict[str, int] = {}
    kernel = compile(rule, dtype)
    for peer, make in _makers(kernel, size).items():
        try:
            made[peer], moved[peer] = make()
            for t in range(1, WARM + 1):
                made[peer](t)
        except UserError as error:
            skipped[peer] = error.what
    times: dict[str, list[float]] = {peer: [] for peer in made}
    for number in range(rounds):
        for peer, step in made.items():
            begun = WARM + 1 + number * steps
            times[peer].append(_timed(step, range(begun, begun + steps)))
    return rows(times, skipped, moved)


def _timed(step: Step, counters: Iterable[int]) -> float:
    """Seconds of a step; the card is idle before the first and after the last."""
    counted = list(counters)
    machine().synchronize()
    begun = time.perf_counter()
    for t in counted:
        step(t)
    machine().synchronize()
    return (time.perf_counter() - begun) / len(counted)


def _makers(kernel: CudaKernel, size: int) -> dict[str, Callable[[], tuple[Step, int]]]:
    return {
        "kernel": lambda: _kernel(kernel, size),
        "torch fused": lambda: _torch(kernel, size, fused=True),
        "torch foreach": lambda: _torch(kernel, size, foreach=True),
        COPY: lambda: _copy(kernel, size),
    }


def _drawn(dtype: str, size: int) -> tuple[Any, Any]:
    random = np.random.default_rng(SEED)
    return random.standard_normal(size, np.float32).astype(dtype), random.standard_normal(size, np.float32).astype(
        dtype
    )


def _kernel(kernel: CudaKernel, size: int) -> tuple[Step, int]:
    theta, g = (machine().to_device(a) for a in _drawn(kernel.dtype, size))
    state = kernel.init(theta)
    return lambda t: kernel.step(theta, g, state, t), size * kernel.bytes_per_element


def _copy(kernel: CudaKernel, size: int) -> tuple[Step, int]:
    """A copy from one array of the card to another: what is moved is read once and written once."""
    source = machine().to_device(_drawn(kernel.dtype, size)[0])
    target = machine().device_array_like(source)
    return lambda t: target.copy_to_device(source), 2 * source.nbytes


def _torch(kernel: CudaKernel, size: int, **how: bool) -> tuple[Step, int]:
    """An optimizer of PyTorch on the card; `how` says which of its implementations."""
    rule = kernel.rule
    if rule.name not in TORCH:
        raise UserError(f"PyTorch has no {rule.name}")
    try:
        import torch
    except ImportError as missing:
        raise UserError("torch is not installed") from missing
    if not torch.cuda.is_available():
        raise UserError("this build of torch finds no card")
    theta, g = (torch.from_numpy(a).cuda() for a in _drawn(kernel.dtype, size))
    parameter = torch.nn.Parameter(theta)
    parameter.grad = g
    peer = TORCH[rule.name]
    try:
        optimizer = getattr(torch.optim, peer.name)([parameter], **peer.settings(rule), **how)
    except (TypeError, RuntimeError) as error:
        raise UserError(str(error).splitlines()[0]) from error
    return lambda t: optimizer.step(), size * kernel.bytes_per_element


def _about() -> dict[str, str]:
    """The card and the versions that the numbers belong to."""
    from importlib.metadata import version

    name = "simulated" if simulated() else machine().get_current_device().name
    return {"card": name.decode() if isinstance(name, bytes) else str(name), "numba-cuda": version("numba-cuda")}


def main(arguments: list[str] | None = None) -> int:
    """Print the table, or with --json one document."""
    parser = argparse.ArgumentParser(prog="python -m kernels.cuda.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rule", default="adam", help="a rule of the library, or PATH::NAME")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    parser.add_argument("--size", type=int, default=10**8, help="elements")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20, help="steps of a peer in a round")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        found, about = measure(find_rule(given.rule), given.dtype, given.size, given.rounds, given.steps), _about()
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    about |= {"rule": given.rule, "dtype": given.dtype, "elements": str(given.size)}
    if given.json:
        print(json.dumps({"about": about, "rows": [asdict(row) for row in found]}, indent=1))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(f"{'':16}{'ms a step':>12}{'GB/s':>12}{'of a copy':>10}", *found, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
