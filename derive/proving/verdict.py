"""What the prover answers. Only the checker and the replay can issue `proved` and `refuted`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from derive.rule import Domain

Status = Literal["proved", "conditional", "refuted", "unknown"]


@dataclass(frozen=True)
class Assumptions:
    """Where a statement is claimed: the domain of each name; a name without one is any real number."""

    domains: Mapping[str, Domain] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """An answer. True as a Python value only when proved, so that `assert prove(a, b)` works."""

    status: Status
    relation: str | None = None
    condition: Mapping[str, Any] | None = None
    counterexample: Mapping[str, Any] | None = None
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    message: str = ""
    certificate: Any = None

    def __bool__(self) -> bool:
        return self.status == "proved"
