"""What is known in a case, and how an evaluation asks for more cases or gives up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from derive.algebra.signs import Signs
from derive.expr import Expr
from derive.rule import Domain


@dataclass(frozen=True)
class Assumptions:
    """Where a statement is claimed: the domain of each name; a name without one is any real number.

    Names in `uniform` are one number for a whole tensor, as hyperparameters and t are; others are numbers of one
    coordinate, which are others elsewhere. It makes a difference inside norms only.
    """

    domains: Mapping[str, Domain] = field(default_factory=dict)
    uniform: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        # What was checked under these assumptions stays what was checked.
        object.__setattr__(self, "domains", MappingProxyType(dict(self.domains)))

    def __reduce__(self) -> tuple[type[Assumptions], tuple[dict[str, Domain], frozenset[str]]]:
        return Assumptions, (dict(self.domains), self.uniform)

    def extended(self, domains: Mapping[str, Domain]) -> Assumptions:
        """These with further names of a coordinate, or other domains of names."""
        return Assumptions({**self.domains, **domains}, self.uniform)


class Stuck(Exception):
    """The prover's language ends here; the verdict is `unknown`."""


class NeedSplit(Exception):
    """The sign of `quantity` decides what happens: one case for each set of signs."""

    def __init__(self, quantity: Expr, branches: tuple[Signs, ...]) -> None:
        super().__init__(quantity, branches)
        self.quantity, self.branches = quantity, branches

    def __str__(self) -> str:
        return str(self.quantity)


@dataclass(frozen=True)
class Fact:
    """`quantity` has one of `signs` here."""

    quantity: Expr
    signs: Signs
