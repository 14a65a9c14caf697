"""Propose a tree of cases: evaluate, and where a sign decides, split and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, Fact, NeedSplit, Stuck
from derive.algebra.polynomials import TooLarge
from derive.algebra.work import bounded
from derive.expr import Expr
from derive.proving.certificate import Identity, Leaf, Pairs, Path, Solved, Split, Tree
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
    try:
        with bounded(WORK):
            return Identity(pairs, assumptions, _search(pairs, Case(assumptions), (), [MAX_CASES]))
    except (Differs, Undecided) as obstacle:
        return _outside(pairs, assumptions, obstacle)
    except (Stuck, TooLarge) as obstacle:
        return _outside(pairs, assumptions, Undecided(str(obstacle)))
    except RecursionError:
        return _outside(pairs, assumptions, Undecided("an expression nested too deeply"))


@contextmanager
def asking_others(allowed: bool = True) -> Iterator[None]:
    """Inside, z3 is asked for what the normal form leaves open, where it is installed; or certainly not asked."""
    token = _OTHERS.set(allowed)
    try:
        yield
    finally:
        _OTHERS.reset(token)


_OTHERS: ContextVar[bool] = ContextVar("others", default=False)


def _outside(pairs: Pairs, assumptions: Assumptions, obstacle: Differs | Undecided) -> Identity:
    if _OTHERS.get():
        from derive.smt.deciding import prover, proves

        if proves(pairs, assumptions):
            return Identity(pairs, assumptions, Solved(prover()))
    raise obstacle


def missing_prover() -> str:
    """What to say where z3 might have known and could not be asked; empty where it was asked."""
    from derive.smt.solver import is_installed

    return "" if is_installed() else "; z3 may decide it: install z3-solver"


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
    return Split(quantity, tuple((fact.signs, _search(pairs, below, (*path, fact), budget)) for fact, below in inner))


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
