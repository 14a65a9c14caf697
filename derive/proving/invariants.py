"""Which states are never negative, proved by induction from the rule alone.

All states are assumed nonnegative before a step; those whose start or step is not proved so are
dropped, and the rest tried again, until what is left proves itself.
"""

from __future__ import annotations

from functools import lru_cache

from derive.algebra.facts import Assumptions
from derive.algebra.work import apart
from derive.proving.certificate import Invariants, Tree
from derive.proving.checker import Checked
from derive.proving.obligations import assumptions_with, of_invariants
from derive.proving.search import Differs, Undecided, asking_others, propose_identity
from derive.rule import NONNEGATIVE, Domain, Rule

WORK = 1_500_000


@lru_cache(maxsize=256)
def invariant_certificate(rule: Rule) -> Checked:
    """The largest set of states proved nonnegative together, checked."""
    names = rule.state_names
    with apart(WORK), asking_others(False):  # remembered, so it must not depend on what else was asked
        while None in (trees := _trees(rule, names)):
            failing = {names[index // 2] for index, tree in enumerate(trees) if tree is None}
            names = tuple(n for n in names if n not in failing)
    return Checked(Invariants(rule, names, tuple(tree for tree in trees if tree is not None)))


def invariants(rule: Rule) -> dict[str, Domain]:
    """The domain proved for each state that has one narrower than the reals."""
    certificate = invariant_certificate(rule).certificate
    assert isinstance(certificate, Invariants)
    return dict.fromkeys(certificate.names, NONNEGATIVE)


def assumptions_of(rule: Rule) -> Assumptions:
    """The declared domains of the rule and the proved ones of its states."""
    return assumptions_with(rule, invariants(rule))


def _trees(rule: Rule, names: tuple[str, ...]) -> list[Tree | None]:
    """The proof of each obligation, two for a state; None where there is none."""
    found: list[Tree | None] = []
    for _, pairs, assumed in of_invariants(rule, names):
        try:
            found.append(propose_identity(pairs, assumed).tree)
        except (Differs, Undecided):
            found.append(None)
    return found
