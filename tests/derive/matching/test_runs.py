"""Runs in floating point agree with exact evaluation."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from derive.evaluate import trajectory
from derive.expr import Symbol
from derive.library import LIBRARY
from derive.matching.guessing.correspondence import probes
from derive.matching.guessing.runs import COARSE, Runs, agrees, close, run, seen, value_of
from derive.reading.python.expressions import read_expression
from derive.reading.read import read_text
from derive.rule import Rule
from tests.zoo_rules import NAMES, zoo_rule


@pytest.mark.parametrize("rule", [*LIBRARY, *(zoo_rule(n) for n in NAMES)], ids=lambda r: r.name)
def test_a_run_is_the_trajectory(rule: Rule) -> None:
    from functools import partial

    from derive.evaluate import ball

    settings = probes(rule)[0]
    exact = {n: Fraction(v) for n, v in settings.items()}
    gradients = [Fraction(g) for g in COARSE.gradients]
    wanted = trajectory(rule, exact, Fraction(COARSE.theta), gradients, arithmetic=partial(ball, bits=256))
    for (_, mine), his in zip(run(rule, settings, COARSE), wanted, strict=False):
        for name in (*rule.outputs, *rule.state_names):
            assert math.isclose(mine[name], float(his[name].mid()), rel_tol=1e-9, abs_tol=1e-12)


def test_a_run_ends_where_it_is_undefined() -> None:
    rule = read_text("def f(theta, g, t):\n    theta = theta - g / (1 - t)\n    return theta\n", "f")
    assert len(seen(rule, {}, COARSE)) == 1


def test_runs_tell_rules_apart() -> None:
    one = read_text("def f(theta, g, *, lr=0.1):\n    return theta - lr * g\n", "f")
    other = read_text("def f(theta, g, *, lr=0.1):\n    return theta - lr * g * 1.0001\n", "f")
    mine, his = Runs(one), Runs(other)
    for _ in range(2):  # a run is kept as far as it was looked at
        assert not agrees(his.seen({"lr": 0.3}, COARSE), mine.seen({"lr": 0.3}, COARSE), COARSE.theta)
        assert agrees(mine.seen({"lr": 0.3}, COARSE), seen(one, {"lr": 0.3}, COARSE), COARSE.theta)
    assert len(mine.made) == 1
    assert not agrees(mine.seen({"lr": 0.3}, COARSE), (), COARSE.theta)


def test_what_has_no_value_is_not_a_number() -> None:
    for text in ("1 / x", "sqrt(x - 1)", "log(x)", "x**-1", "(x - 1)**0.5", "y"):
        assert math.isnan(value_of(read_expression(text), {"x": 0.0}))
    assert value_of(Symbol("x"), {"x": 2.0}) == 2.0


def test_close_is_measured_by_what_has_changed() -> None:
    assert close(1.0, 1.0 + 1e-12, before=0.9)
    assert not close(1.0 + 2e-9, 1.0 + 1e-9, before=1.0)
    assert close(math.nan, math.inf)
    assert not close(math.nan, 1.0)
