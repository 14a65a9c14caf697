"""Invert a map of hyperparameters, one linear equation at a time; the checker tests the result both ways."""

from __future__ import annotations

from collections.abc import Mapping

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, NeedSplit, Stuck
from derive.algebra.polynomials import TooLarge
from derive.expr import Expr, Symbol, substitute, symbols
from derive.proving.obligations import HIS
from derive.proving.search import Undecided
from derive.rule import Rule


def inverse(a: Rule, b: Rule, hypers: Mapping[str, Expr]) -> dict[str, Expr]:
    """Each hyperparameter of a in those of b, where the map can be solved one linear equation at a time."""
    found: dict[str, Expr] = {}
    waiting = [(h.name, hypers[h.name]) for h in b.hyperparameters]
    domains = {**a.domains, **{HIS + h.name: h.domain for h in b.hyperparameters}}
    while waiting:
        solved = False
        for his, expr in list(waiting):
            [known] = substitute([expr], found)
            open_names = sorted(symbols(known) & set(a.hyperparameter_names) - set(found))
            if len(open_names) == 1:
                solution = _solution(known - Symbol(HIS + his), open_names[0], Assumptions(domains))
                if solution is not None:
                    found[open_names[0]] = solution
                    waiting.remove((his, expr))
                    solved = True
        if not solved:
            raise Undecided("the map of the hyperparameters could not be inverted")
    left = [n for n in a.hyperparameter_names if n not in found]
    if left:
        raise Undecided(f"the hyperparameter {left[0]} of {a.name} has no counterpart in {b.name}")
    return found


def _solution(equation: Expr, name: str, assumptions: Assumptions) -> Expr | None:
    case = Case(assumptions)
    try:
        return case.solution(case.number(equation).num, name)
    except (NeedSplit, Stuck, TooLarge):
        return None
