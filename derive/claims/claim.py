"""A claim about optimizers as people make it, the statement it comes to, and what the machine says of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from derive.deriving.derivation import Derivation
from derive.proving.verdict import Status, Verdict
from derive.stating.deciding import decide
from derive.stating.quantities import Statement

Thunk: TypeAlias = Callable[[], Statement | Verdict]


@dataclass(frozen=True)
class Finding:
    """A further fact that belongs to a claim, to be proved: the number in a counterexample, what holds instead."""

    words: str
    statement: Thunk


@dataclass(frozen=True)
class Claim:
    """One entry of the ledger.

    `words` is what is said, `reading` the precise statement that is decided, `verdict` what the ledger says of the
    claim and `because` why, for a reader. With `denies` the claim is that the statement does not hold: it is refuted
    by a proof of it. `condition` may suggest the condition of a conditional one.
    """

    id: str
    words: str
    sources: tuple[str, ...]
    reading: str
    statement: Thunk
    verdict: Status
    because: str
    findings: tuple[Finding, ...] = ()
    condition: Callable[[], Statement] | None = None
    denies: bool = False


@dataclass(frozen=True)
class Decided:
    """A claim and what was decided, of it and of its findings, with the derivations that all of it rests on."""

    claim: Claim
    verdict: Verdict
    findings: tuple[Verdict, ...]
    derivations: tuple[Derivation, ...]
    seconds: float

    @property
    def status(self) -> Status:
        """What this says of the claim, which may deny the statement that was decided."""
        opposite: dict[Status, Status] = {"proved": "refuted", "refuted": "proved"}
        return opposite.get(self.verdict.status, self.verdict.status) if self.claim.denies else self.verdict.status

    @property
    def as_recorded(self) -> bool:
        """Whether the verdict is that of the ledger, and everything that belongs to it is proved."""
        return self.status == self.claim.verdict and all(self.findings)

    @property
    def is_open(self) -> bool:
        """Whether something is undecided, and nothing contradicts the ledger."""
        contradicted = self.status not in (self.claim.verdict, "unknown")
        wrong = any(v.status not in ("proved", "unknown") for v in self.findings)
        return not self.as_recorded and not contradicted and not wrong


def decide_claim(claim: Claim) -> Decided:
    """Decide the claim and everything that belongs to it."""
    started = time.monotonic()
    stated = claim.statement()
    verdict = decide(stated, None if claim.condition is None else claim.condition())
    found = [finding.statement() for finding in claim.findings]
    findings = tuple(map(decide, found))
    return Decided(claim, verdict, findings, _rests_on(stated, *found), time.monotonic() - started)


def _rests_on(*stated: Statement | Verdict) -> tuple[Derivation, ...]:
    """The derivations of all formulas, each once."""
    used = [d for each in stated if isinstance(each, Statement) for d in each.basis.derivations]
    return tuple(d for place, d in enumerate(used) if d not in used[:place])
