"""Conditions on all whole numbers, by induction: from one number to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.algebra.facts import Assumptions
from derive.expr import Expr, symbols
from derive.proving.certificate import Induction, decided_by
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import shown
from derive.proving.obligations import of_induction
from derive.proving.verdict import Verdict
from derive.rule import REAL


def by_induction(condition: Expr, assumptions: Assumptions, premises: Sequence[Expr] = ()) -> Verdict | None:
    """A proof by induction over one of the whole numbers in the condition; None where none is found."""
    for name in sorted(symbols(condition)):
        if not assumptions.domains.get(name, REAL).whole:
            continue
        claim = Induction(condition, name, assumptions, tuple(premises), ())
        try:
            trees = shown(of_induction(claim))
            if trees is not None:
                evidence = Checked(replace(claim, trees=trees))
                return Verdict("proved", relation="induction", assumptions=decided_by(*trees), evidence=evidence)
        except (ValueError, Rejected):
            continue
    return None
