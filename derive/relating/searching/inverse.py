"""Invert a map of hyperparameters, one linear equation after another; the checker tests the result both ways."""

from __future__ import annotations

from collections.abc import Mapping

from derive.algebra.case import Case
from derive.algebra.facts import Assumptions, NeedSplit, Stuck
from derive.algebra.normal import readable
from derive.algebra.polynomials import TooLarge
from derive.expr import Expr, Symbol, substitute, symbols
from derive.proving.obligations import HIS
from derive.proving.search import Undecided
from derive.rule import Rule


def inverse(a: Rule, b: Rule, hypers: Mapping[str, Expr]) -> dict[str, Expr]:
    """Each hyperparameter of a in those of b, where the map can be solved one linear equation after another.

    An equation for several is solved for one of them in the others, and the solution put in wherever it occurs.
    """
    found: dict[str, Expr] = {}
    waiting = {h.name: hypers[h.name] for h in b.hyperparameters}
    assumptions = Assumptions({**a.domains, **{HIS + h.name: h.domain for h in b.hyperparameters}})
    while waiting:
        known = dict(zip(waiting, substitute(waiting.values(), found), strict=True))
        open_names = {his: sorted(symbols(e) & {*a.hyperparameter_names}) for his, e in known.items()}
        for his in sorted(waiting, key=lambda his: len(open_names[his])):
            solved = _solved(known[his] - Symbol(HIS + his), open_names[his], assumptions)
            if solved is not None:
                name, value = solved
                found = {n: _with(e, name, value, assumptions) for n, e in found.items()} | {name: value}
                del waiting[his]
                break
        else:
            raise Undecided("the map of the hyperparameters could not be inverted")
    left = [n for n in a.hyperparameter_names if n not in found]
    if left:
        raise Undecided(f"the hyperparameter {left[0]} of {a.name} has no counterpart in {b.name}")
    return found


def _with(value: Expr, name: str, other: Expr, assumptions: Assumptions) -> Expr:
    """The value with one name more replaced, as one would write it."""
    return readable(substitute([value], {name: other})[0], assumptions) if name in symbols(value) else value


def _solved(equation: Expr, names: list[str], assumptions: Assumptions) -> tuple[str, Expr] | None:
    """One of the names, and the value at which the equation vanishes."""
    for name in names:
        value = _solution(equation, name, assumptions)
        if value is not None:
            return name, value
    return None


def _solution(equation: Expr, name: str, assumptions: Assumptions) -> Expr | None:
    case = Case(assumptions)
    try:
        return case.solution(case.number(equation).num, name)
    except (NeedSplit, Stuck, TooLarge):
        return None
