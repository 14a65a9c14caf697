"""Is this step that step? Search a proof, check it; where the forms differ, search a counterexample."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.facts import Assumptions
from derive.expr import Expr
from derive.proving.certificate import Identity, Pairs, decided_by
from derive.proving.checker import Checked
from derive.proving.refute import separating_point
from derive.proving.search import Differs, Undecided, asking_others, missing_prover, propose_identity
from derive.proving.verdict import Verdict


def identity(pairs: Sequence[tuple[Expr, Expr]], assumptions: Assumptions) -> Verdict:
    """Whether the left sides and the right sides coincide as partial functions wherever the assumptions hold.

    Each pair for itself: both sides undefined, or both defined and equal. The verdict is
    `proved`, `refuted` with the values of the names at a point, or `unknown` with the reason.
    """
    claim: Pairs = tuple(pairs)
    try:
        return _proved(propose_identity(claim, assumptions))
    except (Differs, Undecided) as obstacle:
        found = separating_point(claim, assumptions)
        if found is not None:
            return Verdict("refuted", counterexample=found.document(), evidence=found, message=found.message())
        reason = str(obstacle)
        if isinstance(obstacle, Differs):
            reason = f"no common normal form, and no counterexample found; case: {reason}"
    return _by_others(claim, assumptions, reason)


def _by_others(claim: Pairs, assumptions: Assumptions, reason: str) -> Verdict:
    with asking_others():
        try:
            return _proved(propose_identity(claim, assumptions))
        except (Differs, Undecided):
            return Verdict("unknown", message=reason + missing_prover())


def _proved(certificate: Identity) -> Verdict:
    evidence = Checked(certificate)
    return Verdict("proved", relation="identical", assumptions=decided_by(certificate.tree), evidence=evidence)
