"""Constants that round away: to zero, to one, beyond the largest number; and what is made of them and is far off."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from derive.expr import Apply, Expr, Number, nodes, to_text
from derive.precision.arithmetic import calculated
from derive.precision.confirming import Confirmation, Unconfirmed
from derive.precision.formats import Format, Model, Value
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.running import converted, run
from derive.precision.scope import is_constant, lines, parts, value_of
from derive.rule import Rule

NOTICEABLE = Fraction(1, 100)  # a relative error that a constant may not have
# Beside a threshold, relatively. Python's float becomes a bfloat16 by way of float32, and what is nearer to a tie
# than that tells apart counts as the tie.
SLIGHTLY = Fraction(1, 1 << 12)


def constant_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """Each hyperparameter's default and each literal that becomes another number, then what is made of them."""
    kept = model.arithmetic
    for name, value in rule.defaults.items():
        if found := _threshold(name, value, kept):
            threshold, becomes = found
            effect = f"{name} = {to_text(Number(value))} becomes {_named(becomes)}"
            where = f"{name} = {to_text(Number(value))}"
            yield Hazard(
                "constant", where, 0, name, threshold, effect, True, _converted(threshold, value, becomes, kept)
            )
    for line in lines(rule):
        for node in nodes([line.assignment.value]):
            if isinstance(node, Number) and (found := _threshold(to_text(node), node.value, kept)):
                threshold, becomes = found
                effect = f"{to_text(node)} becomes {_named(becomes)}"
                checked = _converted(threshold, node.value, becomes, kept)
                yield Hazard(
                    "constant", line.text, line.assignment.line, to_text(node), threshold, effect, True, checked
                )
    yield from _made_of_constants(rule, kept)


def _threshold(name: str, value: Fraction, kept: Format) -> tuple[Threshold, Value] | None:
    """Which values become the same number as this one, of those that are not it: 0, 1 or none at all."""
    becomes = kept.round(value)
    if becomes == value:
        return None
    if becomes == 0:
        return Threshold(f"|{name}|", "<=", kept.vanishing), becomes
    if becomes == 1:
        return (
            Threshold(name, ">=", below_one(kept)) if value < 1 else Threshold(name, "<=", above_one(kept))
        ), becomes
    if isinstance(becomes, float):
        tie = isinstance(kept.round(kept.overflowing), float)
        return Threshold(f"|{name}|", ">=" if tie else ">", kept.overflowing), becomes
    return None


def below_one(kept: Format) -> Fraction:
    """The smallest number that rounds to one: a tie, between an odd number and one."""
    return 1 - Fraction(2) ** -(kept.precision + 1)


def above_one(kept: Format) -> Fraction:
    """The largest number that rounds to one, a tie too."""
    return 1 + Fraction(2) ** -kept.precision


def _converted(threshold: Threshold, value: Fraction, becomes: Value, kept: Format) -> Confirmation:
    """The conversion is run for the value, at the threshold and just beyond it."""
    outward = 1 if threshold.relation == "<=" else -1
    slightly = SLIGHTLY * (abs(1 - threshold.value) if becomes == 1 else threshold.value)
    inside = [abs(value), *([] if threshold.relation == ">" else [threshold.value])]
    outside = threshold.value + (0 if threshold.relation == ">" else outward * slightly)
    expected = abs(float(becomes))
    for given in inside:
        if not _same(abs(float(converted(given, kept))), expected):
            raise Unconfirmed(f"{float(given):g} does not become {_named(becomes)} in {kept.name}")
    if _same(abs(float(converted(outside, kept))), expected):
        raise Unconfirmed(f"{float(outside):g} still becomes {_named(becomes)} in {kept.name}")
    return Confirmation(len(inside), False, 1)


def _same(run_value: float, expected: Value) -> bool:
    return run_value == expected or (run_value != run_value and expected != expected)


def _made_of_constants(rule: Rule, kept: Format) -> Iterator[Hazard]:
    """The innermost formulas of hyperparameters alone that come out wrong, with their arguments rounded too."""
    wrong: set[Expr] = set()
    for line, part in parts(rule):
        if not is_constant(rule, part) or any(arg in wrong for arg in nodes([part])):
            continue
        true = value_of(part, rule.defaults)
        [computed] = calculated([part], rule.defaults, kept)
        if true is None or not is_wrong(computed, true):
            continue
        wrong.add(part)
        effect = f"{to_text(part)} is {_named(computed)} instead of {written(true)}" + how_far(computed, true)
        yield Hazard(
            "constant", line.text, line.assignment.line, to_text(part), None, effect, True,
            _computed(part, rule, computed, kept),
        )  # fmt: skip


def _computed(part: Apply, rule: Rule, computed: Value, kept: Format) -> Confirmation:
    [found] = run([part], rule.defaults, kept)
    if not _same(float(found), computed):
        raise Unconfirmed(f"{to_text(part)} is {float(found):g} in {kept.name}, not {float(computed):g}")
    return Confirmation(1, True, 0)


def is_wrong(computed: Value, true: Fraction) -> bool:
    """Whether the relative error is noticeable."""
    return isinstance(computed, float) or abs(computed - true) > NOTICEABLE * abs(true)


def how_far(computed: Value, true: Fraction) -> str:
    """The relative error in words, where there is one to speak of."""
    if isinstance(computed, float) or not computed or not true:
        return ""
    error = computed / true - 1
    return f" ({float(abs(error)) * 100:.2g} % too {'large' if error > 0 else 'small'})"


def _named(value: Value) -> str:
    if isinstance(value, float):
        return "NaN" if value != value else "infinite"
    return written(value)
