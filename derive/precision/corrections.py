"""What is made of t and hyperparameters alone: a difference such as 1 - beta**t cancels while the power is near one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from derive.expr import Apply, to_text
from derive.precision.arithmetic import calculated
from derive.precision.confirming import confirmed
from derive.precision.constants import how_far, is_wrong
from derive.precision.formats import Format, Model
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.probing import VANISHES, Boundary, Grid, Probe, below, boundary, counts
from derive.precision.scope import is_constant, is_of_time, parts, value_of
from derive.rule import Rule

LONGEST = 1 << 24  # steps looked at


def correction_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """Each constant minus something that changes with t: while it is zero, then while it cancels."""
    kept = model.arithmetic
    steps = counts(min(1 << kept.precision, LONGEST, int(kept.largest)))
    for line, part in parts(rule):
        if part.op != "sub" or not is_of_time(rule, part) or not is_constant(rule, part.args[0]):
            continue
        [whole] = calculated([part.args[0]], rule.defaults, kept)
        true = value_of(part, {**rule.defaults, "t": Fraction(1)})
        if not true or not isinstance(whole, Fraction):
            continue
        found = _zero(rule, part, steps, model) or _cancelling(rule, part, whole, steps, model)
        if found is not None:
            threshold = None if found.everywhere else Threshold("t", "<=", found.value, found.neighbour)
            effect, certain = _effect(rule, part, true, found, kept)
            checked = confirmed(found, model)
            yield Hazard(
                "correction", line.text, line.assignment.line, to_text(part), threshold, effect, certain, checked
            )


def _zero(rule: Rule, part: Apply, steps: Grid, model: Model) -> Boundary | None:
    return boundary(Probe(part, "t", steps, rule.defaults, VANISHES), "<=", model)


def _cancelling(rule: Rule, part: Apply, whole: Fraction, steps: Grid, model: Model) -> Boundary | None:
    """While the difference is below half of the constant, its leading bits are those that the power lost."""
    found = boundary(Probe(part, "t", steps, rule.defaults, below(abs(whole) / 2)), "<=", model)
    return None if found is None or found.everywhere else found


def _effect(rule: Rule, part: Apply, true: Fraction, found: Boundary, kept: Format) -> tuple[str, bool]:
    text = to_text(part)
    if found.probe.effect is VANISHES:
        return f"{text} is 0; at t = 1 it should be {written(true)}", True
    [first] = calculated([part], {**rule.defaults, "t": Fraction(1)}, kept)
    if first == true:
        return f"{text} cancels, and keeps all its bits at t = 1", False
    right = math.floor(-math.log2(abs(first / true - 1)))
    kept_bits = f"keeps {min(right, kept.precision)} of {kept.precision} bits at t = 1"
    return f"{text} cancels: {kept_bits}{how_far(first, true)}", is_wrong(first, true)
