"""No slip of the pen in a library rule passes its anchors, unless it is proved to change nothing."""

from __future__ import annotations

from functools import cache

import pytest

from derive.anchors import check_trajectory, load_anchors
from derive.expr import Number, Symbol, substitute
from derive.library import LIBRARY
from derive.proving import assumptions_of, identity
from derive.rule import Rule
from tests.mutation import rule_mutants
from tests.sample import SAMPLE

# RAdam's rho is 5 at no step for a fraction beta2: with t weights, (t-3) beta2^(t-1) + ... - beta2 - 2 is 0 there,
# whose fractions below 1 are at most 2/3, where even the whole average is no longer than 5.
SAME_AT_FRACTIONS = {"theta: rho > 5 becomes rho >= 5"}


@cache
def tried(rule: Rule) -> tuple[tuple[str, Rule, bool], ...]:
    """Every mutant of the rule, and whether its anchors catch it."""
    trajectory = load_anchors().trajectories[rule.name]
    return tuple((what, mutant, bool(check_trajectory(mutant, trajectory))) for what, mutant in rule_mutants(rule))


@pytest.mark.parametrize("rule", SAMPLE, ids=lambda rule: rule.name)
def test_every_mutant_is_caught_by_the_anchors_or_proved_equal(rule: Rule) -> None:
    survivors = [(what, mutant) for what, mutant, caught in tried(rule) if not caught and what not in SAME_AT_FRACTIONS]
    assert [what for what, mutant in survivors if not _is_the_same(rule, mutant)] == []


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_there_are_mutants_and_most_are_caught(rule: Rule) -> None:
    caught = [caught for _, _, caught in tried(rule)]
    assert len(caught) >= 20
    assert sum(caught) > 0.9 * len(caught)


def _is_the_same(rule: Rule, mutant: Rule) -> bool:
    """Whether the two are proved to take the same steps: each of them, or the first from the start and all later."""
    if rule.query != mutant.query:
        return False
    assumptions = assumptions_of(rule)
    pairs = [(rule.step[name], mutant.step[name]) for name in rule.step]
    if rule.states == mutant.states and identity(pairs, assumptions):
        return True
    first = [substitute(r.step.values(), {"t": Number(1), **{s.name: s.initial for s in r.states}})
             for r in (rule, mutant)]  # fmt: skip
    later = [substitute(r.step.values(), {"t": Symbol("t") + 1}) for r in (rule, mutant)]
    return all(identity(list(zip(*steps, strict=True)), assumptions) for steps in (first, later))
