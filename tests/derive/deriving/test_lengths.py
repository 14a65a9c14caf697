"""How long steps are that norms scale, and what rules with norms are symmetric under; wrong formulas are noticed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

import kernels
from derive.deriving.derivation import holds
from derive.deriving.lengths import step_length
from derive.deriving.linear import given
from derive.deriving.nonzero import while_nonzero
from derive.deriving.symmetries import invariances, invariant
from derive.expr import Expr, Number, apply
from derive.library import LIBRARY
from derive.reading.python.expressions import read_expression
from derive.rule import Assignment, Rule
from kernels.measuring.experiments import confirm

RULES = {r.name: r for r in LIBRARY}


def read(text: str) -> Expr:
    return read_expression(text, file="test")


def stepping(text: str) -> Rule:
    """Gradient descent with another step."""
    return replace(RULES["gradient_descent"], name="other", body=(Assignment("theta", read(text)),))


@pytest.mark.parametrize(("name", "share"), [("lars", "lr * trust"), ("lamb", "lr")])
def test_a_step_is_a_share_of_theta(name: str, share: str) -> None:
    found = step_length(RULES[name])
    assert found is not None
    assert found.holds
    assert found.quantities["share"] is read(share)


def test_a_normalised_step_is_as_long_as_the_rate() -> None:
    found = step_length(stepping("theta - lr * g / norm(g)"))
    assert found is not None
    assert found.result is read("lr")
    assert found.assumptions == ("`norm(g) > 0`",)


@pytest.mark.parametrize("text", ["theta - lr * g", "theta - lr * g / abs(g)", "theta - lr * g**2 / norm(g)"])
def test_nothing_is_said_of_steps_that_are_not_scaled_or_by_the_norm_of_something_else(text: str) -> None:
    found = step_length(stepping(text))
    assert found is None or "share" not in found.quantities


def test_another_length_is_refused() -> None:
    assumed = given(RULES["lars"])
    for wrong in ("2 * lr", "lr * norm(g)"):
        claim = apply("eq", read("norm(lr * g / norm(g))"), read(wrong))
        assert not holds(claim, when=(read("norm(g) > 0"),), given=assumed, why="").verdict
    right = apply("eq", read("norm(lr * g / norm(g))"), read("lr"))
    assert holds(right, when=(read("norm(g) > 0"),), given=assumed, why="").verdict
    assert not holds(right, given=assumed, why="").verdict  # without a gradient it has no value


@pytest.mark.parametrize("name", ["lars", "lamb"])
def test_the_kernel_steps_as_far_and_would_not_for_another_rule(name: str) -> None:
    found = step_length(RULES[name])
    assert found is not None
    [run] = found.experiments
    assert confirm(kernels.compile(RULES[name], "float64"), run) == ""
    alone = tuple(
        replace(a, value=apply("abs", a.value.args[0])) if getattr(a.value, "op", "") == "norm" else a  # type: ignore[attr-defined]
        for a in RULES[name].body
    )
    assert confirm(kernels.compile(replace(RULES[name], body=alone), "float64"), run)
    wrong = replace(run, foretold={t: 4 * value for t, value in run.foretold.items()})
    assert confirm(kernels.compile(RULES[name], "float64"), wrong)


@pytest.mark.parametrize(
    ("name", "scale", "status"),
    [
        ("lars", "sign", "proved"),
        ("lars", "quadratic", "proved"),
        ("lars", "permutation", "proved"),
        ("lars", "rotation", "proved"),
        ("lars", "g", "refuted"),
        ("lars", "translation", "refuted"),
        ("lamb", "permutation", "proved"),
        ("lamb", "rotation", "refuted"),
    ],
)
def test_symmetries_under_norms(name: str, scale: str, status: str) -> None:
    assert invariant(RULES[name], scale).status == status


def test_a_step_that_looks_at_the_axes_does_not_turn_with_them() -> None:
    assert invariant(stepping("theta - lr * norm(theta) * abs(g)"), "rotation").status == "refuted"
    assert invariant(stepping("theta - lr * norm(theta) * g"), "rotation").status == "proved"
    assert invariant(stepping("theta - lr * norm(abs(theta) * g) * g"), "rotation").status == "refuted"


def test_scaled_gradients_change_nothing_while_the_norms_are_not_zero() -> None:
    found = while_nonzero(RULES["lars"])
    assert found is not None
    assert found.conditions == (read("norm(theta) > 0"), read("norm(g) > 0"))
    verdict = invariant(found.rule, "g")
    assert verdict.status == "conditional"
    assert verdict.condition is not None
    assert verdict.condition["any_of"] == ["weight_decay = 0"]
    assert while_nonzero(RULES["adam"]) is None


def test_runs_of_two_coordinates_show_the_symmetries_of_lars() -> None:
    kernel = kernels.compile(RULES["lars"], "float64")
    for derivation in invariances(RULES["lars"]):
        assert derivation.holds, derivation.title
        for run in derivation.experiments:
            assert confirm(kernel, run) == "", (derivation.title, run.what)
            if isinstance(run.start, tuple):
                moved = replace(run, start=(run.start[0] + Fraction(1), *run.start[1:]))
                assert confirm(kernel, moved), derivation.title


def test_the_share_is_of_the_rule_with_that_number() -> None:
    lars = RULES["lars"]
    [line] = [a for a in lars.body if a.target == "ratio"]
    doubled = replace(line, value=Number(2) * line.value)
    found = step_length(replace(lars, body=tuple(doubled if a is line else a for a in lars.body)))
    assert found is not None
    assert found.quantities["share"] is read("2 * (lr * trust)")
