"""Compositions: equal to what is written by hand, different in another order, and refused where parts don't fit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive import compose, prove, schedule, scheduled
from derive.composing import (
    PIECES,
    SCHEDULES,
    accumulated,
    cautious,
    clip_by_norm,
    clip_by_value,
    constant,
    coupled_decay,
    decoupled_decay,
    ema_of_weights,
    linear_warmup,
    lookahead,
    mean_of_weights,
    warmup_cosine,
)
from derive.composing.piece import Piece
from derive.composing.tidying import tidy
from derive.deriving import derivations
from derive.errors import UserError
from derive.evaluate import exact, trajectory
from derive.expr import Symbol
from derive.library import LIBRARY
from derive.library.lookup import find_rule
from derive.reading.read import read_text
from derive.rule import Rule, inline
from derive.transforms import handed_on, repeated, without_onlookers

BY_HAND = """
def clipped_adamw_averaged(theta, g, t, m=0, v=0, average=None, *, lr=nonnegative(1e-3), beta1=decay(0.9),
        beta2=decay(0.999), eps=nonnegative(1e-8), weight_decay=nonnegative(1e-2), max_norm=nonnegative(1),
        gamma=decay(0.999)):
    if average is None:
        average = theta
    length = norm(g, over="all")
    if length > max_norm:
        g = g * max_norm / length
    m += (1 - beta1) * (g - m)
    v = beta2 * v + (1 - beta2) * g * g
    theta = theta * (1 - lr * weight_decay) - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
    average = average + (1 - gamma) * (theta - average)
    return theta, m, v, average

def warmed_momentum(theta, g, t, v=0, *, lr=nonnegative(0.01), beta=decay(0.9), warmup=whole(1000)):
    lr_now = lr * t / warmup if t < warmup else lr
    v = beta * v + lr_now * g
    theta = theta - v
    return theta, v

def two_gradients(theta, *, lr=nonnegative(0.01)):
    half = theta - lr * grad(theta)
    theta = theta - lr * grad(half)
    return theta
"""
AVERAGED, WARMED, TWO = (read_text(BY_HAND, n) for n in ("clipped_adamw_averaged", "warmed_momentum", "two_gradients"))
adam, adamw, rprop = (find_rule(name) for name in ("adam", "adamw", "rprop"))
UPDATES = [rule for rule in LIBRARY if not rule.is_average]
GRADIENTS = st.lists(st.sampled_from(list(map(Fraction, ("1", "-2", "1/2", "3", "0")))), min_size=4, max_size=4)


def test_the_composition_is_the_rule_written_by_hand() -> None:
    made = compose(clip_by_norm(1.0), adamw, ema_of_weights(0.999))
    assert prove(made, AVERAGED)
    assert [str(a) for a in made.body][:3] == [
        'size = norm(g, over="all")',
        "scale = where(size > max_norm, max_norm / size, 1)",
        "g_step = scale * g",
    ]
    assert made.state_names == ("m", "v", "average")
    assert made.hyperparameter_names == (*adamw.hyperparameter_names, "ema_decay", "max_norm")
    assert {h.name: h.meaning for h in made.hyperparameters}["max_norm"] == "of clip_by_norm"
    assert "1211.5063" in str(made.reference)
    assert "1711.05101" in str(made.reference)


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (compose(coupled_decay, adam), "adam_l2", "proved"),
        (compose(decoupled_decay, adam), "adamw", "proved"),
        (compose(adam, decoupled_decay), "adamw", "proved"),
        (compose(coupled_decay, adam), "adamw", "conditional"),
        (compose(adam, ema_of_weights), "adam", "proved"),
        (compose(adam, mean_of_weights), "adam", "proved"),
        (compose(clip_by_norm, coupled_decay, adam), compose(coupled_decay, clip_by_norm, adam), "conditional"),
        (compose(clip_by_norm, decoupled_decay, adam), compose(decoupled_decay, clip_by_norm, adam), "proved"),
        (compose(clip_by_value(2), "momentum"), "momentum", "refuted"),
        (scheduled("momentum", lr=linear_warmup), WARMED, "proved"),
        (scheduled("sign_sgd", lr=constant(0.5)), "sign_sgd", "conditional"),
        (compose("sign_sgd", lookahead), "sign_sgd", "refuted"),
        (compose("sign_sgd", cautious), "sign_sgd", "proved"),
        (compose("signum", cautious), "signum", "conditional"),
    ],
)
def test_what_a_composition_equals(one: Rule, other: Rule | str, answer: str) -> None:
    assert prove(one, other).status == answer


@pytest.mark.parametrize("piece", PIECES, ids=lambda p: p.name)
@pytest.mark.parametrize("rule", UPDATES, ids=lambda r: r.name)
def test_every_piece_goes_around_every_rule(piece: Piece, rule: Rule) -> None:
    if piece is decoupled_decay and "lr" not in rule.hyperparameter_names:
        pytest.skip("there is no learning rate")
    made = compose(piece, rule)
    assert set(rule.state_names) < {*made.state_names, "nothing more"}
    assert all(s.name in inline(made.body) for s in made.states)


@given(gradients=GRADIENTS)
@pytest.mark.parametrize("name", ["momentum", "adam", "rprop"])
def test_accumulating_makes_the_steps_of_the_means(name: str, gradients: list[Fraction]) -> None:
    rule = find_rule(name)
    settings = {"eps": Fraction(1), "beta1": Fraction(1, 2), "beta2": Fraction(0)} if name == "adam" else {}
    means = [(a + b) / 2 for a, b in zip(gradients[::2], gradients[1::2], strict=True)]
    expected = trajectory(rule, settings, 1, means)
    made = trajectory(compose(accumulated(2), rule), settings, 1, gradients)
    assert [step["theta"] for step in made[1::2]] == [step["theta"] for step in expected]
    for state in rule.state_names:
        assert made[2][state] == made[1][state] == expected[0][state]
    assert made[2]["theta"] == made[1]["theta"]


@given(gradients=GRADIENTS)
def test_an_average_changes_nothing_else(gradients: list[Fraction]) -> None:
    made = trajectory(compose("momentum", ema_of_weights(Fraction(1, 2))), {}, 1, gradients)
    alone = trajectory(find_rule("momentum"), {}, 1, gradients)
    assert [step["theta"] for step in made] == [step["theta"] for step in alone]
    average = Fraction(1)
    for step in made:
        average = average / 2 + Fraction(step["theta"]) / 2
        assert step["average"] == average


def test_lookahead_goes_back_every_so_many_steps() -> None:
    fast = [step["theta"] for step in trajectory(find_rule("sign_sgd"), {"lr": Fraction(1)}, 0, [Fraction(1)] * 3)]
    assert fast == [-1, -2, -3]
    made = compose("sign_sgd", lookahead(2, alpha=Fraction(1, 2)))
    assert [step["theta"] for step in trajectory(made, {"lr": Fraction(1)}, 0, [Fraction(1)] * 4)] == [-1, -1, -2, -2]


@pytest.mark.parametrize(
    ("name", "t", "factor"),
    [
        ("constant", 5, 1),
        ("linear_warmup", 250, Fraction(1, 4)),
        ("linear_warmup", 2000, 1),
        ("inverse_sqrt", 2000, Fraction(1, 2)),
        ("inverse_sqrt", 16000, Fraction(1, 2)),
        ("cosine", 10000, 0),
        ("warmup_cosine", 500, Fraction(1, 2)),
        ("warmup_cosine", 20000, 0),
        ("wsd", 500, Fraction(1, 2)),
        ("wsd", 5000, 1),
        ("wsd", 9000, Fraction(1, 2)),
        ("wsd", 10000, 0),
    ],
)
def test_schedules_at_their_defaults(name: str, t: int, factor: Fraction) -> None:
    [chosen] = [s for s in SCHEDULES if s.name == name]
    values = {"t": Fraction(t), **{h.name: h.default for h in chosen.hyperparameters if h.default is not None}}
    assert exact([inline(chosen.body)["output"]], values) == [factor]


def test_where_gradients_are_taken() -> None:
    assert str(compose(clip_by_value, "nesterov").query) == "theta - beta * v"
    assert str(scheduled("nesterov", beta=linear_warmup).query) == "theta - beta * min(1, t / warmup) * v"
    with pytest.raises(UserError, match="both would say where gradients are taken"):
        compose(clip_by_value, TWO)


def test_names_give_way() -> None:
    made = compose(coupled_decay, adamw)
    assert made.hyperparameter_names[-2:] == ("weight_decay", "coupled_decay_weight_decay")
    twice = compose(ema_of_weights(0.9), adam, ema_of_weights(0.99))
    assert twice.state_names == ("m", "v", "average", "ema_of_weights_average")
    assert twice.defaults["ema_of_weights_ema_decay"] == Fraction(9, 10)
    masked = compose(clip_by_value, rprop, cautious)  # rprop assigns to g, which the mask still needs
    assert inline(masked.body)["previous"] is inline(compose(clip_by_value, rprop).body)["previous"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((clip_by_norm,), "no rules among what is composed"),
        ((adam, adamw), "2 rules among what is composed"),
        (("ewma", clip_by_norm), "it is an average, and has no parameter to step"),
        (("adadelta", decoupled_decay), "lr"),
        ((scheduled(lr=linear_warmup), "rprop"), "'step' starts at lr, which would change"),
        ((scheduled(gamma=linear_warmup), "adam"), "no hyperparameter 'gamma'; the rule's are lr, beta1"),
    ],
)
def test_parts_that_do_not_fit(parts: tuple[object, ...], said: str) -> None:
    if parts[0] == "adadelta" and "lr" in find_rule("adadelta").hyperparameter_names:
        pytest.skip("Adadelta has a learning rate")
    with pytest.raises(UserError, match=said):
        compose(*parts)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: clip_by_norm(-1), "max_norm=-1 is outside"),
        (lambda: clip_by_norm("x"), "is no number"),
        (lambda: clip_by_norm(True), "is no number"),
        (lambda: clip_by_norm(1, max_norm=2), "given 'max_norm' twice"),
        (lambda: clip_by_norm(1, 2), "takes 1 values, and is given 2"),
        (lambda: decoupled_decay(lr=1), "has no 'lr' of its own"),
        (lambda: lookahead(every=Fraction(1, 2)), "is outside"),
        (lambda: scheduled("adam"), "nothing is scheduled"),
        (
            lambda: scheduled("adam", lr=0.1),  # type: ignore[call-overload]
            "is given no schedule",
        ),
        (
            lambda: schedule(3),  # type: ignore[call-overload]
            "is no schedule",
        ),
    ],
)
def test_values_that_can_not_be(call: object, said: str) -> None:
    assert callable(call)
    with pytest.raises(UserError, match=said):
        call()


def test_tidying_keeps_every_value() -> None:
    for piece in PIECES:
        made = compose(piece, rprop, cautious)
        kept = {"theta", *made.state_names}
        again = tidy(made.body, kept)
        assert again == made.body
        assert {n: inline(again)[n] for n in kept} == {n: inline(made.body)[n] for n in kept}
    lines = read_text("def f(theta, g, m=0):\n    a = theta - g\n    b = a + theta\n    theta = a\n    m = b + theta\n"
                      "    return theta, m", "f").body  # fmt: skip
    short = tidy(lines, {"theta", "m"})
    assert inline(short)["theta"] is inline(lines)["theta"]
    assert inline(short)["m"] is inline(lines)["m"]
    assert len(short) == len(lines)  # `b` still needs what theta was


def test_onlookers_and_what_the_gradient_is_handed_on_as() -> None:
    made = compose(clip_by_norm, "momentum", ema_of_weights)
    assert without_onlookers(made).state_names == ("v",)
    assert without_onlookers(adam) is adam
    assert without_onlookers(compose(adam, lookahead)).state_names == ("m", "v", "slow")
    found = handed_on(made)
    assert found is not None
    assert found[0] == "g_step"
    assert not found[1].norms
    assert prove(without_onlookers(found[1]), "momentum")
    assert handed_on(find_rule("lars")) is None
    assert handed_on(adam) is None
    assert handed_on(repeated(adam, 2)) is None


def test_what_is_derived_of_a_composition() -> None:
    made = derivations(compose(clip_by_norm, "gradient_descent", ema_of_weights))
    titles = [d.title for d in made]
    assert "The largest step" in titles
    assert "Unrolled weights of average" in titles
    assert all(bool(step.verdict) for d in made for step in d.checked)
    behind = [d for d in made if d.assumptions and d.assumptions[0].startswith("`g` stands for `g_step`")]
    assert {"The largest step", "Stability on quadratics"} <= {d.title for d in behind}
    assert not any(d.experiments or d.quantities for d in behind)
    assert len(titles) == len({*titles})


def test_a_schedule_of_two_hyperparameters_keeps_them_apart() -> None:
    made = scheduled("adamw", lr=warmup_cosine(10, 100), weight_decay=linear_warmup(5))
    assert {"lr_warmup", "lr_steps", "lr_end", "weight_decay_warmup"} < {*made.hyperparameter_names}
    assert Symbol("weight_decay") is not None
    assert made.defaults["weight_decay_warmup"] == 5
