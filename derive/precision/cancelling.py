"""Radicands that are never negative over the reals and become so by rounding, as E[g^2] - E[g]^2 does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.evaluate import QUERY, ball, unrolled
from derive.expr import Apply, Expr, Number, nodes, substitute, symbols, to_text
from derive.ops import Inexact, Undefined
from derive.precision.arithmetic import calculated, stored
from derive.precision.confirming import Confirmation, Unconfirmed
from derive.precision.formats import Model, Value
from derive.precision.hazard import Hazard, Threshold, written
from derive.precision.running import all_converted, converted, run
from derive.precision.scope import at_rest
from derive.rule import Assignment, Rule, inline

STEPS = 4000  # an average with decay 0.99 is where it gets to in float32 after 1700
INPUTS = tuple(Fraction(n, 64) for n in range(64, 128))  # constant inputs, with short significands
BITS = 1024


def cancellation_hazards(rule: Rule, model: Model) -> Iterator[Hazard]:
    """For each root of a difference of data: the first step of a constant gradient at which it is negative."""
    values = at_rest(rule)
    if values is None:
        return
    for line, radicand in _radicands(rule):
        found = _earliest(rule, radicand, values, model)
        if found is not None:
            shown = _difference(rule, line)
            threshold = Threshold(
                f"t of a constant {_source(rule)} = {written(found.given)}", "=", Fraction(found.step)
            )
            said = f"{shown} is {float(found.result):.3g}, where it is {found.true:.3g} exactly: its root is NaN"
            checked = Confirmation(1, False, found.step - 1)
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


@dataclass(frozen=True)
class Witness:
    """A constant input, the step at which the radicand is negative in the format, its value there and the exact one."""

    given: Fraction
    step: int
    result: Fraction
    true: float


def _earliest(rule: Rule, radicand: Expr, values: dict[str, Fraction], model: Model) -> Witness | None:
    """The input of those tried with the radicand negative first. NumPy proposes; exact arithmetic has to agree."""
    proposed = _proposed(rule, radicand, values, model)
    if proposed is None:
        return None
    given, step = proposed
    result = _in_format(rule, radicand, values, given, step, model)
    true = _exactly(rule, radicand, given, step)
    return None if true is None else Witness(given, step, result, true)


def _proposed(rule: Rule, radicand: Expr, values: dict[str, Fraction], model: Model) -> tuple[Fraction, int] | None:
    """All inputs run side by side in the format."""
    states = _needed(rule, radicand)
    now: dict[str, Any] = {**values, _source(rule): all_converted(INPUTS, model.storage)}
    now |= {name: converted(values[name], model.storage) for name in states}
    formulas = [radicand, *(rule.step[name] for name in states)]
    for t in range(1, STEPS + 1):
        now["t"] = Fraction(t)
        results, *after = run(formulas, now, model.arithmetic)
        negative = np.broadcast_to(np.asarray(results < 0), (len(INPUTS),))
        if negative.any():
            return INPUTS[int(negative.argmax())], t
        before = now
        now = {**now, **dict(zip(states, (np.asarray(s).astype(model.storage.dtype) for s in after), strict=True))}
        if all(np.array_equal(before[name], now[name]) for name in states) and "t" not in symbols(*formulas):
            return None  # nothing changes any more
    return None


def _in_format(
    rule: Rule, radicand: Expr, values: dict[str, Fraction], given: Fraction, last: int, model: Model
) -> Fraction:
    """The radicand at the last step, in exact arithmetic. Raises Unconfirmed where it is not the first negative one."""
    states = _needed(rule, radicand)
    formulas = [rule.step[name] for name in states]
    now: dict[str, Value] = {**values, _source(rule): given}
    for t in range(1, last + 1):
        now["t"] = Fraction(t)
        [result] = calculated([radicand], now, model.arithmetic)
        if isinstance(result, float) or (result < 0) is not (t == last):
            raise Unconfirmed(f"{to_text(radicand)} has another sign at step {t} in {model.storage.name}")
        now.update(zip(states, stored(formulas, now, model), strict=True))
    assert isinstance(result, Fraction)
    return result


def _exactly(rule: Rule, radicand: Expr, given: Fraction, last: int) -> float | None:
    """The radicand at the last step over the reals, where it is certainly not negative there."""
    steps = unrolled(rule, {}, Fraction(0), [given] * (last - 1))
    before: dict[str, Expr] = {name: Number(value) for name, value in rule.defaults.items()}
    start = {"theta": Number(0), **before}
    before |= dict(zip(rule.state_names, substitute([s.initial for s in rule.states], start), strict=True))
    before |= {n: e for n, e in steps[-1].items() if not n.startswith(QUERY)} if steps else {}
    [whole] = substitute([radicand], {**before, _source(rule): Number(given), "t": Number(last)})
    [value] = ball([whole], {}, bits=BITS)
    return None if isinstance(value, bool | Undefined | Inexact) or not value >= 0 else float(value)


def _source(rule: Rule) -> str:
    return "x" if rule.is_average else "g"


def _needed(rule: Rule, formula: Expr) -> tuple[str, ...]:
    """The states that the formula reads, and those that these are made of."""
    needed: set[str] = set()
    reached = symbols(formula) & set(rule.state_names)
    while reached - needed:
        needed |= reached
        reached = symbols(*(rule.step[name] for name in needed)) & set(rule.state_names)
    return tuple(name for name in rule.state_names if name in needed)
