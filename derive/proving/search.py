"""Propose a tree of cases: evaluate, and where a sign decides, split and go on."""

from __future__ import annotations

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import TooLarge
from derive.algebra.work import bounded
from derive.expr import Expr
from derive.proving.certificate import Identity, Leaf, Pairs, Path, Split, Tree
from derive.proving.checker import coincide, described

MAX_CASES = 600
WORK = 3_000_000  # for one list of equalities: two or three seconds


class Differs(Exception):
    """In this case the normal forms differ; a counterexample should lie in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(described(path))
        self.path = path


class Undecided(Exception):
    """No proof was found in bounded time; the text says why."""


def propose_identity(pairs: Pairs, assumptions: Assumptions) -> Identity:
    """A certificate for the checker; raises Differs or Undecided."""
    budget = [MAX_CASES]
    try:
        with bounded(WORK):
            return Identity(pairs, assumptions, _search(pairs, Case(assumptions), (), budget))
    except (Stuck, TooLarge) as obstacle:
        raise Undecided(str(obstacle)) from obstacle
    except RecursionError as obstacle:
        raise Undecided("an expression nested too deeply") from obstacle


def _search(pairs: Pairs, case: Case, path: Path, budget: list[int]) -> Tree:
    budget[0] -= 1
    if budget[0] < 0:
        raise Undecided(f"more than {MAX_CASES} cases")
    try:
        if not coincide(case, pairs):
            raise Differs(path)
        return Leaf()
    except NeedSplit as need:
        asked = need
    quantity, inner = _inner_cases(case, asked, path)
    return Split(
        quantity, tuple((fact.signs, _search(pairs, below, (*path, fact), budget)) for fact, below in inner)
    )


def _inner_cases(case: Case, need: NeedSplit, path: Path) -> tuple[Expr, list[tuple[Fact, Case]]]:
    """The cases asked for, or those without which they cannot be told apart."""
    if any(fact.quantity is need.quantity and fact.signs in need.branches for fact in path):
        raise Undecided(f"the case {need.quantity} does not decide itself") from need
    facts = [Fact(need.quantity, signs) for signs in need.branches]
    try:
        return need.quantity, [(fact, case.where(fact)) for fact in facts]
    except NeedSplit as first:
        if first.quantity is need.quantity:
            raise Undecided(f"the case {need.quantity} does not decide itself") from first
        return _inner_cases(case, first, path)
