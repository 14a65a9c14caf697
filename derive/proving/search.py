"""Propose a tree of cases: evaluate, and where a sign decides, split and go on."""

from __future__ import annotations

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import TooLarge
from derive.proving.certificate import Identity, Leaf, Pairs, Path, Split, Tree
from derive.proving.checker import coincide, described

MAX_CASES = 600


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
        if any(fact.quantity is need.quantity and fact.signs in need.branches for fact in path):
            raise Undecided(f"the case {need.quantity} does not decide itself") from need
        quantity, branches = need.quantity, need.branches
    facts = [Fact(quantity, signs) for signs in branches]
    return Split(quantity, tuple(
        (fact.signs, _search(pairs, case.where(fact), (*path, fact), budget)) for fact in facts
    ))  # fmt: skip
