"""The ledger: what is claimed of these optimizers, each claim decided from the rules themselves."""

from __future__ import annotations

from derive.claims import (
    accumulated,
    averages,
    bounds,
    convergence,
    corrections,
    decay,
    forms,
    momentum,
    noise,
    precision,
    rates,
    special,
    stability,
    symmetries,
)
from derive.claims.claim import Claim, Decided, Finding, decide_claim
from derive.errors import UserError

TOPICS = (
    averages, corrections, noise, momentum, stability, convergence, forms, rates, bounds, accumulated, special,
    symmetries, decay, precision,
)  # fmt: skip
LEDGER: tuple[Claim, ...] = tuple(
    sorted((claim for topic in TOPICS for claim in topic.CLAIMS), key=lambda claim: claim.id)
)


def find_claim(name: str) -> Claim:
    """The claim with this id. Raises UserError where there is none."""
    for claim in LEDGER:
        if claim.id.lower() == name.lower():
            return claim
    raise UserError(f"no claim {name!r}", fix="'derive claims' lists them")


__all__ = ["LEDGER", "Claim", "Decided", "Finding", "decide_claim", "find_claim"]
