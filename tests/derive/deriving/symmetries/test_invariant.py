"""Which symmetries the rules have, under which conditions, and that wrong claims are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.deriving.symmetries import NAMES, invariances, invariant
from derive.deriving.symmetries.dimensions import exponents
from derive.deriving.symmetries.kinds import scale_exponents
from derive.deriving.symmetries.parity import odd_states
from derive.errors import UserError
from derive.evaluate import trajectory
from derive.expr import Number
from derive.library import LIBRARY
from derive.reading.read import read_path
from derive.rule import Rule
from derive.transforms import bind

RULES = {rule.name: rule for rule in LIBRARY}
BODY = """
from derive.language import decay, nonnegative, positive, rule, sqrt
@rule()
def own(theta, g, v=0, *, lr=nonnegative(0.1), beta=decay(0.9), eps=nonnegative(1e-8)):
    v = {state}
    theta = theta - {step}
    return theta, v
"""


def own(tmp_path: Path, state: str, step: str) -> Rule:
    path = tmp_path / "own.py"
    path.write_text(BODY.format(state=state, step=step))
    return read_path(str(path), "own")


@pytest.mark.parametrize(
    ("name", "scale", "conditions"),
    [
        ("adam", "g", ["eps = 0"]),
        ("adam", "batch", ["eps = 0"]),
        ("adagrad", "g", ["eps = 0"]),
        ("adam_l2", "g", ["eps = 0 and weight_decay = 0"]),
        ("adamw", "translation", ["weight_decay = 0"]),
        ("lion", "translation", ["weight_decay = 0"]),  # runs that end alike by the signs alone mislead nobody
        ("adam", "time", ["beta1 = 0 and beta2 = 0"]),
    ],
)
def test_what_breaks_a_symmetry_is_found(name: str, scale: str, conditions: list[str]) -> None:
    verdict = invariant(RULES[name], scale)
    assert verdict.status == "conditional"
    assert verdict.condition is not None
    assert verdict.condition["any_of"] == conditions
    assert verdict.counterexample is not None


def test_that_nothing_else_restores_it_is_proved_too() -> None:
    condition = invariant(RULES["adam"], "g").condition
    assert condition is not None
    assert condition["exact"]
    assert condition["degenerate"] == ["c = 1", "lr = 0"]


@pytest.mark.parametrize(
    ("name", "scale", "status"),
    [
        ("gradient_descent", "g", "refuted"),
        ("gradient_descent", "quadratic", "proved"),
        ("gradient_descent", "rotation", "proved"),
        ("momentum", "rotation", "proved"),
        ("adam", "rotation", "refuted"),
        ("adagrad", "rotation", "refuted"),
        ("adam", "permutation", "proved"),
        ("adam", "sign", "proved"),
        ("adam", "translation", "proved"),
        ("adam", "theta", "refuted"),
        ("adam", "units", "refuted"),
        ("adagrad", "time", "proved"),
    ],
)
def test_symmetries_by_name(name: str, scale: str, status: str) -> None:
    assert invariant(RULES[name], scale).status == status


def test_joint_scalings_are_proved_with_the_right_powers_and_refuted_with_wrong_ones() -> None:
    adam, descent = RULES["adam"], RULES["gradient_descent"]
    assert invariant(adam, {"g": 1, "eps": 1})
    assert invariant(adam, {"g": 1, "eps": 2}).status == "refuted"
    assert invariant(adam, {"theta": 1, "g": -1, "lr": 1, "eps": -1})
    assert invariant(descent, {"g": 1, "lr": -1})
    assert invariant(descent, {"theta": 1, "g": -1, "lr": 2})
    assert invariant(descent, {"g": 1, "lr": 1}).status == "refuted"


def test_on_a_quadratic_adam_scales_with_its_learning_rate() -> None:
    bare = bind(RULES["adam"], {"eps": Number(0)})
    assert invariant(bare, {"theta": 1, "g": 1, "lr": 1})


def test_a_step_without_the_root_is_not_invariant_however_eps_is_set(tmp_path: Path) -> None:
    rule = own(tmp_path, "beta * v + (1 - beta) * g**2", "lr * g / (v + eps)")
    assert invariant(rule, "g").status == "refuted"
    assert invariant(rule, {"g": 1, "lr": 1, "eps": 2})


def test_a_step_that_prefers_one_sign_is_not_reflected(tmp_path: Path) -> None:
    rule = own(tmp_path, "beta * v + g", "lr * (v + abs(v))")
    assert odd_states(rule) is None
    assert invariant(rule, "sign").status == "refuted"


def test_wrong_names_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="no symmetry"):
        invariant(RULES["adam"], "mirror")
    with pytest.raises(UserError, match="can't be scaled"):
        invariant(RULES["adam"], {"m": 1})
    with pytest.raises(UserError, match="average"):
        invariant(RULES["ewma"])
    assert "g" in NAMES


@pytest.mark.parametrize("name", ["gradient_descent", "adagrad", "adam"])
def test_every_step_of_the_derivations_holds(name: str) -> None:
    found = invariances(RULES[name])
    assert {d.title for d in found} >= {"Scaling of the gradients", "Rotation of the coordinates"}
    assert all(d.holds and d.checked for d in found)


def test_the_derivation_says_what_restores_it() -> None:
    [scaling] = [d for d in invariances(RULES["gradient_descent"]) if d.title == "Scaling of the gradients"]
    assert "`lr` as `lr / c`" in scaling.statement
    assert str(scaling.quantities["moved lr"]) == "lr / c"


GRADIENTS = st.lists(st.fractions(Fraction(-3), Fraction(3), max_denominator=5), min_size=1, max_size=4)


@given(gradients=GRADIENTS, c=st.sampled_from([Fraction(1, 4), Fraction(4)]))
def test_exponents_are_those_of_runs(gradients: list[Fraction], c: Fraction) -> None:
    """Momentum along gradients that are c times as large, with lr divided by c: the same points, states as said."""
    rule = RULES["momentum_lr_outside"]
    found = exponents(rule, {**scale_exponents(rule, {"g": Fraction(1), "lr": Fraction(-1)})})
    assert found is not None
    lr = Fraction(1, 3)
    plain = trajectory(rule, {"lr": lr}, 1, gradients)
    scaled = trajectory(rule, {"lr": lr / c}, 1, [c * g for g in gradients])
    for one, other in zip(plain, scaled, strict=True):
        assert one["theta"] == other["theta"]
        assert one["v"] * c ** int(found["v"]) == other["v"]
