"""A threshold is exact: one number further on either side, and the runs reject it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from derive.expr import Symbol
from derive.library.lookup import find_rule
from derive.precision import absorbing, cancelling, constants, counters, decaying, moving, probing, ranges, starting
from derive.precision.confirming import Unconfirmed, confirmed
from derive.precision.formats import Format, Model, Value, format_named, model_of
from derive.precision.hazard import Hazard, Threshold
from derive.precision.probing import OVERFLOWS, UNCHANGED, VANISHES, Boundary, Effect, Probe, Side, boundary, numbers
from derive.precision.report import hazards_of
from derive.precision.staircase import staircase
from derive.reading.read import read_text
from derive.rule import Rule

X = Symbol("x")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(("effect", "side"), [(VANISHES, "<="), (OVERFLOWS, ">=")])
@pytest.mark.parametrize("off", [-1, 1])
def test_a_threshold_that_is_off_by_one_number_is_rejected(name: str, effect: Effect, side: Side, off: int) -> None:
    model = model_of(name)
    found = boundary(Probe(X**2, "x", numbers(model.storage), {}, effect), side, model)
    assert found is not None
    assert confirmed(found, model).controls == 1
    with pytest.raises(Unconfirmed, match="x\\*\\*2"):
        confirmed(replace(found, index=found.index + off), model)


def test_an_effect_that_is_not_there_is_rejected() -> None:
    model = model_of("float32")
    grid = numbers(model.storage)
    with pytest.raises(Unconfirmed, match="does not occur"):
        confirmed(Boundary(Probe(X + 1, "x", grid, {}, UNCHANGED), "<=", grid.last), model)


def test_an_effect_at_both_ends_is_not_taken_for_one_everywhere() -> None:
    model = model_of("float32")
    formula = X * Fraction(1, 1000) / (X**2 * 0 + 1)
    found = boundary(Probe(formula, "x", numbers(model.storage), {}, probing.below(Fraction(1))), "<=", model)
    assert found is not None
    assert not found.everywhere


CENTRED = """
def centred(theta, g, v=0, a=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):
    v = beta * v + (1 - beta) * g**2
    a = beta * a + (1 - beta) * g
    theta = theta - lr * g / (sqrt(v - a**2) + eps)
    return theta, v, a
"""


def test_a_constant_whose_threshold_is_wrong_is_rejected() -> None:
    kept = format_named("bfloat16")
    right = Threshold("beta", ">=", constants.below_one(kept))
    assert constants._converted(right, Fraction(999, 1000), Fraction(1), kept).controls == 1
    for wrong in (right.value * Fraction(99, 100), right.value + Fraction(1, 1000)):
        with pytest.raises(Unconfirmed):
            constants._converted(replace(right, value=wrong), Fraction(999, 1000), Fraction(1), kept)


@pytest.mark.parametrize("last", [255, 257, 512])
def test_a_counter_that_stops_elsewhere_is_rejected(last: int) -> None:
    with pytest.raises(Unconfirmed, match="counting does not stop"):
        counters._counted(Fraction(last), format_named("bfloat16"))


def towards_zero(self: Format, x: Fraction) -> Value:
    unit = self.spacing(x)
    nearest = int(x / unit) * unit
    return nearest if abs(nearest) <= self.largest else float("inf")


def ties_away(self: Format, x: Fraction) -> Value:
    unit = self.spacing(x)
    nearest = int(abs(x) / unit + Fraction(1, 2)) * unit * (1 if x > 0 else -1)
    return nearest if abs(nearest) <= self.largest else float("inf")


def upwards(self: Format, x: Fraction) -> Value:
    unit = self.spacing(x)
    nearest = math.ceil(x / unit) * unit
    return nearest if abs(nearest) <= self.largest else float("inf")


Wrong = Callable[[Format, Fraction], Value]


@pytest.mark.parametrize(
    ("wrong", "search"),
    [
        (towards_zero, constants.constant_hazards),
        (towards_zero, moving.moving_hazards),
        (towards_zero, starting.starting_hazards),
        (towards_zero, cancelling.cancellation_hazards),
        (towards_zero, ranges.range_hazards),
        (ties_away, moving.moving_hazards),
        (upwards, decaying.decay_hazards),
    ],
)
def test_arithmetic_that_is_not_the_format_s_is_rejected(
    wrong: Wrong, search: Callable[[Rule, Model], Iterator[Hazard]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = read_text(CENTRED, "centred") if search is cancelling.cancellation_hazards else find_rule("adamw")
    model = model_of("float16")
    monkeypatch.setattr(Format, "round", wrong)
    with pytest.raises(Unconfirmed):
        list(search(rule, model))


def test_a_sum_rounded_otherwise_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Format, "round", towards_zero)
    with pytest.raises(Unconfirmed, match="does not occur"):
        list(absorbing.absorbed_hazards(find_rule("adamw"), model_of("float32")))


@pytest.mark.parametrize("wrong", [towards_zero, upwards])
def test_a_stair_that_is_not_the_format_s_is_rejected(wrong: Wrong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Format, "round", wrong)
    with pytest.raises(Unconfirmed):
        staircase(find_rule("adamw"), "m", "float16", steps=300)


def test_no_hazard_is_without_runs() -> None:
    found = hazards_of(find_rule("adamw"), "bfloat16").found
    assert found
    assert all(hazard.confirmation.runs >= 1 for hazard in found)
    assert all(
        h.confirmation.controls for h in found if h.threshold and h.threshold.beyond is not None and h.kind != "decay"
    )
