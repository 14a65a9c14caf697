"""What is found of rules: the facts people ask for, each as the derived threshold of a rule's own expressions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from derive import hazards
from derive.errors import UserError
from derive.library.lookup import find_rule, rules
from derive.precision.decaying import growth_ratios
from derive.precision.formats import format_named, model_of
from derive.precision.hazard import KINDS, Hazard, Hazards, Threshold, power_of_two, written
from derive.precision.probing import Probe, boundary, numbers, stays
from derive.precision.report import hazards_of
from derive.reading.read import read_text
from derive.rule import Rule
from tests.zoo import CONSTRUCTS

TWO = Fraction(2)


def written_rule(text: str) -> Rule:
    return read_text(text, "f")


def of(found: Hazards, kind: str, target: str = "") -> list[Hazard]:
    return [hazard for hazard in found.found if hazard.kind == kind and hazard.where.startswith(target)]


def threshold(hazard: Hazard) -> Threshold:
    assert hazard.threshold is not None
    return hazard.threshold


def test_epsilon_is_zero_in_float16_and_not_in_float32() -> None:
    [eps] = of(hazards("adam", "float16"), "constant", "eps")
    assert threshold(eps).value == TWO**-25
    assert eps.certain
    assert not of(hazards("adam", "float32"), "constant")
    assert not of(hazards("adam", "bfloat16"), "constant", "eps")


def test_a_decay_of_0999_is_one_in_bfloat16() -> None:
    found = hazards("adam", "bfloat16")
    [beta2] = of(found, "constant", "beta2")
    assert threshold(beta2).value == 1 - TWO**-9
    assert threshold(beta2).relation == ">="
    assert "1 - beta2 is 0 instead of 0.001" in of(found, "constant", "v =")[0].effect
    assert not found


def test_squares_underflow_from_a_gradient_on_that_is_exact() -> None:
    squares = [h for h in of(hazards("adam", "float16"), "underflow", "v =") if h.part == "g**2"]
    [square] = squares
    bound = threshold(square)
    assert bound.beyond is not None
    assert bound.value**2 <= TWO**-25 < bound.beyond**2  # 1.73e-4
    [large] = of(hazards("adam", "float16"), "overflow", "v =")
    assert threshold(large).value == 256
    [increment] = [h for h in of(hazards("adam", "float16"), "underflow", "v =") if h.part == "(1 - beta2) * g**2"]
    assert float(threshold(increment).value) == pytest.approx(0.005524, abs=1e-6)
    [infinite] = [h for h in of(hazards("adam", "float16"), "start") if threshold(h).relation == "<="]
    assert threshold(infinite).value == threshold(increment).value  # v is 0, and so is eps


def test_rules_that_keep_v_in_bfloat16_cannot_forget() -> None:
    found = hazards("adam", "bfloat16", arithmetic="float32")
    [stuck] = [h for h in of(found, "decay") if h.certain]
    assert stuck.part == "beta2"
    assert threshold(stuck).value == 1 - TWO**-9
    assert stuck.confirmation.complete
    [growing] = of(found, "growth")
    bound = threshold(growing)
    assert bound.beyond is not None
    assert bound.value**2 <= Fraction(490625, 100000) < bound.beyond**2  # v = 1: (0.001 + 2^-8) / 0.001
    assert "2.96 to 4.91 times v" in growing.effect
    assert not [h for h in of(hazards("adam", "float32"), "decay") if h.certain]
    assert not [h for h in of(hazards("rmsprop", "bfloat16", arithmetic="float32"), "decay") if h.certain]


def test_just_below_a_power_of_two_least_is_needed_to_grow() -> None:
    kept, adam = format_named("bfloat16"), find_rule("adam")
    most, least = growth_ratios(Fraction(999, 1000), Fraction(1, 1000), kept)
    assert most == Fraction(490625, 100000)
    for v, ratio in ((Fraction(1), most), (2 - TWO**-7, least)):
        others = {**adam.defaults, "m": Fraction(0), "theta": Fraction(0), "t": Fraction(1), "v": v}
        probe = Probe(adam.step["v"], "g", numbers(kept), others, stays(v), is_stored=True)
        found = boundary(probe, "<=", model_of("bfloat16", "float32"))
        assert found is not None
        assert found.neighbour is not None
        assert found.value**2 <= ratio * v * (1 + TWO**-15)
        assert found.neighbour**2 >= ratio * v * (1 - TWO**-15)


def test_part_of_a_binade_is_stuck_where_the_decay_is_in_between() -> None:
    rule = written_rule(
        "def f(x, m=0, *, beta=decay(0.997)):\n    m = beta * m + (1 - beta) * x\n    output = m\n    return output, m"
    )
    [stuck] = [h for h in of(hazards_of(rule, "bfloat16", "float32"), "decay") if h.certain]
    bound = threshold(stuck)
    assert bound.beyond is not None
    assert bound.value * Fraction(3, 1000) <= TWO**-8 < bound.beyond * Fraction(3, 1000)


def test_a_low_precision_counter_stops_where_its_spacing_becomes_two() -> None:
    stops = {"float16": 2048, "bfloat16": 256, "float32": 2**24, "float64": 2**53, "float8_e4m3": 16, "float8_e3m4": 15}
    for dtype, last in stops.items():
        [counter] = of(hazards("ewma_debiased", dtype), "counter")
        assert threshold(counter).value == last
    assert not of(hazards("momentum", "bfloat16"), "counter")


def test_the_least_decay_that_does_anything() -> None:
    mixed, pure = hazards("adamw", "bfloat16", arithmetic="float32"), hazards("adamw", "bfloat16")
    for found in (mixed, pure):
        [shrink] = of(found, "shrink")
        assert shrink.certain
        assert "more than 2^-9" in shrink.effect
        assert "just above 1 it takes weight_decay > 3." in shrink.effect  # 2^-8 / (1 + 2^-7) / 0.001
        assert "at the defaults lr * weight_decay is 1e-05" in shrink.effect
    down, up, usual = of(hazards("gradient_descent", "bfloat16"), "step")
    assert (threshold(down).value, threshold(up).value) == (TWO**-9, TWO**-8)
    assert threshold(usual).quantity == "|theta|"
    assert not of(hazards("adamw", "float32"), "shrink")[0].certain
    assert not of(hazards("adam_l2", "bfloat16"), "shrink")  # the decay passes through the moments


def test_a_decay_rounded_to_one_stops_all_training() -> None:
    """In Keras' Adam, where powers are taken in the variable's type."""
    [frozen] = [h for h in of(hazards("adam_eps_hat", "bfloat16"), "start") if h.certain]
    assert "does not move in step 1, nor in 100 steps" in frozen.effect
    [nan] = [h for h in of(hazards("adam", "bfloat16"), "start") if h.certain]
    assert "NaN" in nan.effect
    [zero] = [h for h in of(hazards("adam_eps_hat", "bfloat16"), "correction") if "beta2" in h.part]
    assert (zero.threshold, zero.certain) == (None, True)


def test_corrections_lose_their_bits_while_the_power_is_above_one_half() -> None:
    [first, second] = of(hazards("adam", "float32"), "correction")
    assert [threshold(found).value for found in (first, second)] == [6, 692]  # 0.9**6 and 0.999**692 > 1/2
    assert not second.certain
    [_, coarse] = sorted(of(hazards("adam", "float16"), "correction"), key=lambda h: threshold(h).value)
    assert coarse.certain
    assert "keeps 5 of 11 bits at t = 1 (2.3 % too small)" in coarse.effect


def test_epsilon_lost_beside_what_it_is_added_to() -> None:
    [lost] = of(hazards("adam", "float32"), "absorbed")
    assert threshold(lost).value == Fraction(1, 4)
    rule = written_rule(
        "def f(theta, g, s=0, *, lr=nonnegative(0.1), eps=nonnegative(5e-8)):\n"
        "    s = s + g**2\n    theta = theta - lr * g / (sqrt(s) + eps)\n    return theta, s"
    )
    [always] = of(hazards_of(rule, "float16"), "absorbed")
    assert always.certain
    assert "only where that is 0" in always.effect


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_centred_second_moment_becomes_negative(dtype: str) -> None:
    rule = written_rule(
        "def f(theta, g, v=0, a=0, *, lr=nonnegative(0.01), beta=decay(0.99), eps=nonnegative(1e-8)):\n"
        "    v = beta * v + (1 - beta) * g**2\n    a = beta * a + (1 - beta) * g\n"
        "    theta = theta - lr * g / (sqrt(v - a**2) + eps)\n    return theta, v, a"
    )
    [negative] = of(hazards_of(rule, dtype), "cancellation")
    assert negative.part == "v - a**2"
    assert threshold(negative).value == negative.confirmation.controls + 1
    assert not of(hazards("rmsprop", dtype), "cancellation")


def test_states_that_are_no_linear_buffers_are_looked_at_too() -> None:
    rule = written_rule(
        "def f(theta, g, u=0, *, lr=nonnegative(0.1), beta=decay(0.999)):\n"
        "    u = max(beta * u, abs(g))\n    theta = theta - lr * g / (u + 1)\n    return theta, u"
    )
    assert [h.part for h in of(hazards_of(rule, "bfloat16", "float32"), "decay") if h.certain] == ["u"]


def test_what_is_not_known_is_not_asked() -> None:
    rule = written_rule("def f(theta, g, *, lr=nonnegative()):\n    theta = theta - lr * g**2\n    return theta")
    assert {h.kind for h in hazards_of(rule, "float16").found} == {"underflow", "subnormal", "overflow", "step"}


ZOO = [line.partition("(")[0][4:] for line in CONSTRUCTS.splitlines() if line.startswith("def ")]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
@pytest.mark.parametrize(("dtype", "arithmetic"), [("float16", None), ("bfloat16", "float32")])
def test_every_rule_is_asked_in_every_format(rule: Rule, dtype: str, arithmetic: str | None) -> None:
    found = hazards_of(rule, dtype, arithmetic)
    assert {hazard.kind for hazard in found.found} <= KINDS.keys()
    assert bool(found) is not any(hazard.certain for hazard in found.found)
    assert rule.name in str(found)


@pytest.mark.parametrize("name", ZOO)
def test_every_construct_is_asked(name: str) -> None:
    for dtype in ("float16", "float8_e4m3fn"):
        assert hazards_of(read_text(CONSTRUCTS, name=name), dtype).found


def test_numbers_are_written_as_people_read_them() -> None:
    shown = {
        TWO**-25: "2^-25 = 2.98e-08",
        Fraction(256): "2^8 = 256",
        1 - TWO**-9: "1 - 2^-9 = 0.998",
        Fraction(3): "3",
    }
    assert {value: written(value) for value in shown} == shown
    assert [power_of_two(Fraction(n)) for n in (0, 1, 3, 8, -2)] == [None, 0, None, 3, None]


def test_a_notebook_shows_a_table() -> None:
    shown = hazards("adam", "float16")._repr_markdown_()
    assert "| constant rounds away | \\|eps\\| <= 2^-25 = 2.98e-08 | eps = 1e-08 becomes 0 | `eps = 1e-08` |" in shown


def test_formats_that_are_not_known_are_refused() -> None:
    with pytest.raises(UserError, match="no format 'half'"):
        hazards("adam", "half")
