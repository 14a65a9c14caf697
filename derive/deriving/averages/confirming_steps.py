"""Runs that confirm formulas for the step in corrected buffers: those of the run's own inputs, by their weights."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from fractions import Fraction

from derive.deriving.averages.driving import Values, usual
from derive.deriving.averages.solving import as_float
from derive.deriving.averages.weights import weight_sum
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.linear import AGE, LinearBuffer, linear_buffers
from derive.deriving.lines import assigned
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, substitute, symbols
from derive.rule import Rule

INPUTS = tuple(Fraction(n) for n in ("3", "1", "2", "5/2", "1", "4"))
START = Fraction(1)  # of theta

Experiments = tuple[Experiment, ...]


def step_of(rule: Rule) -> Expr:
    """What is seen of the step in a run: the output of an average, the change of theta else."""
    return Symbol("output") if rule.is_average else Symbol("before.theta") - Symbol("theta")


def stepping(rule: Rule, what: str, observed: Expr, formula: Expr, zero: Collection[str]) -> Experiments:
    """Inputs of any size: what is observed is the formula, in `m~` for the corrected m, `g`, `t` and `theta`.

    `rule` is the one with the hyperparameters in `zero` set to zero, so that they are hyperparameters no longer. What
    is foretold is told in units of the first step, as steps may be small.
    """
    values = usual(rule)
    seen = None if values is None else _along(rule, formula, values)
    if values is None or seen is None or seen[0] == 0:
        return ()
    foretold = {t: value / seen[0] for t, value in enumerate(seen, 1)}
    start = Fraction(0) if rule.is_average else START
    settings = _changed(rule, values, zero)
    return (Experiment(what, observed / Fraction(seen[0]), foretold, INPUTS, settings, start),)


def beside(rule: Rule, what: str, bare: Rule, factor: Expr, zero: Collection[str]) -> Experiments:
    """The step of another rule with the same states, from the states of a run, over that of the run: the factor.

    Both have the hyperparameters in `zero` set to zero.
    """
    values = usual(rule)
    if values is None:
        return ()
    foretold = decimals({t: enclosed([factor], {**values, "t": Fraction(t)})[0] for t in range(1, len(INPUTS) + 1)})
    if foretold is None:
        return ()
    observed = from_states(bare) / step_of(rule)
    return (Experiment(what, observed, foretold, INPUTS, _changed(rule, values, zero)),)


def from_states(rule: Rule) -> Expr:
    """The step of a rule in what its states are after it."""
    moved = dict(assigned(rule, rule.state_names))[rule.outputs[0]]
    after: dict[str, Expr] = {f"{n}[t]": Symbol(n) for n in rule.state_names}
    before: dict[str, Expr] = {n: Symbol(f"before.{n}") for n in ("theta", *rule.state_names)}
    step = moved if rule.is_average else Symbol("theta") - moved
    return substitute([step], {**before, **after})[0]


def _changed(rule: Rule, values: Values, zero: Collection[str]) -> dict[str, Fraction] | None:
    new = {n: value for n, value in values.items() if rule.defaults.get(n) != value}
    return {**new, **dict.fromkeys(zero, Fraction(0))} or None


def _along(rule: Rule, formula: Expr, values: Values) -> list[float] | None:
    """The formula at every step of the run; None where it has no value."""
    source = "x" if rule.is_average else "g"
    theta, found = START, []
    for t, value in enumerate(INPUTS, 1):
        bars = {f"{b.name}~": _mean(rule, b, INPUTS[:t], source, values) for b in linear_buffers(rule)}
        if any(bar is None for bar in bars.values()):
            return None
        known = {**values, **bars, "t": Fraction(t), source: value, "theta": theta}
        [moved] = enclosed([formula], {n: known[n] for n in symbols(formula)})  # type: ignore[misc]
        found.append(as_float(moved))
        if not math.isfinite(found[-1]):
            return None
        theta -= Fraction(found[-1])
    return found


def _mean(rule: Rule, buffer: LinearBuffer, inputs: Sequence[Fraction], source: str, values: Values) -> Fraction | None:
    """The weighted mean of what the buffer was given, by the derived weights: the buffer corrected."""
    count = len(inputs)
    total: Expr = Number(0)
    for age, value in enumerate(reversed(inputs)):
        weighted = buffer.weight * buffer.input
        total = total + substitute([weighted], {AGE: Number(age), source: Number(value)})[0]
    [found] = enclosed([total / weight_sum(rule, buffer)], {**values, "t": Fraction(count)})
    number = as_float(found)
    return None if math.isnan(number) else found if isinstance(found, Fraction) else Fraction(number)
