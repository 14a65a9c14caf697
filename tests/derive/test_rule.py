"""A rule as data: one name stands for one thing, whoever makes the rule."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from derive.errors import UserError
from derive.expr import Number, Symbol
from derive.library import LIBRARY
from derive.rule import WORDS, Assignment, Hyperparameter, Rule, State

M, LR, ADD = State("m", Number(Fraction(0))), Hyperparameter("lr", None), Symbol("m") + Symbol("x")
AVERAGE = Rule("f", ("x",), (LR,), (M,), (Assignment("m", ADD), Assignment("output", ADD)), ("output",), where="f.py:1")


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("rule", LIBRARY, ids=lambda rule: rule.name)
def test_the_words_of_the_language_are_no_state_and_no_hyperparameter(name: str, rule: Rule) -> None:
    states = (*rule.states, State(name, Number(Fraction(0))))
    with pytest.raises(UserError, match=f"the state '{name}' has the name of {WORDS[name]}; call it otherwise"):
        replace(rule, states=states, body=(*rule.body, Assignment(name, Symbol(name))))
    with pytest.raises(UserError, match=f"the hyperparameter '{name}' has the name of {WORDS[name]}"):
        replace(rule, hyperparameters=(*rule.hyperparameters, Hyperparameter(name, None)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"states": (M, M)}, "'m' stands for two things"),
        ({"hyperparameters": (LR, LR)}, "'lr' stands for two things"),
        ({"hyperparameters": (Hyperparameter("m", None),)}, "'m' stands for two things"),
        ({"inputs": ("x", "x")}, "'x' stands for two things"),
        ({"outputs": ("output", "output")}, "'output' stands for two things"),
        ({"outputs": ("output", "x")}, "'x' stands for two things"),
        ({"inputs": ("y",)}, "'y' is no input or output"),
        ({"outputs": ("m",)}, "'m' stands for two things"),
        ({"outputs": ("y",)}, "'y' is no input or output"),
        ({"body": AVERAGE.body[:1]}, "'output' is an output that is never assigned"),
    ],
)
def test_a_name_for_two_things(change: dict[str, object], said: str) -> None:
    with pytest.raises(UserError) as error:
        replace(AVERAGE, **change)  # type: ignore[arg-type]
    assert str(error.value).startswith(f"f.py:1: {said}; ")


def test_the_parameter_is_input_and_output_and_locals_are_free() -> None:
    body = (Assignment("x", Symbol("g")), Assignment("output", Symbol("x")), Assignment("theta", Symbol("output")))
    rule = Rule("f", ("theta", "g"), (), (), body, ("theta",))
    assert rule.step == {"theta": Symbol("g")}
