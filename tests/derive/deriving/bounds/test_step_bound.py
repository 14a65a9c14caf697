"""The largest step: known values come out, no gradients exceed it, the attaining ones reach it; false steps fail."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.deriving.bounds import bound_at, noise_step, step_bound
from derive.deriving.bounds.found import bound_of
from derive.deriving.bounds.normalised import excess, steps_to_the_bound
from derive.deriving.bounds.structure import NormalisedStep, normalised_step
from derive.deriving.bounds.witnesses import at_step, attaining_gradients, values_of
from derive.evaluate import ball, enclosed, trajectory
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.library import LIBRARY
from derive.reading.read import read_text
from derive.rule import Rule
from tests import bounded_rules

RULES: dict[str, Rule] = {
    **{r.name: r for r in LIBRARY},
    **{n: r for n, r in vars(bounded_rules).items() if isinstance(r, Rule)},
}
BOUNDED = ("adagrad", "adam", "adam_eps_hat", "adamax", "adamax_keras", "amsgrad", "amsgrad_debiased", "lion",
           "nadam", "nadam_constant", "rmsprop", "rmsprop_centered", "rmsprop_momentum", "signum", "adam_uncorrected",
           "two_averages")  # fmt: skip


def value(rule: str, t: int | None = None, **values: F) -> float:
    return float(bound_at(RULES[rule], values, t))  # type: ignore[arg-type]


def structure(rule: str) -> NormalisedStep:
    found = normalised_step(RULES[rule])
    assert found is not None
    return found


def last_step(rule: Rule, values: dict[str, F], gradients: tuple[F, ...]) -> Any:
    """|theta[t] - theta[t-1]|/lr after these gradients, in balls."""
    steps = trajectory(rule, values, F(0), gradients, arithmetic=partial(ball, bits=300))
    before = steps[-2]["theta"] if len(steps) > 1 else 0
    [lr] = ball([Number(values["lr"])], {})
    return abs(steps[-1]["theta"] - before) / lr


@pytest.mark.parametrize("name", BOUNDED)
def test_every_step_of_the_derivation_is_proved(name: str) -> None:
    found = step_bound(RULES[name])
    assert found is not None
    assert found.holds, [str(s.chain) for s in found.checked if not s.verdict]


def test_values_that_are_known() -> None:
    """Adam 7.27 in the limit and 5.78 at t = 1000; Adamax 1.0091; RMSProp 1/sqrt(1 - rho), with momentum 100."""
    assert value("adam") == pytest.approx(7.2703, abs=1e-4)
    assert value("adam", 1000) == pytest.approx(5.7812, abs=1e-4)
    assert value("adam", beta1=F(9, 10), beta2=F(95, 100)) == pytest.approx(1.16496, abs=1e-5)
    assert value("adam", beta1=F(9, 10), beta2=F(99, 100)) == pytest.approx(2.3452, abs=1e-4)
    assert value("adamax") == pytest.approx(1.00909, abs=1e-5)
    assert value("adamax", beta2=F(95, 100)) == pytest.approx(1.9)
    assert value("rmsprop") == 10
    assert value("rmsprop_momentum") == pytest.approx(100)
    assert value("lion") == value("signum") == value("adagrad") == 1
    assert value("nadam_ruder", 1) == pytest.approx(1.9)
    assert value("nadam_constant", 1) == pytest.approx(0.9 / 1.9 + 1)
    assert value("nadam", 1) == pytest.approx(1.05645, abs=1e-5)
    assert value("amsgrad") == value("amsgrad_debiased") == value("adam")
    assert value("amsgrad", beta1=F(99, 100), beta2=F(9, 10)) == 1


def test_the_bound_of_adam_is_the_learning_rate_exactly_where_the_decays_are_equal() -> None:
    assert value("adam", beta1=F(3, 4), beta2=F(3, 4)) == value("adam", 9, beta1=F(3, 4), beta2=F(3, 4)) == 1
    found = bound_of(RULES["adam"], structure("adam"))
    assert found is not None
    shown = excess(found)[-1].chain[-1]
    assert str(shown) == "-((beta1 - beta2)**2 / ((beta1**2 - beta2) * (1 - beta2)))"


def test_adam_is_unbounded_where_the_square_of_the_first_decay_is_the_second() -> None:
    at = {"beta1": F(1, 2), "beta2": F(1, 4)}
    assert bound_at(RULES["adam"], at) is None
    assert bound_at(RULES["adam"], {**at, "beta1": F(3, 4)}) is None
    # Term by term, as the closed form divides by zero; like the root of t in the limit.
    assert value("adam", 400, **at) == pytest.approx(20 * (1 / 2) / (3 / 4) ** 0.5, rel=1e-6)


@pytest.mark.parametrize("name", ["adam", "nadam_constant", "adamax", "amsgrad", "two_averages", "adam_uncorrected"])
@pytest.mark.parametrize("t", [1, 2, 6])
def test_the_attaining_gradients_attain_it(name: str, t: int) -> None:
    rule, step = RULES[name], structure(name)
    found = bound_of(rule, step)
    assert found is not None
    values = {**values_of(rule), "eps": F(0), "beta1": F(3, 5), "beta2": F(4, 5)}
    gradients = attaining_gradients(rule, found, values, t)
    bound = at_step(rule, step_bound(rule).quantities["step_bound"], values, t)  # type: ignore[union-attr]
    assert float(last_step(rule, values, gradients)) == pytest.approx(float(bound), rel=1e-12)  # type: ignore[arg-type]


decays = st.fractions(F(1, 20), F(19, 20), max_denominator=20)
streams = st.lists(st.integers(-9, 9), min_size=1, max_size=6).filter(lambda g: g[0] != 0)


@given(name=st.sampled_from(["adam", "adamax", "amsgrad", "amsgrad_debiased", "nadam_constant", "two_averages"]),
       beta1=decays, beta2=decays, stream=streams)  # fmt: skip
def test_no_gradients_exceed_it(name: str, beta1: F, beta2: F, stream: list[int]) -> None:
    rule = RULES[name]
    values = {**values_of(rule), "eps": F(0), "beta1": beta1, "beta2": beta2}
    gradients = tuple(F(g) for g in stream)
    bound = float(bound_at(rule, values, len(stream)))  # type: ignore[arg-type]
    assert float(last_step(rule, values, gradients)) <= bound * (1 + 1e-12)


@settings(max_examples=30)
@given(beta1=decays, beta2=decays, t=st.integers(1, 6))
def test_bounds_from_both_sides_are_in_order(beta1: F, beta2: F, t: int) -> None:
    found = step_bound(RULES["amsgrad"])
    assert found is not None
    values = {**values_of(RULES["amsgrad"]), "beta1": beta1, "beta2": beta2}
    low, high = (
        at_step(RULES["amsgrad"], found.quantities[n], values, t) for n in ("step_bound_at_least", "step_bound")
    )
    if beta1**2 != beta2:
        assert float(low) <= float(high) * (1 + 1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "momentum_ema", "nesterov"])
def test_steps_without_a_bound(name: str) -> None:
    found = step_bound(RULES[name])
    assert found is not None
    assert found.holds
    assert found.statement.startswith("There is none")
    assert "step_bound" not in found.quantities


def test_nothing_is_said_of_another_structure() -> None:
    """Adadelta divides by one average and multiplies by another; an average has no step."""
    assert step_bound(RULES["adadelta"]) is None
    assert step_bound(RULES["ewma"]) is None


@pytest.mark.parametrize("wrong", ["weight", "decay", "gain", "direct"])
def test_a_wrong_structure_is_not_proved(wrong: str) -> None:
    """Each part of the structure changed: some step of the derivation says no."""
    rule, step = RULES["nadam_ruder"], structure("nadam_ruder")
    [share] = step.shares
    changed = {
        "weight": replace(step, shares=(replace(share, factor=2 * share.factor),)),
        "direct": replace(step, direct=step.direct * 2),
        "decay": replace(step, shares=(replace(share, buffer=replace(share.buffer, decay=Symbol("beta2"))),)),
        "gain": replace(step, norm=replace(step.norm, gain=2 * step.norm.gain)),
    }[wrong]
    found = bound_of(rule, changed)
    assert found is not None
    broken = [s for s in steps_to_the_bound(rule, found) if s.verdict is not None and not s.verdict]
    # What the structure says of buffers is proved where it is found; here only the form of the step can fail.
    assert bool(broken) is (wrong in ("weight", "direct"))


def test_a_wrong_sum_is_not_proved() -> None:
    rule = RULES["adam"]
    found = bound_of(rule, structure("adam"))
    assert found is not None
    [(coefficient, ratio)] = found.dual.total.parts
    for parts in [((2 * coefficient, ratio),), ((coefficient, replace(ratio, value=Symbol("beta1"))),)]:
        total = replace(found.dual.total, parts=parts)
        wrong = replace(found, dual=replace(found.dual, total=total), writing=replace(found.writing, total=total))
        assert not all(s.verdict for s in steps_to_the_bound(rule, wrong) if s.verdict is not None)


def test_names_of_its_own_are_not_shown() -> None:
    found = step_bound(RULES["nadam"])
    assert found is not None
    own = {
        n for step in found.steps for e in step.chain if isinstance(e, Expr) for n in symbols(e) if n.startswith("#")
    }
    assert own
    assert own <= set(found.names)
    assert "#" not in found.statement


def test_what_is_claimed_of_a_condition_is_exact() -> None:
    """Finite exactly below: the quantity is the condition."""
    found = step_bound(RULES["adamax"])
    assert found is not None
    assert found.quantities["step_bound_finite"] is apply("lt", Symbol("beta1"), Symbol("beta2"))
    [at_half] = substitute([found.quantities["step_bound_limit"]], {"beta1": Number(F(1, 2)), "beta2": Number(F(3, 4))})
    assert enclosed([at_half], {})[0] == F(3, 2)


def test_the_size_of_a_step_under_noise() -> None:
    """0.23 lr for Adam at its defaults: sqrt((1 - beta1)/(1 + beta1)); the mean over drawn gradients agrees."""
    found = noise_step(RULES["adam"])
    assert found is not None
    assert found.holds
    [end] = enclosed([found.quantities["noise_step_limit"]], RULES["adam"].defaults)
    assert float(end) == pytest.approx(0.2294157, abs=1e-7)  # type: ignore[arg-type]
    assert noise_step(RULES["rmsprop"]) is None
    rng, squares = Random(1), list[float]()
    values = {**values_of(RULES["adam"]), "beta2": F(99, 100), "eps": F(0)}
    for _ in range(60):
        gradients = tuple(F(rng.choice((-1, 1))) for _ in range(12))
        squares.append(float(last_step(RULES["adam"], values, gradients)) ** 2)
    [expected] = enclosed([found.result], {**values, "t": F(12)})
    assert (sum(squares) / len(squares)) ** 0.5 == pytest.approx(float(expected), rel=0.25)  # type: ignore[arg-type]


def test_the_limit_where_a_schedule_settles() -> None:
    """NAdam's coefficient tends to beta1 and the product of all to zero: the bound to that of the constant form."""
    assert value("nadam") == pytest.approx(value("nadam_constant"), rel=1e-12)
    assert value("nadam", 1500) > value("nadam")  # it passes its limit on the way
    assert value("nadam", 8000, psi=F(1)) == pytest.approx(value("nadam"), rel=1e-3)
    found = step_bound(RULES["nadam"])
    assert found is not None
    assert "`psi > 0`" in found.assumptions
    assert "step_bound_finite" not in found.quantities


def test_a_second_gradient_of_the_step_is_no_constant() -> None:
    """A step scaled by the answer at another point has no bound of this kind."""
    rule = read_text(
        """
def own(theta, g, v=0, *, lr=nonnegative(0.1), beta=decay(0.9)):
    g = grad(theta)
    h = grad(theta - lr * g)
    v = beta * v + (1 - beta) * g**2
    theta = theta - lr * h * g / sqrt(v)
    return theta, v
""",
        "own",
    )
    assert step_bound(rule) is None


CENTRED = """
def own(theta, g, v=0, m=0, *, lr=nonnegative(0.1), beta=decay(0.9), rho=decay(0.8), eps=nonnegative(1e-8)):
    v = beta * v + (1 - beta) * g**2
    m = {decay} * m + (1 - {decay}) * g
    theta = theta - lr * g / (sqrt(v - m**2) + eps)
    return theta, v, m
"""


@settings(max_examples=40)
@given(beta=decays, stream=streams)
def test_a_variance_in_the_denominator_may_vanish(beta: F, stream: list[int]) -> None:
    """sqrt(1/(1 - beta) + beta^-t), attained after equal gradients: no bound holds in the long run."""
    rule = RULES["rmsprop_centered"]
    assert bound_at(rule) is None
    values = {**values_of(rule), "beta": beta, "eps": F(0)}
    t = len(stream)
    bound = float(bound_at(rule, values, t))  # type: ignore[arg-type]
    assert float(last_step(rule, values, tuple(map(F, stream)))) <= bound * (1 + 1e-12)
    attaining = (*[F(1)] * (t - 1), 1 + beta**t / (1 - beta))
    assert float(last_step(rule, values, attaining)) == pytest.approx(bound, rel=1e-12)


def test_averages_of_different_decays_are_no_variance() -> None:
    same, other = (read_text(CENTRED.format(decay=name), "own") for name in ("beta", "rho"))
    assert step_bound(same) is not None
    assert step_bound(other) is None


def test_a_denominator_that_comes_a_step_late_bounds_nothing() -> None:
    """ADOPT divides by what was before: after a small gradient a large one makes any step."""
    found = step_bound(RULES["adopt"])
    assert found is not None
    assert found.holds
    assert "the second step" in found.statement
