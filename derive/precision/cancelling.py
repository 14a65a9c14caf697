"""Radicands that are never negative over the reals and become so by rounding, as E[g^2] - E[g]^2 does."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evaluate import exact
from derive.expr import Apply, Expr, nodes, symbols, to_text
from derive.precision.arithmetic import calculated, stored
from derive.precision.confirming import Confirmation, Unconfirmed
from derive.precision.formats import Model, Value
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.running import converted, run, run_stored
from derive.precision.scope import at_rest
from derive.rule import Assignment, Rule, inline

STEPS = 300
INPUTS = tuple(Fraction(n, 16) for n in range(16, 32))  # constant gradients, with short significands


def cancellation_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """For each root of a difference of data: the first step of a constant gradient at which the format has it negative."""
    values = at_rest(rule)
    if values is None:
        return
    for line, radicand in _radicands(rule):
        found = _earliest(rule, radicand, values, model)
        if found is not None:
            gradient, step, result, true = found
            checked = _replayed(rule, radicand, values, found, model)
            shown = _difference(rule, line)
            threshold = Threshold(f"t of a constant gradient {written(gradient)}", "=", Fraction(step))
            said = f"{shown} is {float(result):.3g}, where it is {float(true):.3g} exactly: its root is NaN"
            yield Hazard("cancellation", str(line), line.line, shown, threshold, said, False, checked)


def _radicands(rule: Rule) -> Iterator[tuple[Assignment, Expr]]:
    """Every argument of a root with a difference of data in it, in the values before the step, at its line."""
    seen: set[Expr] = set()
    for index, line in enumerate(rule.body):
        whole = inline(rule.body[: index + 1])[line.target]
        for node in nodes([whole]):
            if isinstance(node, Apply) and node.op == "sqrt" and node.args[0] not in seen:
                seen.add(node.args[0])
                if any(_is_difference_of_data(rule, part) for part in nodes([node.args[0]])):
                    yield line, node.args[0]


def _is_difference_of_data(rule: Rule, part: Expr) -> bool:
    data = {*rule.state_names, "g", "x", *(name for name, _ in rule.asked)}
    return isinstance(part, Apply) and part.op == "sub" and all(symbols(arg) & data for arg in part.args)


def _difference(rule: Rule, line: Assignment) -> str:
    """The radicand as the line has it."""
    found = [n for n in nodes([line.value]) if isinstance(n, Apply) and n.op == "sqrt"]
    return to_text(found[0].args[0]) if found else to_text(line.value)


Witness = tuple[Fraction, int, Fraction, Fraction]


def _earliest(rule: Rule, radicand: Expr, values: dict[str, Fraction], model: Model) -> Witness | None:
    """Of the inputs tried, the first with the radicand negative in the format; confirmed not negative exactly."""
    best: Witness | None = None
    for gradient in INPUTS:
        last = STEPS if best is None else best[1] - 1
        found = _in_format(rule, radicand, values, gradient, last, model)
        if found is not None:
            step, result = found
            true = _exactly(rule, radicand, values, gradient, step)
            if true is not None and true >= 0:
                best = (gradient, step, result, true)
    return best


def _in_format(
    rule: Rule, radicand: Expr, values: dict[str, Fraction], gradient: Fraction, last: int, model: Model
) -> tuple[int, Fraction] | None:
    source = "x" if rule.is_average else "g"
    states = _needed(rule, radicand)
    formulas = [rule.step[name] for name in states]
    now: dict[str, Value] = {**values, source: gradient}
    for t in range(1, last + 1):
        now["t"] = Fraction(t)
        [result] = calculated([radicand], now, model.arithmetic)
        if isinstance(result, float):
            return None
        if result < 0:
            return t, result
        now.update(zip(states, stored(formulas, now, model), strict=True))
    return None


def _needed(rule: Rule, formula: Expr) -> tuple[str, ...]:
    """The states that the formula reads, and those that these are made of."""
    needed: set[str] = set()
    reached = symbols(formula) & set(rule.state_names)
    while reached - needed:
        needed |= reached
        reached = symbols(*(rule.step[name] for name in needed)) & set(rule.state_names)
    return tuple(name for name in rule.state_names if name in needed)


def _exactly(rule: Rule, radicand: Expr, values: dict[str, Fraction], gradient: Fraction, last: int) -> Fraction | None:
    source = "x" if rule.is_average else "g"
    states = _needed(rule, radicand)
    now = {**values, source: gradient}
    for t in range(1, last + 1):
        now["t"] = Fraction(t)
        if t == last:
            [result] = exact([radicand], now)
            return result if isinstance(result, Fraction) else None
        found = exact([rule.step[name] for name in states], now)
        if not all(isinstance(value, Fraction) for value in found):
            return None
        now.update(zip(states, found, strict=True))  # type: ignore[arg-type]
    return None


def _replayed(rule: Rule, radicand: Expr, values: dict[str, Fraction], found: Witness, model: Model) -> Confirmation:
    """The run in NumPy: not negative at the steps before, negative at this one."""
    gradient, step, _, _ = found
    states = _needed(rule, radicand)
    now: dict[str, Any] = {**values, "x" if rule.is_average else "g": gradient}
    now |= {name: converted(values[name], model.storage) for name in states}
    for t in range(1, step + 1):
        now["t"] = Fraction(t)
        [result] = run([radicand], now, model.arithmetic)
        if bool(np.asarray(result) < 0) is not (t == step):
            raise Unconfirmed(f"{to_text(radicand)} has another sign at step {t} in {model.storage.name}")
        now.update(zip(states, run_stored([rule.step[name] for name in states], now, model), strict=True))
    return Confirmation(1, False, step - 1)
