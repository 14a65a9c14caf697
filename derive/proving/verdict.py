"""What the prover answers.

A verdict cannot be made without its evidence: `proved` and `conditional` carry a certificate
that the checker has accepted, `refuted` a counterexample that the replay has confirmed. The
evidence objects do that work when they are built, so no other code can issue either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from derive.proving.certificate import Certificate

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
    claim: Any = field(default=None, repr=False)  # what the evidence is about, where that is two rules

    def __post_init__(self) -> None:
        if self.status == "unknown":
            return
        from derive.proving.checker import Checked
        from derive.proving.replay import Replayed

        needed = Replayed if self.status == "refuted" else Checked
        if type(self.evidence) is not needed:
            raise TypeError(f"a verdict {self.status!r} needs evidence of type {needed.__name__}")
        if self.status == "conditional" and not (self.condition and self.condition.get("any_of")):
            raise TypeError("a verdict 'conditional' needs its condition")
        if isinstance(self.evidence, Checked):
            _refuse_less(self.status, self.evidence.certificate)

    def __bool__(self) -> bool:
        return self.status == "proved"

    def __str__(self) -> str:
        """What a person reads: the verdict, its map and conditions, the counterexample line by line."""
        from derive.rendering.verdicts import text

        return text(self, code=False)

    def __repr__(self) -> str:
        """One line, for lists and tracebacks."""
        return f"<{self.status}: {self.message}>" if self.message else f"<{self.status}>"

    def _repr_markdown_(self) -> str:
        from derive.rendering.verdicts import markdown

        return markdown(self)

    def document(self) -> dict[str, Any]:
        """The verdict as plain data, as `--json` shows it."""
        from derive.rendering.verdicts import document

        return document(self)


def _refuse_less(status: Status, certificate: Certificate) -> None:
    """Raise TypeError for a certificate that claims less than the verdict would say."""
    from derive.proving.certificate import (
        Conditional,
        Correspondence,
        Everywhere,
        Identity,
        Induction,
        Invariants,
        Limit,
        Sloped,
        Sufficient,
    )

    always = (Identity, Invariants, Limit, Everywhere, Sloped, Induction, Correspondence)
    enough = (Correspondence, Conditional, Sufficient) if status == "conditional" else always
    if not isinstance(certificate, enough) or (isinstance(certificate, Correspondence) and certificate.while_defined):
        raise TypeError(f"a proof under conditions, or of something else, is no verdict {status!r}")
