"""What is said of a text's names: roles that there are, numbers, and names that keep their meaning."""

from __future__ import annotations

import pytest

from derive import check
from derive.errors import UserError

MOMENTUM = "v = mu * v + dw\nw = w - lr * v"
SWAPPED = """
m = beta2 * m + (1 - beta2) * g
v = beta1 * v + (1 - beta1) * g**2
x = x - lr * (m / (1 - beta2**t)) / (sqrt(v / (1 - beta1**t)) + eps)
"""


@pytest.mark.parametrize("value", ["0.9", 0.9])
def test_a_name_given_as_a_number_is_that_number(value: float | str) -> None:
    match = check(MOMENTUM, "momentum_lr_outside", names={"mu": value})
    assert match
    assert match.hyperparameters == {"lr": "lr", "beta": "0.9"}
    assert "mu = 0.9, as given" in match.assumed
    assert not check(MOMENTUM, "gradient_descent", names={"mu": 0.5})
    assert check(MOMENTUM, "gradient_descent", names={"mu": 0})


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ({"w": "thetaa"}, r"'thetaa' is no role of adam; give a number, or one of theta, g, t, m, v, lr, beta1, beta2"),
        ({"lr": "nonsense"}, "'nonsense' is no role of adam"),
        ({"m": 0.5}, "'m' changes from step to step"),
        ({"nobody": "lr"}, "'nobody' is no name of the text"),
        ({"nesterov": "True"}, "'nesterov' is no name of the text"),
    ],
)
def test_a_role_that_nobody_has_is_refused(names: dict[str, str | float], what: str) -> None:
    with pytest.raises(UserError, match=what):
        check(SWAPPED, "adam", names=names)


def test_a_key_is_found_by_its_last_part() -> None:
    text = "def f(w, dw, v, config):\n    v = config['mu'] * v + dw\n    w -= config['rate'] * v\n    return w, v"
    assert check(text, "momentum_lr_outside", names={"rate": "lr"}).hyperparameters["lr"] == 'config["rate"]'
    assert not check(text, "momentum_lr_outside", names={"rate": "beta"})


def test_a_hyperparameter_that_is_given_is_no_other() -> None:
    assert check(SWAPPED, "adam")
    assert check(SWAPPED, "adam", names={"beta2": "beta1", "beta1": "beta2"})
    assert not check(SWAPPED, "adam", names={"beta1": "beta1", "beta2": "beta2"})


@pytest.mark.parametrize(
    ("text", "rule", "relation"),
    [
        ("v = mu * v + dw\nw -= lr * v", "momentum", "state_map"),
        ("v = 0.9 * v + dw\nw -= lr * v", "momentum", "instance"),
        ("v = mu * v + (1 - mu) * dw\nw -= lr * v", "momentum", None),
        ("v = (1 - beta) * v + dw\nw -= lr * v", "momentum_lr_outside", None),
        (SWAPPED, "adam", None),
        (SWAPPED.replace("beta", "b"), "adam", None),
    ],
)
def test_strictly_a_name_stands_for_what_it_is_called_like(text: str, rule: str, relation: str | None) -> None:
    assert check(text, rule)
    match = check(text, rule, strict=True)
    assert bool(match) is (relation is not None)
    assert match.verdict.status == "refuted" or match.verdict.relation == relation


def test_a_proof_against_the_names_says_what_holds_under_them() -> None:
    match = check(SWAPPED, "adam")
    assert match.as_they_stand is not None
    assert match.as_they_stand.verdict.status == "refuted"
    assert check("v = mu * v + dw\nw -= lr * v", "momentum").as_they_stand is None


def test_names_exchanged_throughout_are_one_slip() -> None:
    match = check(SWAPPED, "adam", strict=True)
    assert match.fault is not None
    assert match.fault.message == "`beta1` and `beta2` stand for one another"
