"""Counters: from some number on, adding one gives the same number."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from derive.expr import Apply, Expr, Number, Symbol, symbols, to_text
from derive.precision.confirming import ALL, SAMPLED, Confirmation, Unconfirmed
from derive.precision.formats import Format, Model
from derive.precision.hazard import Hazard, Threshold
from derive.precision.running import all_converted, converted
from derive.precision.scope import is_constant, value_of
from derive.rule import Rule


def counter_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """The step counter, where the rule reads it, and every state that counts in ones."""
    if "t" in rule.inputs and any("t" in symbols(a.value) for a in rule.body):
        yield _stopping(rule, "t", Symbol("t") + 1, "t = t + 1, where t is kept so", model.arithmetic)
    for name in rule.state_names:
        after = rule.step[name]
        if _counts(rule, name, after):
            yield _stopping(rule, name, after, f"{name} = {to_text(after)}", model.storage)


def _counts(rule: Rule, name: str, after: Expr) -> bool:
    """Whether the state gains one at every step, from a whole number."""
    [start] = [state.initial for state in rule.states if state.name == name]
    whole = isinstance(start, Number) and start.value.denominator == 1 and start.value >= 0
    if not whole or not isinstance(after, Apply) or after.op != "add":
        return False
    others = [arg for arg in after.args if arg is not Symbol(name)]
    return len(others) == 1 and is_constant(rule, others[0]) and value_of(others[0], rule.defaults) == 1


def _stopping(rule: Rule, name: str, after: Expr, where: str, kept: Format) -> Hazard:
    last = stops_at(kept)
    line = next((a.line for a in rule.body if name in symbols(a.value)), 0)
    overflows = isinstance(kept.round(last + 1), float)
    said = f"{to_text(after)} " + ("overflows" if overflows else f"rounds to {name}: it counts no further")
    return Hazard("counter", where, line, name, Threshold(name, "=", last, last - 1), said, False, _counted(last, kept))


def stops_at(kept: Format) -> Fraction:
    """The first whole number from 1 whose successor is no number.

    It lies halfway between two, of which the smaller is even: adding one gives the same again. Or it overflows.
    """
    low, high = 0, 1
    while kept.round(Fraction(high + 1)) == high + 1:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if kept.round(Fraction(middle + 1)) == middle + 1 else (low, middle)
    return Fraction(high)


def _counted(last: Fraction, kept: Format) -> Confirmation:
    """Counting, run at every number up to the last (or at many): only there does it stop."""
    step = 1 if last <= ALL else int(last) // SAMPLED
    numbers = [*range(1, int(last), step), int(last) - 1, int(last)]
    counted = all_converted([Fraction(n) for n in numbers], kept)
    with np.errstate(all="ignore"):
        more = (counted + converted(Fraction(1), kept)).astype(np.float64)
    stopped = (more == counted.astype(np.float64)) | ~np.isfinite(more)
    if stopped[:-1].any() or not stopped[-1]:
        raise Unconfirmed(f"counting does not stop at {int(last)} in {kept.name}")
    return Confirmation(1, True, len(numbers) - 2)
