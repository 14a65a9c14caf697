"""The passes in their order. Each is a rewriting that keeps the program's value over the reals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from derive.rule import Domain
from kernels.passes.corrections import Corrections
from kernels.passes.hoist import Hoist
from kernels.passes.powers import Powers
from kernels.passes.products import Products
from kernels.passes.selects import Selects
from kernels.passes.share import Share
from kernels.program import Program


class Pass(Protocol):
    """A rewriting with a name."""

    @property
    def name(self) -> str: ...

    def apply(self, program: Program) -> Program: ...


def passes(domains: Mapping[str, Domain]) -> tuple[Pass, ...]:
    """Every pass in order, for parameters in these domains."""
    return (Powers(), Selects(), Corrections(domains), Products(), Hoist(), Share())
