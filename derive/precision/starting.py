"""The first steps, run whole: a parameter that becomes NaN or infinite, or that does not move at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from derive.expr import Expr, to_text
from derive.precision.arithmetic import stored
from derive.precision.confirming import Confirmation, Unconfirmed, confirmed
from derive.precision.formats import Model, Value
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.probing import OVERFLOWS, VANISHES, Boundary, Effect, Probe, Side, boundary, numbers
from derive.precision.ranges import last_line
from derive.precision.running import converted, run_stored
from derive.precision.scope import at_rest, value_of
from derive.rule import Rule

ONE = Fraction(1)
STEPS = 100  # of the run in which nothing moves
OUTCOMES: tuple[tuple[Side, Effect, str], ...] = (
    ("<=", OVERFLOWS, "is NaN or infinite after step 1"),
    ("<=", VANISHES, "does not move in step 1"),
    (">=", OVERFLOWS, "is NaN or infinite after step 1"),
    (">=", VANISHES, "does not move in step 1"),
)


def starting_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """The first step from theta = 0 as a function of the gradient (or of x), where over the reals it is a number.

    Nothing is said of rules with norms, whose step depends on the whole tensor.
    """
    values = at_rest(rule)
    if values is None or rule.norms:
        return
    source, target = ("x", rule.outputs[0]) if rule.is_average else ("g", "theta")
    after, line = rule.step[target], last_line(rule, target)
    true = value_of(after, {**values, source: ONE})
    if not true:
        return

    def hazard(threshold: Threshold | None, said: str, certain: bool, checked: Confirmation) -> Hazard:
        return Hazard("start", str(line), line.line, target, threshold, said, certain, checked)

    others = {name: value for name, value in values.items() if name != source}
    for side, effect, said in OUTCOMES:
        found = boundary(Probe(after, source, numbers(model.storage), others, effect, is_stored=True), side, model)
        certain = found is not None and _includes(found, ONE)
        if found is None or (effect is VANISHES and side == "<=" and not certain):
            continue  # a step that underflows: said of the product that does
        if effect is VANISHES and certain:
            said += _for_long(rule, target, source, values, model)
        if not certain and found.side == ">=" and found.value > model.storage.largest / 2:
            continue
        threshold = None if found.everywhere else Threshold(f"|{source}|", side, found.value, found.neighbour)
        said = f"{target} {said}; at {source} = 1 it should be {written(true)}"
        yield hazard(threshold, said, certain, confirmed(found, model))
        if found.everywhere:
            return
    at_zero = value_of(after, values)
    if at_zero is not None and isinstance(_first(after, values, model), float):
        checked = _at_zero(after, values, model)
        yield hazard(
            Threshold(source, "=", Fraction(0)),
            f"{target} is NaN or infinite after step 1, not {written(at_zero)}",
            False,
            checked,
        )


def _includes(found: Boundary, value: Fraction) -> bool:
    return found.value >= value if found.side == "<=" else found.value <= value


def _first(after: Expr, values: Mapping[str, Fraction], model: Model) -> Value:
    return stored([after], values, model)[0]


def _at_zero(after: Expr, values: Mapping[str, Fraction], model: Model) -> Confirmation:
    [found] = run_stored([after], values, model)
    if np.isfinite(np.asarray(found).astype(np.float64)):
        raise Unconfirmed(f"{to_text(after)} is finite at a zero input in {model.storage.name}")
    return Confirmation(1, True, 0)


def _for_long(rule: Rule, target: str, source: str, values: Mapping[str, Fraction], model: Model) -> str:
    """Whether it still has not moved after many steps of an input of one, run in the format."""
    kept = {name: converted(value, model.storage) for name, value in values.items() if name in rule.step}
    now: dict[str, Any] = {**values, **kept, source: ONE}
    for t in range(1, STEPS + 1):
        results = run_stored(rule.step.values(), {**now, "t": Fraction(t)}, model)
        now.update(zip(rule.step, results, strict=True))
        if float(np.asarray(now[target]).astype(np.float64)) != 0:
            return ""
    return f", nor in {STEPS} steps of {source} = 1"
