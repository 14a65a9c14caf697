"""Repairs of a body: mending undoes breaking, and nothing is called the fault that is not proved to be it."""

from __future__ import annotations

import pytest

from derive.library.lookup import find_rule
from derive.matching.guessing.correspondence import Correspondence
from derive.matching.mending.faults import Hypothesis, locate
from derive.rule import Rule
from tests.mutation import rule_mutants


def own(rule: Rule) -> Correspondence:
    return Correspondence({n: n for n in rule.hyperparameter_names})


@pytest.mark.parametrize("name", ["momentum_ema", "rmsprop"])
def test_every_slip_of_the_pen_is_located_or_left(name: str) -> None:
    rule = find_rule(name)
    mutants = [m for what, m in rule_mutants(rule) if "line dropped" not in what][::4]
    found = [locate([Hypothesis(mutant, {}, own(rule))], rule) for mutant in mutants]
    assert sum(fault is not None for fault in found) > 0.9 * len(mutants)
    assert all(fault.mended for fault in found if fault is not None)


def test_what_is_no_slip_has_no_fault() -> None:
    assert locate([Hypothesis(find_rule("gradient_descent"), {}, own(find_rule("gradient_descent")))],
                  find_rule("adam")) is None  # fmt: skip
    assert locate([], find_rule("adam")) is None
