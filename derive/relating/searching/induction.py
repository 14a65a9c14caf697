"""The proof that a map holds at every step: propose a tree of cases for each obligation, have the whole checked."""

from __future__ import annotations

from derive.expr import symbols
from derive.proving.certificate import Correspondence, Invariants, Tree
from derive.proving.checker import Checked
from derive.proving.invariants import invariant_certificate
from derive.proving.obligations import of_correspondence
from derive.proving.refute import changed_for
from derive.proving.search import Undecided, propose_identity
from derive.relating.searching.inverse import inverse
from derive.relating.searching.solving import Maps
from derive.rule import Rule


def induction(
    a: Rule, b: Rule, maps: Maps, scheduled: frozenset[str] = frozenset(), while_defined: bool = False
) -> Checked:
    """The checked proof that the trajectories agree under these maps.

    Raises Differs where a step certainly does not keep the map, Undecided where no proof was found.
    """
    return Checked(proposed(a, b, maps, scheduled, while_defined))


def proposed(
    a: Rule, b: Rule, maps: Maps, scheduled: frozenset[str] = frozenset(), while_defined: bool = False
) -> Correspondence:
    """That proof not checked yet, to be a part of another one. Raises what `induction` does."""
    scheduled = _with_images(a, maps, scheduled)
    back = inverse(a, b, maps.hyperparameters)
    invariants = invariant_certificate(a).certificate
    assert isinstance(invariants, Invariants)
    try:
        given = maps.states, maps.hyperparameters, back
        obligations = of_correspondence(a, b, *given, invariants.names, scheduled, while_defined)
    except ValueError as fault:
        raise Undecided(str(fault)) from fault
    trees: dict[int, Tree] = {}
    for index in sorted(range(len(obligations)), key=lambda i: (i in (1, 2), -i)):  # what fails quickly comes first
        _, pairs, assumed = obligations[index]
        trees[index] = propose_identity(pairs, assumed).tree
    proof = tuple(trees[i] for i in range(len(obligations)))
    return Correspondence(a, b, *given, invariants, proof, scheduled, while_defined)


def _with_images(a: Rule, maps: Maps, scheduled: frozenset[str]) -> frozenset[str]:
    """What may change, and what the map then makes change with it in the other rule."""
    moving = {*scheduled, *changed_for(a, maps.hyperparameters, scheduled)}
    return frozenset(moving | {n for n, e in maps.hyperparameters.items() if not symbols(e).isdisjoint(moving)})
