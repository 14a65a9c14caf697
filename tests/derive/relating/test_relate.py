"""Whole trajectories: the seeds' relations, with their maps, and where siblings part."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol
from derive.library import LIBRARY
from derive.proving import Assumptions, identity, invariants
from derive.reading.read import read_path, read_text
from derive.relating import prove
from derive.rule import NONNEGATIVE, Assignment, Hyperparameter, Rule
from derive.transforms import bind

RULES = {rule.name: rule for rule in LIBRARY}
lr, beta, v = map(Symbol, ("lr", "beta", "v"))


@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_every_rule_is_itself(rule: Rule) -> None:
    verdict = prove(rule, rule)
    assert verdict.status == "proved", verdict.message
    assert verdict.relation == "identical"


def test_ema_form_is_velocity_form() -> None:
    verdict = prove(RULES["momentum_ema"], RULES["momentum"], states={"v": lr * v},
                    hyperparameters={"lr": lr * (1 - beta)})  # fmt: skip
    assert verdict.status == "proved"
    assert verdict.relation == "hyperparameter_map"
    assert verdict.message == "equal with B.lr = A.lr * (1 - A.beta), B.v = A.lr * A.v"


def test_learning_rate_outside_is_inside() -> None:
    verdict = prove(RULES["momentum_lr_outside"], RULES["momentum"], states={"v": lr * v})
    assert verdict.status == "proved"
    assert verdict.relation == "state_map"


CONDITIONS: list[tuple[str, str, str]] = [
    ("adam", "adam_eps_hat", "eps"),
    ("adam_l2", "adam", "weight_decay"),
    ("adamw", "adam", "weight_decay"),
    ("adam_l2", "adamw", "weight_decay"),
    ("adagrad", "adagrad_eps_inside", "eps"),
    ("rmsprop", "rmsprop_eps_inside", "eps"),
    ("momentum", "gradient_descent", "beta"),
    ("nesterov", "gradient_descent", "beta"),
    ("nesterov", "momentum", "beta"),
    ("ewma", "ewma_debiased", "beta"),
]


@pytest.mark.parametrize(("a", "b", "name"), CONDITIONS)
def test_siblings_agree_where_a_hyperparameter_vanishes(a: str, b: str, name: str) -> None:
    zero: dict[str, Expr] = {name: Number(0)}
    verdict = prove(RULES[a], RULES[b], condition=zero)
    assert verdict.status == "conditional"
    assert verdict.condition is not None
    assert verdict.condition["any_of"] == [f"{name} = 0"]
    if set(RULES[b].hyperparameter_names) >= {name}:
        assert verdict.counterexample is not None
    assert not verdict


@pytest.mark.parametrize(("a", "b", "name"), [c for c in CONDITIONS if set(RULES[c[1]].hyperparameter_names) >= {c[2]}])
def test_and_part_elsewhere(a: str, b: str, name: str) -> None:
    verdict = prove(RULES[a], RULES[b])
    assert verdict.status == "conditional", verdict.message
    assert verdict.condition is not None
    assert f"{name} = 0" in verdict.condition["any_of"]
    assert verdict.counterexample is not None
    assert verdict.counterexample["step"] >= 1


def test_a_counterexample_is_the_simplest() -> None:
    verdict = prove(RULES["momentum"], RULES["nesterov"])
    found = verdict.counterexample
    assert found is not None
    assert {side: {n: v["exact"] for n, v in each.items()} for side, each in found["hyperparameters"].items()} == {
        "a": {"lr": "1", "beta": "1/2"}, "b": {"lr": "1", "beta": "1/2"}}  # fmt: skip
    assert [g["exact"] for g in found["gradients"]] == ["1"]
    assert (found["step"], found["expected"]["exact"], found["actual"]["exact"]) == (1, "0", "-1/2")


def test_same_question_same_answer() -> None:
    first, again = (prove(RULES["adam_l2"], RULES["adamw"]).counterexample for _ in range(2))
    assert first == again


def test_invariants_are_proved_not_assumed() -> None:
    assert invariants(RULES["adam"]) == {"v": NONNEGATIVE}
    assert invariants(RULES["adam_l2"]) == {"v": NONNEGATIVE}
    assert invariants(RULES["adagrad"]) == {"s": NONNEGATIVE}
    assert invariants(RULES["momentum"]) == {}


def test_differing_defaults_are_a_warning() -> None:
    verdict = prove(RULES["adagrad"], RULES["adagrad_eps_inside"], condition={"lr": Number(1)})
    assert "the default of eps is 1e-10 in adagrad and 1e-08 in adagrad_eps_inside" in verdict.warnings


def test_a_condition_outside_the_domain_is_refused() -> None:
    with pytest.raises(UserError, match=r"beta = 2 is not in its domain \[0, 1\)"):
        prove(RULES["momentum"], RULES["momentum"], condition={"beta": Number(2)})
    with pytest.raises(UserError, match="'nu' is not a hyperparameter"):
        prove(RULES["momentum"], RULES["momentum"], condition={"nu": Number(0)})
    with pytest.raises(UserError, match="'w' is not a state of momentum"):
        prove(RULES["momentum"], RULES["momentum"], states={"w": v})


def test_conditions_mention_only_what_stays_free() -> None:
    for condition in ({"lr": Symbol("g")}, {"beta": Symbol("beta")}, {"lr": Symbol("beta"), "beta": Symbol("lr")}):
        with pytest.raises(UserError, match="that is left free"):
            prove(RULES["momentum"], RULES["momentum"], condition=condition)


def test_a_condition_does_not_capture_a_local_name() -> None:
    """A rule whose body sets `mu` anew keeps its own meaning of it."""
    source = RULES["momentum"]
    own = replace(source, body=(Assignment("beta", Symbol("beta") * 2), *source.body))
    zero = bind(own, {"beta": Number(1) / 2}).step["v"]
    assert identity([(zero, Symbol("v") + Symbol("lr") * Symbol("g"))], Assumptions())


@pytest.mark.parametrize(
    ("states", "hypers", "message"),
    [
        ({"v": Symbol("lr") * Symbol("w")}, {}, "'w' is not a state or hyperparameter of momentum_ema"),
        ({}, {"lr": Symbol("lr") * (1 - Symbol("betta"))}, "did you mean beta"),
        ({"v": Symbol("g")}, {}, "'g' is not a state or hyperparameter"),
    ],
)
def test_slips_in_a_map_are_refused(states: dict[str, Expr], hypers: dict[str, Expr], message: str) -> None:
    with pytest.raises(UserError, match=message):
        prove(RULES["momentum_ema"], RULES["momentum"], states=states, hyperparameters=hypers)


def test_what_is_missing_is_named() -> None:
    wide = replace(RULES["gradient_descent"], hyperparameters=(Hyperparameter("lr", Fraction(1, 100)),))
    verdict = prove(RULES["gradient_descent"], wide)
    assert verdict.message.startswith("lr lies in [0, ∞) in A and in (-∞, ∞) in B")


def test_an_average_is_not_an_update() -> None:
    with pytest.raises(UserError, match="not comparable"):
        prove(RULES["ewma"], RULES["adam"])


def test_exact_values_stand_beside_decimals() -> None:
    verdict = prove(RULES["rmsprop"], RULES["rmsprop_eps_inside"])
    assert verdict.counterexample is not None
    assert verdict.counterexample["expected"]["exact"] == "sqrt(2) / (sqrt(2) + 2)"
    assert round(verdict.counterexample["expected"]["decimal"], 8) == 0.41421356


def test_enormous_constants_are_answered(tmp_path: Path) -> None:
    rules = []
    for shift in (1, 2):
        path = tmp_path / f"own{shift}.py"
        path.write_text(f"def own(theta, g, *, lr=0.1):\n    return theta - lr * abs(1e300**20 * g - {shift})\n")
        rules.append(read_path(str(path), "own"))
    assert prove(*rules).status == "refuted"
    assert prove(rules[0], rules[0]).status == "proved"


def test_an_exponent_that_may_be_zero_makes_no_counterexample() -> None:
    text = """
def disguised(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * 0**(sin(g)**2 + cos(g)**2 - 1) * g
    return theta

def plain(theta, g, *, lr=nonnegative(0.1)):
    theta = theta - lr * g
    return theta
"""
    same = (read_text(text, name, "powers.py") for name in ("disguised", "plain"))
    assert prove(*same).status != "refuted"


def test_rules_of_one_name_are_a_and_b_where_they_differ() -> None:
    texts = [f"def mine(theta, g, *, lr={lr}):\n    return theta - lr * g\n" for lr in ("0.1", "nonnegative(0.01)")]
    verdict = prove(*(read_text(text, "mine", "mine.py") for text in texts))
    assert verdict.message == "lr lies in (-∞, ∞) in A and in [0, ∞) in B; declare one domain"
    assert verdict.warnings == ("the default of lr is 0.1 in A and 0.01 in B",)


def test_choices_under_constant_hyperparameters_are_no_answer_under_a_schedule() -> None:
    one = read_text("def one(theta, g, *, lr=nonnegative(1)):\n    return theta - lr * g\n", "one", "one.py")
    two = read_text("def two(theta, g, *, lr=nonnegative(1)):\n    return theta - (lr + 1) * g\n", "two", "two.py")
    assert prove(one, two).branches
    assert prove(one, two, schedule=["lr"]).branches == ()


BELOW_A_BOUND = """
def small(theta, g, m=0, *, lr=positive(1), beta=decay(0.5)):
    m = beta * m + g**2
    return theta - lr * minimum(m, 1), m

def drifting(theta, g, m=0, *, lr=positive(1), beta=decay(0.5)):
    m = beta * m + g**2 + beta * g
    return theta - lr * minimum(m, 1), m

def rare(theta, g, *, lr=positive(1), c=nonnegative(0.5)):
    return theta - lr * where(g > 1000, g, 0)

def rare_and_moving(theta, g, *, lr=positive(1), c=nonnegative(0.5)):
    return theta - lr * where(g > 1000, g, 0) + c

def decaying(theta, g, *, lr=nonnegative(0.1), wd=nonnegative(0.1)):
    return theta - lr * g - wd * theta

def decaying_late(theta, g, t, *, lr=nonnegative(0.1), wd=nonnegative(0.1)):
    return theta - lr * g / t - wd * theta
"""


@pytest.mark.parametrize(
    ("a", "b", "any_of", "degenerate"),
    [
        ("small", "drifting", ["beta = 0"], []),  # gradients below 1 count
        ("rare", "rare_and_moving", ["c = 0"], []),
        ("decaying", "decaying_late", [], ["lr = 0"]),  # theta moves, and no gradient moves it
    ],
)
def test_a_condition_is_degenerate_where_no_gradient_counts(
    a: str, b: str, any_of: list[str], degenerate: list[str]
) -> None:
    condition = prove(read_text(BELOW_A_BOUND, a), read_text(BELOW_A_BOUND, b)).condition
    assert condition is not None
    assert (condition["any_of"], condition["degenerate"]) == (any_of, degenerate)
