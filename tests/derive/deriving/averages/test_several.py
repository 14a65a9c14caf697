"""Several steps at once, and sums over time, against exact runs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive.deriving.averages import all_that_was_held, several_steps
from derive.deriving.derivation import holds
from derive.deriving.linear import given, linear_buffers
from derive.expr import Symbol, apply, substitute
from derive.library.adagrad import adagrad
from derive.library.averages import ewma
from derive.library.momentum import momentum
from derive.rule import Rule
from tests.derive.deriving.averages.runs import at, held

VALUES = {"beta": Fraction(4, 5), "lr": Fraction(1, 3)}


@pytest.mark.parametrize("rule", [ewma, momentum], ids=lambda r: r.name)
def test_several_steps_are_one(rule: Rule) -> None:
    [buffer] = linear_buffers(rule)
    found = several_steps(rule, buffer)
    assert found is not None
    assert found.holds
    own = {n: VALUES[n] for n in rule.hyperparameter_names}
    run = held(rule, buffer.name, [3, *[7] * 5], **own)
    formula = found.steps[0].chain[0]
    for n in range(6):
        assert at(formula, {**VALUES, "#n": n, "#before": run[0], "#input": 7}) == run[n]  # type: ignore[arg-type]


def test_the_linear_decay_is_off_by_no_more() -> None:
    [buffer] = linear_buffers(ewma)
    found = several_steps(ewma, buffer)
    assert found is not None
    for n in range(8):
        values = {**VALUES, "#n": Fraction(n)}
        off = at(found.result, values) - (1 - n * (1 - VALUES["beta"]))
        assert 0 <= off <= at(found.quantities["error_of_linear_decay"], values)


@pytest.mark.parametrize("rule", [ewma, momentum], ids=lambda r: r.name)
def test_the_sum_over_time(rule: Rule) -> None:
    [buffer] = linear_buffers(rule)
    found = all_that_was_held(rule, buffer)
    assert found is not None
    assert found.holds
    own = {n: VALUES[n] for n in rule.hyperparameter_names}
    inputs = [Fraction(n) for n in (2, -5, 3, 8)]
    run = held(rule, buffer.name, inputs, **own)
    ends = {f"{buffer.name}[t]": run[-1], "#start": Fraction(0), "X[t]": sum(inputs)}
    assert at(found.result, {**own, **ends}) == sum(run)


def test_what_never_fades_is_left_out() -> None:
    [buffer] = linear_buffers(adagrad)
    assert several_steps(adagrad, buffer) is None
    assert all_that_was_held(adagrad, buffer) is None


def test_a_sharper_bound_is_not_proved() -> None:
    """Half the error would be too little."""
    n, beta = Symbol("n"), Symbol("beta")
    bound = apply("le", beta**n, 1 - n * (1 - beta) + n * (n - 1) / 4 * (1 - beta) ** 2)
    [later] = substitute([bound], {"n": n + 1})
    assert not holds(later, why="", given=given(ewma), when=[bound]).verdict
