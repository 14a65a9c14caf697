"""What the prover answers.

A verdict cannot be made without its evidence: `proved` and `conditional` carry a certificate
that the checker has accepted, `refuted` a counterexample that the replay has confirmed. The
evidence objects do that work when they are built, so no other code can issue either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["proved", "conditional", "refuted", "unknown"]


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
    maps: Mapping[str, str] = field(default_factory=dict)  # as in --where: {"B.lr": "A.lr * (1 - A.beta)"}
    tried: tuple[str, ...] = ()
    branches: tuple[Mapping[str, Any], ...] = ()
    evidence: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.status == "unknown":
            return
        from derive.proving.checker import Checked
        from derive.proving.replay import Replayed

        needed = Replayed if self.status == "refuted" else Checked
        if type(self.evidence) is not needed:
            raise TypeError(f"a verdict {self.status!r} needs evidence of type {needed.__name__}")

    def __bool__(self) -> bool:
        return self.status == "proved"

    def _repr_markdown_(self) -> str:
        head = f"**{self.status}**" + (f" ({self.relation})" if self.relation else "")
        return "\n\n".join(part for part in (head, self.message, *self.assumptions, *self.warnings) if part)

    def document(self) -> dict[str, Any]:
        """The verdict as plain data, as `--json` shows it."""
        return {
            "verdict": self.status,
            "relation": self.relation,
            "condition": dict(self.condition) if self.condition else None,
            "counterexample": dict(self.counterexample) if self.counterexample else None,
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
            "message": self.message,
        }
