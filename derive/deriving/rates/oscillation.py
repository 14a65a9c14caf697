"""Gradients that alternate against gradients that stay: what a buffer makes of the two.

After an even number t of steps with gradients g, -g, g, ... a buffer with s' = d s + k g holds
-k g (1 - d^t) / (1 + d), and a step later k g (1 + d^(t+1)) / (1 + d): the two keep each other up, by induction.
"""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.derivation import Derivation, code, define, equal, holds, names_of, tends
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.linear import LinearBuffer, given, raised, scaled
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import NONNEGATIVE, POSITIVE, Rule

T, G = Symbol("t"), Symbol("g")
RUN = 8


def oscillation(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """The amplitude of a buffer under alternating gradients, and its share of what a constant one adds up to."""
    if buffer.input is not G or not buffer.starts_at_zero or not symbols(buffer.decay):
        return None
    assumed, from_start = given(rule), given(rule, from_start=True)
    d, name = buffer.decay, buffer.name
    power, next_power = raised(d, T), raised(d, T + 1)
    even = -scaled(buffer.gain, G) * ((1 - power) / (1 + d))
    odd = scaled(buffer.gain, G) * ((1 + next_power) / (1 + d))
    [start] = substitute([even], {"t": Number(0)})
    [again] = substitute([even], {"t": T + 2})
    amplitude = readable(buffer.gain / (1 + d), assumed)
    steady = readable(buffer.gain / (1 - d), assumed)
    ratio = readable((1 - d) / (1 + d), assumed)
    share = (1 - power) / (1 + d)
    steps = (
        define(Symbol(f"{name}[t]"), even, "claimed after an even number of steps, gradients g, -g, g, ..."),
        equal(Symbol(f"{name}[0]"), start, Number(0), why="holds at the start", given=from_start),
        equal(Symbol(f"{name}[t+1]"), buffer.update(even, G), odd, why="after the next gradient, g", given=from_start),
        equal(Symbol(f"{name}[t+2]"), buffer.update(odd, -G), again, why="and after the one after it, -g: kept",
              given=from_start),
        *tends(None, limit(share, "t", assumed)),
        equal(None, (buffer.gain / (1 + d)) / (buffer.gain / (1 - d)), ratio, given=_positive_gain(rule, buffer),
              why="against what a constant gradient adds up to: gain / (1 + decay) to gain / (1 - decay)"),
        holds(apply("le", ratio, 1), why="never more than it", given=assumed),
    )  # fmt: skip
    if not all(step.verdict for step in steps if step.verdict is not None):
        return None
    return Derivation(
        title=f"Oscillation and drift in {name}",
        statement=f"Under gradients of alternating sign `{name}` tends to swing by {code(amplitude)} times their size; "
        f"under constant ones it adds up to {code(steady)}: the oscillation is damped to {code(ratio)} of the drift.",
        assumptions=(),
        steps=steps,
        result=ratio,
        names=names_of(rule, same="g"),
        quantities={"alternating_amplitude": amplitude, "constant_sum": steady, "oscillation_ratio": ratio},
        experiments=_experiment(rule, buffer, even, odd),
    )


def _positive_gain(rule: Rule, buffer: LinearBuffer) -> Assumptions:
    """The assumptions with what scales the buffer positive: where nothing comes in there is no ratio."""
    own = dict(given(rule).domains)
    own |= {n: POSITIVE for n in symbols(buffer.gain) if own.get(n) == NONNEGATIVE}
    return Assumptions(own)


def _experiment(rule: Rule, buffer: LinearBuffer, even: Expr, odd: Expr) -> tuple[Experiment, ...]:
    """The buffer along alternating gradients of size one."""
    if not symbols(even) <= {*rule.defaults, "g", "t"}:
        return ()
    values = {**rule.defaults, "g": Fraction(1)}
    held: dict[int, object] = {}
    for t in range(1, RUN + 1):
        formula, count = (odd, t - 1) if t % 2 else (even, t)
        [held[t]] = enclosed([formula], {**values, "t": Fraction(count)})
    foretold = decimals(held)
    if foretold is None:
        return ()
    gradients = tuple(Fraction(1 if t % 2 else -1) for t in range(1, RUN + 1))
    return (Experiment(f"{buffer.name} under alternating gradients", Symbol(buffer.name), foretold, gradients),)
