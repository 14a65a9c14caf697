"""Rules made from rules: answers that come later, and several steps in one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import UserError
from derive.evaluate import QUERY, trajectory, unrolled
from derive.expr import Expr, Number, Symbol
from derive.library import LIBRARY
from derive.linear import relate
from derive.proving.search import Differs
from derive.reading.read import read_text
from derive.relating import prove
from derive.relating.searching.induction import induction
from derive.relating.searching.solving import Maps
from derive.rule import Assignment, Rule
from derive.transforms import bind, delayed, repeated
from tests.linear_zoo import EVERY

OWN = {rule.name: rule for rule in LIBRARY}
UPDATES = [rule for rule in LIBRARY if not rule.is_average]
GRADIENTS = st.lists(st.sampled_from(list(map(Fraction, ("1", "-2", "1/2", "3", "0")))), min_size=6, max_size=6)
SMOOTH = [OWN[n] for n in ("gradient_descent", "momentum", "nesterov", "momentum_ema")] + [EVERY["triple"]]

TWO = """
def two_steps(theta, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    g = grad(theta)
    v = beta * v + lr * g
    theta = theta - v
    h = grad(theta)
    v = beta * v + lr * h
    theta = theta - v
    return theta, v

def extragradient(theta, *, lr=nonnegative(0.01)):
    half = theta - lr * grad(theta)
    theta = theta - lr * grad(half)
    return theta

def extragradient_twice_as_far(theta, *, lr=nonnegative(0.01)):
    half = theta - 2 * lr * grad(theta)
    theta = theta - lr * grad(half)
    return theta
"""
TWO_STEPS, EXTRA, FAR = (read_text(TWO, n) for n in ("two_steps", "extragradient", "extragradient_twice_as_far"))


def points(rule: Rule, gradients: list[Fraction], theta: int = 1) -> list[object]:
    """What is asked for at each step, theta where no point is named."""
    steps = trajectory(rule, {}, theta, gradients)
    before = [Fraction(theta), *(step["theta"] for step in steps[:-1])]
    return [step.get(QUERY, held) for step, held in zip(steps, before, strict=True)]


@pytest.mark.parametrize("rule", SMOOTH, ids=lambda rule: rule.name)
@pytest.mark.parametrize("steps", [1, 2, 3])
@given(gradients=GRADIENTS)
def test_a_delayed_rule_asks_later_what_the_rule_asks(rule: Rule, steps: int, gradients: list[Fraction]) -> None:
    late = points(delayed(rule, steps), gradients)
    assert late[steps:] == points(rule, gradients)[:-steps]
    assert set(late[:steps]) == {points(rule, gradients)[0]}


def test_the_first_points_of_a_delayed_rule_may_be_given() -> None:
    first: tuple[Expr, ...] = (Symbol("theta") + 1, Number(7))
    late = points(delayed(OWN["momentum"], 2, first), [Fraction(1)] * 4)
    assert late == [2, 7, *points(OWN["momentum"], [Fraction(1)] * 4)[:2]]


def test_a_counter_is_delayed_too() -> None:
    """Adam's bias correction begins with the first answer that counts."""
    adam = bind(OWN["adam"], {"beta1": Number(Fraction(1, 2)), "beta2": Number(Fraction(0)), "eps": Number(0)})
    late = trajectory(delayed(adam, 2), {}, 1, [Fraction(3), Fraction(-1), Fraction(5), Fraction(7)])
    assert [step["theta"] for step in late[2:]] == [
        s["theta"] for s in trajectory(adam, {}, 1, [Fraction(3), Fraction(-1)])
    ]


def test_an_average_shows_zero_until_then() -> None:
    late = trajectory(delayed(EVERY["ewma"], 1), {"beta": Fraction(1, 2)}, 0, [Fraction(4), Fraction(8)])
    assert [step["output"] for step in late] == [0, 2]


SHIFTS = [("gradient_descent", "stale", 1), ("ewma", "ewma_before", 1)]


@pytest.mark.parametrize(("a", "b", "steps"), SHIFTS)
def test_a_shift_is_an_equality_with_the_delayed_rule(a: str, b: str, steps: int) -> None:
    relation = relate(EVERY[a], EVERY[b])
    assert relation is not None
    [branch] = [branch for branch in relation.branches if branch.shift]
    assert branch.shift == steps
    proof = prove(delayed(EVERY[a], steps), EVERY[b], states=branch.states, hyperparameters=branch.hyperparameters)
    assert proof.status == "proved", proof.message


def test_a_shift_by_two_with_first_points_of_its_own() -> None:
    text = """
def early(theta, g, v=0, *, lr=positive(0.01), beta=decay(0.9)):
    v = beta * v + lr * g
    theta = theta - v
    return theta, v

def late(theta, g, p=5, q=0, v=0, *, lr=positive(0.01), beta=decay(0.9)):
    g = grad(theta + p)
    theta = theta - v
    v = beta * v + lr * q
    p, q = 0, g
    return theta, p, q, v
"""
    early, late = read_text(text, "early"), read_text(text, "late")
    relation = relate(early, late)
    assert relation is not None
    [branch] = [b for b in relation.branches if b.shift and b.kind == "equal"]
    assert (branch.shift, list(map(str, branch.first))) == (2, ["theta + 5", "theta"])
    assert branch.states is not None
    maps = Maps(branch.states, branch.hyperparameters)
    assert induction(delayed(early, 2, branch.first), late, maps)
    with pytest.raises(Differs):
        induction(delayed(early, 2), late, maps)


# Several steps in one


@pytest.mark.parametrize("rule", UPDATES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("times", [2, 3])
def test_several_steps_in_one(rule: Rule, times: int) -> None:
    hypers = {n: Symbol(n) for n in rule.hyperparameter_names}
    gradients = [Symbol(f"a{i}") for i in range(2 * times)]
    each = unrolled(rule, hypers, Symbol("theta0"), gradients)
    together = unrolled(repeated(rule, times), hypers, Symbol("theta0"), gradients)
    assert len(together) == 2
    for place, step in enumerate(together):
        last = each[times * (place + 1) - 1]
        for name in ("theta", *rule.state_names):
            assert same(rule, step[name], last[name])


def same(rule: Rule, left: Expr, right: Expr) -> bool:
    """Equal as far as one exact evaluation tells: the two are built from the same operations."""
    from derive.evaluate import exact

    values = {f"a{i}": Fraction(i + 1, 3) for i in range(8)} | {"theta0": Fraction(2)} | dict(rule.defaults)
    return exact([left], values) == exact([right], values)


def test_one_step_is_the_rule_itself() -> None:
    assert repeated(OWN["nesterov"], 1).step == OWN["nesterov"].step


def test_a_line_that_takes_a_hyperparameters_name_keeps_it_to_its_step() -> None:
    rule = OWN["momentum"]
    own = replace(rule, body=(Assignment("lr", Symbol("lr") * 2), *rule.body))
    [once] = unrolled(repeated(own, 2), {"lr": 1, "beta": 0}, 0, [1, 1])
    assert str(trajectory(repeated(own, 2), {"lr": 1, "beta": 0}, 0, [1, 1])[0]["theta"]) == "-4"
    assert set(once) >= {"theta", "v"}


def test_the_counter_counts_each_step() -> None:
    adam = bind(OWN["adam"], {"beta1": Number(Fraction(1, 2)), "beta2": Number(Fraction(0)), "eps": Number(0)})
    answers = [Fraction(3), Fraction(-1), Fraction(5), Fraction(7)]
    single, double = trajectory(adam, {}, 1, answers), trajectory(repeated(adam, 2), {}, 1, answers)
    assert [s["theta"] for s in double] == [single[1]["theta"], single[3]["theta"]]


def test_two_steps_of_momentum_are_one_of_its_double() -> None:
    assert prove(repeated(OWN["momentum"], 2), TWO_STEPS)
    relation = relate(OWN["momentum_ema"], TWO_STEPS)
    assert relation is not None
    assert (relation.repetition, str(relation.branches[0])) == (2, "equal: B.lr = A.lr * (1 - A.beta)")


def test_every_point_asked_for_counts() -> None:
    """Both end a step at theta - lr g2; they ask for the second gradient at different points."""
    verdict = prove(EXTRA, FAR)
    assert verdict.status == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample["name"] == "the queried point of g2"
    assert prove(EXTRA, EXTRA)


def test_what_can_not_be_delayed_or_repeated() -> None:
    with pytest.raises(UserError, match="extragradient can't be delayed by 1 steps"):
        delayed(EXTRA, 1)
    with pytest.raises(UserError, match="ewma can't be repeated 2 times"):
        repeated(EVERY["ewma"], 2)
