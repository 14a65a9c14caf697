"""Is this step that step? Search a proof, check it; where the forms differ, search a counterexample."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.facts import Assumptions
from derive.expr import Expr
from derive.proving.certificate import Pairs
from derive.proving.checker import Checked
from derive.proving.refute import separating_point
from derive.proving.search import Differs, Undecided, propose_identity
from derive.proving.verdict import Verdict


def identity(pairs: Sequence[tuple[Expr, Expr]], assumptions: Assumptions) -> Verdict:
    """Whether the left sides and the right sides coincide as partial functions wherever the assumptions hold.

    Each pair for itself: both sides undefined, or both defined and equal. The verdict is
    `proved`, `refuted` with the values of the names at a point, or `unknown` with the reason.
    """
    claim: Pairs = tuple(pairs)
    try:
        return Verdict("proved", relation="identical", evidence=Checked(propose_identity(claim, assumptions)))
    except (Differs, Undecided) as obstacle:
        found = separating_point(claim, assumptions)
        if found is not None:
            return Verdict("refuted", counterexample=found.document(), evidence=found, message=found.message())
        if isinstance(obstacle, Differs):
            return Verdict("unknown", message=f"no common normal form, and no counterexample found; case: {obstacle}")
        return Verdict("unknown", message=str(obstacle))
