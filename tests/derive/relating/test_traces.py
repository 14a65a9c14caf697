"""Maps guessed from runs: what is renamed or rescaled where the algebra of the steps cannot be solved."""

from __future__ import annotations

from random import Random

import pytest

from derive.expr import Symbol, nodes
from derive.library import LIBRARY
from derive.relating import prove
from derive.relating.searching.traces import map_by_runs
from derive.rule import Rule
from tests.rewriting import OF_RULES
from tests.zoo import NAMES, construct

SMALL = 50  # operations of a step; larger ones are related just so, and take longer
RULES = tuple(rule for rule in (*LIBRARY, *map(construct, NAMES)) if len(nodes(rule.step.values())) < SMALL)
CHANGES = {change.__name__.strip("_"): change for change in OF_RULES}


def changed(rule: Rule, how: str) -> Rule:
    found = CHANGES[how](rule, Random(7))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("how", ["renamed", "rescaled"])
@pytest.mark.parametrize("rule", [r for r in RULES if r.states], ids=lambda r: r.name)
def test_renamed_and_rescaled_states_are_found(rule: Rule, how: str) -> None:
    other = changed(rule, how)
    verdict = prove(rule, other)
    assert verdict, verdict.message
    assert verdict.maps or verdict.message == "the same step"


def test_other_rules_have_no_such_map() -> None:
    rules = {rule.name: rule for rule in LIBRARY}
    same = {name: Symbol(name) for name in ("lr", "beta")}
    assert map_by_runs(rules["momentum_ema"], rules["momentum"], same) is None
    found = map_by_runs(rules["momentum_lr_outside"], rules["momentum"], same)
    assert found is not None
    assert str(found.states["v"]) == "lr * v"


@pytest.mark.parametrize("name", ["adam", "adamw", "ewma_debiased"])
def test_a_power_kept_in_a_state_is_found(name: str) -> None:
    [rule] = [r for r in LIBRARY if r.name == name]
    verdict = prove(rule, changed(rule, "running_power"))
    assert verdict, verdict.message
    assert "(t - 1)" in verdict.message
