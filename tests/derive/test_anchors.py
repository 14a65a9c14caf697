"""Anchors say yes to the library and no to everything else that looks like it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive import anchors
from derive.anchors import Different, Equal, check_anchors, check_different, check_equal, check_trajectory, load_anchors
from derive.evaluate import exact, unrolled
from derive.expr import Expr, Number, Symbol, apply, to_text
from derive.library import LIBRARY
from derive.rule import Assignment, Rule

RULES = {rule.name: rule for rule in LIBRARY}


def single(value: Expr | tuple[Expr, ...]) -> Expr:
    assert not isinstance(value, tuple)
    return value


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_every_library_rule_holds_to_its_anchors(rule: Rule) -> None:
    report = check_anchors(rule)
    assert report.ok, report.message
    assert report.passed == report.total >= 2  # a trajectory and a sibling at least


def test_every_rule_has_a_trajectory_of_three_steps_at_least_and_no_anchor_names_an_unknown_rule() -> None:
    loaded = load_anchors()
    assert list(loaded.trajectories) == list(RULES)
    assert {len(t.steps) >= 3 and len(t.steps) == len(t.gradients) for t in loaded.trajectories.values()} == {True}
    equal = {name for r in loaded.equal for name in (r.left, r.right)}
    different = {name for r in loaded.different for name in (r.left, r.right)}
    assert equal | different == set(RULES)


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_the_numbers_hide_no_term(rule: Rule) -> None:
    """No hyperparameter is at its default, at 0 or at 1, none equals another, and the gradients change sign."""
    anchor = load_anchors().trajectories[rule.name]
    values = list(anchor.hyperparameters.values())
    assert set(anchor.hyperparameters) == set(rule.hyperparameter_names)
    assert len(set(values)) == len(values)
    assert not {Number(0), Number(1)} & {*values, *([] if rule.is_average else [anchor.theta])}
    given = [one for each in anchor.gradients for one in (each if isinstance(each, tuple) else (each,))]
    answers = [value for value in exact(given, {}) if isinstance(value, Fraction)]
    assert len(set(answers)) >= 3
    assert min(answers) < 0 < max(answers)


def test_a_rule_outside_the_library_has_no_anchors_whatever_its_name() -> None:
    mine = replace(RULES["adam"], body=RULES["adam"].body[:-1])
    assert mine.name == "adam"
    assert check_anchors(mine) == anchors.AnchorReport(True, 0, 0, "none")


def test_a_wrong_step_is_told_with_both_values() -> None:
    descent = RULES["gradient_descent"]
    doubled = replace(descent, body=(Assignment("theta", Symbol("theta") - 2 * Symbol("lr") * Symbol("g")),))
    assert check_trajectory(doubled, load_anchors().trajectories[descent.name]) == "step 1: theta is 7/5, not 17/10"


def test_a_missing_query_point_is_told() -> None:
    blind = replace(RULES["nesterov"], query=None)
    said = check_trajectory(blind, load_anchors().trajectories["nesterov"])
    assert said == "step 1: it has theta, v; its anchor has theta, v, query point"


def test_irrational_steps_are_compared_by_proof() -> None:
    rule, anchor = RULES["adam_eps_hat"], load_anchors().trajectories["adam_eps_hat"]
    assert "sqrt(1801)" in to_text(single(anchor.steps[2]["theta"]))
    near = {**anchor.steps[2], "theta": single(anchor.steps[2]["theta"]) + Fraction(1, 10**60)}
    forged = replace(anchor, steps=(*anchor.steps[:2], near))
    assert check_trajectory(rule, anchor) == ""
    assert check_trajectory(rule, forged).startswith("step 3: theta is [1.7651")


def test_the_decayed_gradients_are_those_of_adam() -> None:
    """The anchors of `adam_l2` answer Adam's gradients less the decay of the parameter the step starts from."""
    anchor, adam = load_anchors().trajectories["adam_l2"], load_anchors().trajectories["adam"]
    before = [anchor.theta, *(step["theta"] for step in anchor.steps)]
    decay = anchor.hyperparameters["weight_decay"]
    decayed = [single(g) + decay * single(at) for g, at in zip(anchor.gradients, before, strict=False)]
    assert exact(decayed, {}) == exact(map(single, adam.gradients), {})
    assert [s["theta"] for s in anchor.steps] == [s["theta"] for s in adam.steps]


def test_a_tensor_is_compared_coordinate_by_coordinate() -> None:
    rule, anchor = RULES["lars"], load_anchors().trajectories["lars"]
    assert check_trajectory(rule, anchor) == ""
    first = anchor.steps[0]
    assert isinstance(first["theta"], tuple)
    wrong = replace(anchor, steps=({**first, "theta": (first["theta"][0], Number(5))}, *anchor.steps[1:]))
    assert check_trajectory(rule, wrong) == "step 1: theta is -3/10, 2/5, not -3/10, 5"
    short = replace(anchor, steps=({**first, "theta": first["theta"][:1]}, *anchor.steps[1:]))
    assert check_trajectory(rule, short) == "step 1: theta is -3/10, 2/5, not -3/10"
    [size, *_] = [line for line in rule.body if line.target == "size"]
    apart = replace(size, value=apply("abs", Symbol("theta")))
    of_one = replace(rule, body=tuple(apart if line is size else line for line in rule.body))
    assert check_trajectory(of_one, anchor).startswith("step 3: theta is ")


def test_a_false_equality_is_refused() -> None:
    wrong_map = Equal("momentum_ema", "momentum", {"lr": Symbol("lr")}, {"v": Symbol("lr") * Symbol("v")}, {})
    assert check_equal(wrong_map, RULES).startswith("momentum_ema = momentum is refuted, not proved")
    unconditional = Equal("adam", "adam_eps_hat", {}, {}, {})
    assert check_equal(unconditional, RULES).startswith("adam = adam_eps_hat is conditional, not proved")


def test_a_witness_that_does_not_separate_is_refused() -> None:
    same = Different("momentum", "momentum_lr_outside", {"lr": Fraction(1), "beta": Fraction(1, 2)}, Fraction(0),
                     (Fraction(1),), 1)  # fmt: skip
    assert check_different(same, RULES) == "momentum and momentum_lr_outside differ nowhere, not at step 1"
    late = Different("momentum", "gradient_descent", {"lr": Fraction(1), "beta": Fraction(1, 2)}, Fraction(0),
                     (Fraction(1), Fraction(0)), 1)  # fmt: skip
    assert check_different(late, RULES) == "momentum and gradient_descent differ at step 2, not at step 1"


def test_long_runs_agree_with_plain_python() -> None:
    """Adam's moments after 50 steps, against sums written here."""
    b1, b2 = Fraction(9, 10), Fraction(999, 1000)
    gs = [Fraction((-1) ** i * i, 7) for i in range(1, 51)]
    last = unrolled(RULES["adam"], {}, 0, gs)[-1]
    m = (1 - b1) * sum(b1 ** (50 - i) * g for i, g in enumerate(gs, 1))
    v = (1 - b2) * sum(b2 ** (50 - i) * g * g for i, g in enumerate(gs, 1))
    assert exact([last["m"], last["v"]], {}) == [m, v]
