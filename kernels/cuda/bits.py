"""A card's bits beside those of the op-by-op oracle: `python -m kernels.cuda.bits [RULE ...]`, simulated or on a card.

Rules whose elements need library functions (exp, log, pow, ...) are left out: those of a card are not the processor's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from derive.errors import UserError
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.rule import Rule
from kernels.cuda.driver import compile
from kernels.cuda.kernel import CudaKernel, CudaPart
from kernels.cuda.machine import machine
from kernels.cuda.ptx import takes_library_functions
from kernels.measuring.compare_bits import ROWS, compare_bits
from kernels.measuring.inputs import Setting, settings
from kernels.program import operations
from kernels.running.kernel import Kernel
from kernels.storage import Storage

Array = np.ndarray[Any, Any]
Arrays = Array | list[Array]


@dataclass(frozen=True)
class FromTheHost:
    """A kernel for a card, called with arrays of the host: they go there, and what was stored comes back."""

    kernel: CudaKernel

    @property
    def rule(self) -> Rule:
        return self.kernel.rule

    @property
    def storage(self) -> Storage:
        return Storage(self.kernel.dtype, self.kernel.dtype)

    @property
    def stepping(self) -> CudaPart:
        return self.kernel.stepping

    def step(self, theta: Arrays, g: Arrays, state: Mapping[str, Arrays], t: int, **hyperparameters: float) -> None:
        point, second = _there(theta), _there(g)
        kept = {name: _there(a) for name, a in state.items()}
        self.kernel.step(point, second, kept, t, **hyperparameters)
        for here, moved in zip((theta, g, *state.values()), (point, second, *kept.values()), strict=True):
            for a, b in zip(here, moved, strict=True) if isinstance(here, list) else [(here, moved)]:
                a[...] = b.copy_to_host()

    def query(self, theta: Array, state: Mapping[str, Array], out: Array, t: int, **hyperparameters: float) -> None:
        there, kept = machine().to_device(theta), {name: machine().to_device(a) for name, a in state.items()}
        point = machine().to_device(out)
        self.kernel.query(there, kept, point, t, **hyperparameters)
        out[...] = point.copy_to_host()


def _there(arrays: Arrays) -> Any:
    """The array, or each of a list, on the card."""
    return [machine().to_device(a) for a in arrays] if isinstance(arrays, list) else machine().to_device(arrays)


def compare(
    kernel: CudaKernel, rows: int = ROWS, at: Callable[[Rule], Iterable[Setting]] = settings
) -> tuple[bool, str]:
    """Whether the kernel's results are the oracle's, bit for bit, and how many were, or where they differ first."""
    parts = (kernel.stepping, kernel.querying, kernel.measuring)
    if any(takes_library_functions(operations(part.program)) for part in parts if part is not None):
        raise UserError(f"{kernel.rule.name} takes library functions of the card", fix="compare it within a tolerance")
    return compare_bits(cast(Kernel, FromTheHost(kernel)), rows, at)


def main(names: list[str]) -> int:
    """A line for each rule and element type; 1 where any bit differs."""
    failed = 0
    for rule in [find_rule(name) for name in names] or LIBRARY:
        for dtype in ("float32", "float64"):
            equal, found = compare(compile(rule, dtype))
            print(f"{rule.name:22}{dtype:10}{'equal' if equal else 'DIFFERENT'}: {found}", flush=True)
            failed += not equal
    return int(failed > 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(str(error))
