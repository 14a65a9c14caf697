"""No slip of the pen in a library rule passes its anchors, unless it is proved to change nothing."""

from __future__ import annotations

import pytest

from derive.anchors import check_trajectory, load_anchors
from derive.library import LIBRARY
from derive.proving import assumptions_of, identity
from derive.rule import Rule
from tests.mutation import rule_mutants


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_every_mutant_is_caught_by_the_anchors_or_proved_equal(rule: Rule) -> None:
    trajectory = load_anchors().trajectories[rule.name]
    survivors = [(what, mutant) for what, mutant in rule_mutants(rule) if not check_trajectory(mutant, trajectory)]
    assert [what for what, mutant in survivors if not _is_the_same(rule, mutant)] == []


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_there_are_mutants_and_most_are_caught(rule: Rule) -> None:
    trajectory = load_anchors().trajectories[rule.name]
    mutants = [mutant for _, mutant in rule_mutants(rule)]
    caught = [mutant for mutant in mutants if check_trajectory(mutant, trajectory)]
    assert len(mutants) >= 20
    assert len(caught) > 0.9 * len(mutants)


def _is_the_same(rule: Rule, mutant: Rule) -> bool:
    """Whether starts, query point and step are proved to be those of the rule."""
    if (rule.states, rule.query) != (mutant.states, mutant.query):
        return False
    pairs = [(rule.step[name], mutant.step[name]) for name in rule.step]
    return bool(identity(pairs, assumptions_of(rule)))
