"""Two linear rules that do not vary in time: every parameter branch, and the modes that never show.

What the transfer functions say is a proposal like any other: the maps of a branch are proved by induction.
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.linear.relate import relate
from derive.linear.relation import Branch, LinearRelation
from derive.proving.checker import Checked
from derive.proving.search import Differs, Undecided
from derive.relating.searching.attempts import Record, Request
from derive.relating.searching.induction import induction
from derive.relating.searching.solving import Maps
from derive.rule import Rule


def linear_relation(request: Request) -> LinearRelation | None:
    """What transfer functions say of the two; None where a map is given already, or the rules are not of the class."""
    if request.states or request.hyperparameters or request.scheduled:
        return None
    return relate(request.a, request.b)


def proof_of_a_branch(relation: LinearRelation, request: Request, record: Record) -> Checked | None:
    """The proof of the first branch under which the two are equal for all hyperparameters."""
    for branch in relation.branches:
        if branch.kind == "equal" and not branch.shift:
            for a, b, maps in _readings(branch, request):
                try:
                    return induction(a, b, maps)
                except (Differs, Undecided) as obstacle:
                    record.note(f"{branch}: {obstacle}")
    return None


def _readings(branch: Branch, request: Request) -> Iterator[tuple[Rule, Rule, Maps]]:
    """The branch's maps, from a to b and back."""
    if branch.states is not None:
        yield request.a, request.b, Maps(branch.states, branch.hyperparameters)
    if branch.back is not None and branch.inverse is not None:
        yield request.b, request.a, Maps(branch.back, branch.inverse)


def hidden_modes(relation: LinearRelation) -> tuple[str, ...]:
    """What the branches do not say: what cancels on a side and whether it grows, and what was not decided."""
    sides = (("A", relation.hidden_a), ("B", relation.hidden_b))
    modes = tuple(f"{side}: {mode}" for side, modes in sides for mode in modes)
    return (*modes, *(f"other choices of hyperparameters are left open: {text}" for text in relation.open))
