"""Conditions, exactness and schedules are claims like any other: the checker says no where they do not hold."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Number, Symbol
from derive.proving.certificate import Conditional, Correspondence, Exactness, Leaf
from derive.proving.checker import Checked, Rejected
from derive.proving.obligations import of_exactness
from derive.proving.search import Differs, Undecided, propose_identity
from derive.reading.read import read_text
from derive.relating import prove
from derive.relating.searching.induction import induction
from derive.relating.searching.solving import Maps
from tests.derive.relating.forms import RULES

ONE = Fraction(1)


def proof(a: str, b: str) -> Conditional:
    certificate = prove(RULES[a], RULES[b]).evidence.certificate
    assert isinstance(certificate, Conditional)
    return certificate


def test_a_condition_proved_for_something_else_is_rejected() -> None:
    good = proof("adam", "adam_eps_hat")
    assert len(good.conditions) == 3
    with pytest.raises(Rejected, match="other rules"):
        Checked(replace(good, conditions=good.conditions[::-1], exactness=None))
    with pytest.raises(Rejected, match="other rules"):
        Checked(replace(good, b=RULES["adamw"], exactness=None))
    with pytest.raises(Rejected):
        Checked(replace(good, correspondences=good.correspondences[:1], exactness=None))


def test_conditions_that_leave_one_out_are_not_exact() -> None:
    """adam and adam_eps_hat agree at eps = 0, and also at beta2 = 0 and at lr = 0."""
    good = proof("adam", "adam_eps_hat")
    assert good.exactness is not None
    for left_out in range(3):
        conditions = tuple(c for i, c in enumerate(good.conditions) if i != left_out)
        claim = replace(good.exactness, conditions=conditions)
        with pytest.raises(Rejected):
            Checked(claim)
        _, pairs, assumed = of_exactness(claim)
        with pytest.raises((Differs, Undecided)):
            propose_identity(pairs, assumed)


def test_a_run_that_tells_nothing_apart_is_no_evidence() -> None:
    a, b = RULES["momentum"], RULES["nesterov"]
    for gradients in ((Fraction(0),), (Fraction(0), Fraction(0))):
        with pytest.raises(Rejected):
            Checked(Exactness(a, b, (), ((ONE, gradients),), Leaf()))


def test_exactness_is_about_the_same_conditions() -> None:
    good = proof("adam", "adam_eps_hat")
    assert good.exactness is not None
    with pytest.raises(Rejected, match="exact for something else"):
        Checked(replace(good, exactness=replace(good.exactness, conditions=())))


def test_names_that_mean_different_things_make_no_condition() -> None:
    a, b = RULES["momentum_ema"], RULES["momentum"]
    mapped = prove(a, b).evidence.certificate
    assert isinstance(mapped, Correspondence)
    with pytest.raises(Rejected, match="hyperparameters of one name differ"):
        Checked(Conditional(a, b, ({},), (mapped,)))


def test_a_map_through_the_learning_rate_does_not_survive_its_schedule() -> None:
    a, b = RULES["momentum_lr_outside"], RULES["momentum"]
    lr, beta, v, theta = map(Symbol, ("lr", "beta", "v", "theta"))
    maps = Maps({"theta": theta, "v": lr * v}, {"lr": lr, "beta": beta})
    constant = induction(a, b, maps).certificate
    assert isinstance(constant, Correspondence)
    with pytest.raises(Undecided, match="depends on lr"):
        induction(a, b, maps, frozenset({"lr"}))
    with pytest.raises(Rejected, match="depends on lr"):
        Checked(replace(constant, scheduled=frozenset({"lr"})))
    with pytest.raises(Rejected, match="constant hyperparameters that are scheduled"):
        Checked(Conditional(a, b, ({},), (constant,), None, frozenset({"lr"})))


def test_a_proof_about_defined_steps_is_no_whole_proof() -> None:
    verdict = prove(RULES["adam"], RULES["sign_descent"])
    certificate = verdict.evidence.certificate
    assert isinstance(certificate, Conditional)
    [partly] = certificate.correspondences
    assert partly.while_defined
    with pytest.raises(Rejected):
        Checked(replace(partly, while_defined=False))
    claim = Exactness(certificate.a, certificate.b, certificate.conditions, ((ONE, (ONE,)),), Leaf())
    with pytest.raises(Rejected):
        Checked(replace(certificate, exactness=claim))


def test_a_condition_is_a_value_of_a_hyperparameter() -> None:
    a, b = RULES["momentum"], RULES["nesterov"]
    with pytest.raises(Rejected, match="depends on"):
        Checked(Exactness(a, b, ({"mu": Number(0)},), ((ONE, (ONE,)),), Leaf()))


@pytest.mark.parametrize("moved", ["max(g, 5)", "(g if t > 5 else 1)", "(g if g < -20 else 0)"])
def test_gradients_that_count_late_or_far_out_make_no_degenerate_condition(moved: str) -> None:
    text = f"""
def scaled(theta, g, t, *, lr=nonnegative(0.01), eps=nonnegative(0)):
    theta = theta - lr * {moved} / (1 + eps)
    return theta

def plain(theta, g, t, *, lr=nonnegative(0.01)):
    theta = theta - lr * {moved}
    return theta
"""
    verdict = prove(*(read_text(text, name, "far.py") for name in ("scaled", "plain")))
    assert verdict.status == "conditional"
    assert verdict.condition is not None
    assert (verdict.condition["any_of"], verdict.condition["degenerate"]) == (["eps = 0"], ["lr = 0"])


def test_a_value_that_follows_from_another_is_a_number_in_its_domain() -> None:
    text = """
def average(x, m=0, *, beta=unit(0.9)):
    m = beta * m + (1 - beta) * x
    output = m
    return output, m

def moved(x, *, c=real(1)):
    output = x + c
    return output
"""
    verdict = prove(*(read_text(text, name, "moved.py") for name in ("average", "moved")))
    assert verdict.condition is not None
    assert verdict.condition["any_of"] == ["beta = 0 and c = 0"]


CONDITIONS = [
    ("g + k * (l - m) * g", "g", ["k = 0", "l = m"], []),
    ("(k - 2 * l) * g", "0 * g", [], ["k = 2 * l"]),
    ("(c - k * m) * g - m * g**2", "0 * g", [], ["c = 0 and m = 0"]),
    ("g + (k - l) * (l - m) * g", "g", ["k = l", "l = m"], []),
]


@pytest.mark.parametrize(("moved", "other", "any_of", "degenerate"), CONDITIONS)
def test_a_condition_is_said_once_and_worked_out(
    moved: str, other: str, any_of: list[str], degenerate: list[str]
) -> None:
    text = "\n".join(
        f"def {name}(theta, g, *, c=real(1), k=real(1), l=real(1), m=real(1)): return theta - ({value})\n"
        for name, value in (("one", moved), ("two", other))
    )
    verdict = prove(*(read_text(text, name, "once.py") for name in ("one", "two")))
    assert verdict.condition is not None
    assert (verdict.condition["any_of"], verdict.condition["degenerate"]) == (any_of, degenerate)


def test_degenerate_conditions_stand_with_the_map_they_hold_under() -> None:
    text = """
def one(theta, g, *, lr=nonnegative(1), c=nonnegative(1), beta=decay(0.5)): return theta - lr * c * g

def two(theta, g, *, lr=nonnegative(1), d=nonnegative(1), beta=decay(0.5)): return theta - 2 * lr * d * g - beta
"""
    verdict = prove(*(read_text(text, name, "map.py") for name in ("one", "two")))
    assert (verdict.status, verdict.maps) == ("refuted", {"B.d": "A.c"})
    assert verdict.condition is not None
    assert verdict.condition["degenerate"] == ["beta = 0 and lr = 0", "beta = 0 and c = 0"]


def scheduled_proof() -> Conditional:
    certificate = prove(RULES["momentum"], RULES["momentum_lr_outside"], schedule=["lr"]).evidence.certificate
    assert isinstance(certificate, Conditional)
    return certificate


def test_only_if_lr_is_constant_or_beta_is_zero() -> None:
    good = scheduled_proof()
    assert good.exactness is not None
    assert prove(RULES["momentum"], RULES["momentum_lr_outside"], schedule=["lr"]).condition == {
        "any_of": ["lr constant", "beta = 0"], "degenerate": [], "exact": True,
    }  # fmt: skip


def test_under_a_schedule_too_nothing_is_exact_that_leaves_a_condition_out() -> None:
    good = scheduled_proof()
    assert good.exactness is not None
    with pytest.raises(Rejected):
        Checked(replace(good.exactness, conditions=()))
    with pytest.raises(Rejected, match="something else"):
        Checked(replace(good, exactness=replace(good.exactness, scheduled=frozenset())))
    with pytest.raises(Rejected, match="while nothing changes"):
        Checked(replace(good, constant=None))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("adam", "adam_eps_hat"),  # they vary in time
        ("decaying", "decaying_twice"),  # theta moves before the first change
    ],
)
def test_a_first_change_is_like_any_only_where_both_rules_rest_until_then(a: str, b: str) -> None:
    runs = ((ONE, (ONE, ONE)),)
    rules = [RULES[n] if n in RULES else read_text(DECAYING, n) for n in (a, b)]
    claim = Exactness(rules[0], rules[1], (), runs, Leaf(), frozenset({"lr"}))
    with pytest.raises(Rejected):
        Checked(claim)


DECAYING = """
def decaying(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g - theta / 2

def decaying_twice(theta, g, *, lr=nonnegative(0.1)):
    return theta - lr * g - theta / 4
"""
