"""Is a condition always true? Exact algebra; ball arithmetic where every name has bounds; slopes; induction."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.facts import Assumptions
from derive.expr import Expr, apply, symbols
from derive.proving.everywhere import everywhere
from derive.proving.identity import identity
from derive.proving.inductions import by_induction
from derive.proving.obligations import is_true
from derive.proving.slopes import by_slope
from derive.proving.verdict import Verdict
from derive.rule import REAL, Domain


def truth(condition: Expr, assumptions: Assumptions, premises: Sequence[Expr] = ()) -> Verdict:
    """Whether the condition is defined and true wherever the assumptions and all the premises hold.

    Numbers alone are compared in ball arithmetic first, which does not mind how large the formula is.
    """
    claim = is_true(condition, premises)
    box = {name: assumptions.domains.get(name, REAL) for name in symbols(claim[0])}
    numeric = everywhere(apply("eq", *claim), box) if not box else None
    if numeric is not None and numeric.status != "unknown":
        return numeric
    verdict = identity((claim,), assumptions)
    if verdict.status == "unknown" and box and not any(_has_no_bounds(domain) for domain in box.values()):
        verdict = everywhere(apply("eq", *claim), box)
    if verdict.status == "unknown":
        found = by_slope(condition, assumptions, premises) or by_induction(condition, assumptions, premises)
        verdict = found or verdict
    return verdict


def _has_no_bounds(domain: Domain) -> bool:
    return domain.low is None or (domain.high is None and not domain.whole)
