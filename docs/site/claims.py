"""The ledger of claims as a page: an overview, then each claim with its verdict and what the verdict rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docs.site.markdown import badge, bullets, folded, joined, plain, table
from docs.site.sentences import said


@dataclass(frozen=True)
class Claim:
    """What the page shows of one claim. Formulas in sentences stand between backticks.

    `derivation` and `counterexample` are Markdown; what does not apply is empty.
    """

    id: str
    words: str
    statement: str
    verdict: str
    condition: str = ""
    counterexample: str = ""
    derivation: str = ""
    sources: tuple[str, ...] = ()


def write_ledger(claims: Sequence[Claim]) -> str:
    """The whole page."""
    counts = {status: sum(c.verdict == status for c in claims) for status in dict.fromkeys(c.verdict for c in claims)}
    return joined(
        "# The ledger of claims",
        "Statements about these optimizers from papers, courses, documentation and forums, each decided by derivation:"
        " proved, conditional with its condition, or refuted with a counterexample.",
        f"{len(claims)} claims: {', '.join(f'{number} {badge(status)}' for status, number in counts.items())}.",
        table(["claim", "verdict"], ((f"[{said(c.words)}](#{anchor(c)})", badge(c.verdict)) for c in claims)),
        *map(_section, claims),
    )


def anchor(claim: Claim) -> str:
    """What the address of the page is followed by to lead to the claim."""
    return f"claim-{claim.id}".lower().replace("_", "-")


def _section(claim: Claim) -> str:
    return joined(
        f"({anchor(claim)})=\n## {said(claim.words)}",
        f"{badge(claim.verdict)} `{claim.id}`",
        said(claim.statement),
        f"Condition: {said(claim.condition)}" if claim.condition else "",
        folded("Counterexample", claim.counterexample) if claim.counterexample else "",
        folded("Derivation", claim.derivation) if claim.derivation else "",
        joined("Said in:", bullets(map(plain, claim.sources))) if claim.sources else "",
    )
