"""Inequalities whose sides part at a number, such as log(x) <= x - 1: propose the number, let the checker decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.algebra.facts import Assumptions
from derive.evaluate import enclosed
from derive.expr import Apply, Expr, Number, nodes, substitute, symbols
from derive.proving.certificate import Nested, Sloped, Tree, decided_by
from derive.proving.checker import Checked, Rejected
from derive.proving.everywhere import shown
from derive.proving.obligations import Obligation, of_sloped, stated
from derive.proving.refute import points
from derive.proving.verdict import Verdict
from derive.rule import REAL, Domain

DEEPEST = 2  # slopes of slopes
SAMPLES = 4
USUAL = (Fraction(0), Fraction(1))


def by_slope(condition: Expr, assumptions: Assumptions, premises: Sequence[Expr] = ()) -> Verdict | None:
    """A proof that the larger side is as large as the other at some number, and parts from it on either side."""
    found = _proof(condition, assumptions, tuple(premises), DEEPEST)
    if found is None:
        return None
    try:
        return Verdict("proved", relation="slopes", assumptions=decided_by(*found.trees), evidence=Checked(found))
    except Rejected:
        return None


def _proof(condition: Expr, assumptions: Assumptions, premises: tuple[Expr, ...], depth: int) -> Sloped | None:
    if not isinstance(condition, Apply) or condition.op not in ("lt", "le", "gt", "ge"):
        return None
    domains = {name: assumptions.domains.get(name, REAL) for name in sorted(symbols(condition))}
    for name, domain in domains.items():
        for at in _numbers(condition, premises, domain):
            if _meet(condition, name, at, domains):
                claim = Sloped(condition, name, at, assumptions, premises, ())
                found = _with_trees(claim, depth)
                if found is not None:
                    return found
    return None


def _with_trees(claim: Sloped, depth: int) -> Sloped | None:
    """The claim with its proofs; a slope's sign may be shown by the slope of the slope."""
    try:
        trees = [_tree(obligation, depth) for obligation in of_sloped(claim)]
    except ValueError:
        return None
    return None if None in trees else replace(claim, trees=tuple(tree for tree in trees if tree is not None))


def _tree(obligation: Obligation, depth: int) -> Tree | None:
    _, pairs, assumed = obligation
    found = shown([obligation])
    if found is not None:
        return found[0]
    [(claimed, _)] = pairs
    condition, premises = stated(claimed)
    proof = _proof(condition, assumed, premises, depth - 1) if depth else None
    return None if proof is None else Nested(proof)


def _numbers(condition: Expr, premises: Sequence[Expr], domain: Domain) -> Iterator[Fraction]:
    """Where the sides may meet: the ends of the domain, 0, 1, and what is mentioned."""
    mentioned = [node.value for node in nodes([condition, *premises]) if isinstance(node, Number)]
    yield from dict.fromkeys([end for end in (domain.low, domain.high) if end is not None] + [*USUAL, *mentioned])


def _meet(condition: Apply, name: str, at: Fraction, domains: Mapping[str, Domain]) -> bool:
    """Whether the two sides have one value there, at a few settings of the other names."""
    sides = substitute(condition.args, {name: Number(at)})
    others = {other: domain for other, domain in domains.items() if other != name}
    return all(_same(sides, values) for values in points(others, SAMPLES))


def _same(sides: Sequence[Expr], values: Mapping[str, Fraction]) -> bool:
    low, high = enclosed(sides, values)
    try:
        return abs(float(low) - float(high)) < 1e-12  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
