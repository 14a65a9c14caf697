"""What is known in a case, and how an evaluation asks for more cases or gives up."""

from __future__ import annotations

from dataclasses import dataclass

from derive.expr import Expr
from derive.proving.signs import Signs


class Stuck(Exception):
    """The prover's language ends here; the verdict is `unknown`."""


class NeedSplit(Exception):
    """The sign of `quantity` decides what happens: one case for each set of signs."""

    def __init__(self, quantity: Expr, branches: tuple[Signs, ...]) -> None:
        super().__init__(str(quantity))
        self.quantity, self.branches = quantity, branches


@dataclass(frozen=True)
class Fact:
    """`quantity` has one of `signs` here."""

    quantity: Expr
    signs: Signs
