"""Runs that confirm what is derived of a linear buffer: each takes the formulas and says what they foretell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from derive.deriving.averages.driving import HELD, HELD_BEFORE, STRENGTH, confirmed, decaying, quick, telling
from derive.deriving.experiment import Experiment
from derive.deriving.linear import AGE, LinearBuffer, scaled
from derive.deriving.undecayed import movement
from derive.evaluate import exact
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, symbols
from derive.rule import Rule

T = Symbol("t")
SHORT, LONG = 12, 40  # steps of a run, and of one in which a quick decay leaves nothing of the start
FREQUENCIES = tuple(Fraction(n) for n in ("1/2", "1", "2"))  # in radians a step

Experiments = tuple[Experiment, ...]


def impulse(count: int = SHORT) -> tuple[int, ...]:
    """One input, then none."""
    return (1, *(0,) * (count - 1))


def constant(count: int = SHORT) -> tuple[int, ...]:
    return (1,) * count


def each(formula: Expr, *steps: int) -> dict[int, Expr]:
    """The same formula at all these steps."""
    return dict.fromkeys(steps, formula)


def unrolled(rule: Rule, buffer: LinearBuffer, weight: Expr, total: Expr) -> Experiments:
    """One input, then none: the buffer shows the weights one after another. Inputs of one: it shows their sum."""
    name, values = buffer.name, telling(rule, buffer.decay)
    weights = {t: substitute([weight], {AGE: Number(t - 1)})[0] for t in (1, 2, 3, SHORT)}
    totals = each(total, 1, 2, SHORT)
    return (
        *confirmed(rule, buffer, f"the impulse response of {name}", impulse(), HELD, weights, values),
        *confirmed(rule, buffer, f"{name} where every input is one", constant(), HELD, totals, values),
    )


def aged(rule: Rule, buffer: LinearBuffer, age: Expr, finally_: Expr | None, total: Expr) -> Experiments:
    """Inputs that are as large as they are old in the end: the buffer over its weights is their mean age."""
    seen, what = HELD / total, f"the mean age of what {buffer.name} holds"
    settings, later = telling(rule, buffer.decay), quick(rule, buffer.decay)
    in_the_end = {} if finally_ is None else {LONG: finally_}
    return (
        *confirmed(rule, buffer, what, ages(SHORT), seen, {SHORT: age}, settings),
        *confirmed(rule, buffer, f"{what}, in the end", ages(LONG), seen, in_the_end, later),
    )


def ages(count: int) -> tuple[int, ...]:
    """How old every input is after the last."""
    return tuple(range(count - 1, -1, -1))


def fading(rule: Rule, buffer: LinearBuffer, known: Mapping[str, Expr]) -> Experiments:
    """A lone input fades by the time constant and the half-life; the newest inputs hold the share foretold."""
    name, values = buffer.name, telling(rule, buffer.decay)
    folds = apply("log", buffer.gain / HELD) / (T - 1)  # by a power of e in a step
    return (
        *confirmed(rule, buffer, f"the time constant of {name}", impulse(), 1 / folds,
                   each(known["time_constant"], 2, SHORT), values),
        *confirmed(rule, buffer, f"the half-life of {name}", impulse(), apply("log", 2) / folds,
                   each(known["half_life"], 2, SHORT), values),
        *_shares(rule, buffer, known),
    )  # fmt: skip


def _shares(rule: Rule, buffer: LinearBuffer, known: Mapping[str, Expr]) -> Experiments:
    """What n inputs of one leave of what infinitely many would, and what a lone one leaves of itself after n steps."""
    values = decaying(rule, buffer.decay, lambda b: 0 < b < 1 and (1 / (1 - b)).denominator == 1)
    [window] = exact([known["nominal_window"]], values) if values is not None else [None]
    if not isinstance(window, Fraction) or window.denominator != 1 or window > LONG:
        return ()
    n, name = int(window), buffer.name
    share = HELD * (1 - buffer.decay) / buffer.gain
    shares = {1: known["share_of_newest"], n: known["share_within_nominal_window"]}
    return (
        *confirmed(rule, buffer, f"the share of the newest inputs in {name}", constant(n), share, shares, values),
        *confirmed(rule, buffer, f"what a lone input of {name} is after 1/(1 - b) steps", impulse(n + 1),
                   HELD / buffer.gain, {n + 1: known["weight_at_nominal_window"]}, values),
    )  # fmt: skip


def matched(rule: Rule, buffer: LinearBuffer, noise: Expr, finally_: Expr | None, total: Expr) -> Experiments:
    """Inputs that are the weights, the oldest first: the buffer holds the sum of their squares."""
    seen, what = scaled(buffer.gain, HELD) / total**2, f"the squared weights of {buffer.name} over their sum squared"
    settings, later = telling(rule, buffer.decay), quick(rule, buffer.decay)
    in_the_end = {} if finally_ is None else {LONG: finally_}
    return (
        *confirmed(rule, buffer, what, _reversed(buffer, SHORT), seen, {SHORT: noise}, settings),
        *confirmed(rule, buffer, f"{what}, in the end", _reversed(buffer, LONG), seen, in_the_end, later),
    )


def _reversed(buffer: LinearBuffer, count: int) -> tuple[Expr, ...]:
    """The weights over the gain, so that none is negative."""
    return tuple(buffer.decay**k if k else Number(1) for k in ages(count))


def swinging(rule: Rule, buffer: LinearBuffer, known: Mapping[str, Expr]) -> Experiments:
    """Inputs 1 + cos(omega t) on a quick decay: the mean gets the DC gain, the swing the magnitude at omega.

    A swing u of any phase has the power (u[t]^2 + u[t-1]^2 - 2 u[t] u[t-1] cos(omega))/sin(omega)^2.
    """
    values, name = quick(rule, buffer.decay), buffer.name
    dc, square = known["dc_gain"], known["squared_magnitude"]
    turning = [t % 2 for t in range(1, LONG + 1)]
    found = [
        *confirmed(rule, buffer, f"{name} under a constant input", constant(LONG), HELD, {LONG: dc}, values),
        *confirmed(rule, buffer, f"{name} under an alternating input", turning, HELD_BEFORE - HELD,
                   {LONG: known["nyquist_gain"]}, values),
    ]  # fmt: skip
    powers = [(Number(Fraction(math.cos(w))), substitute([square], {"#omega": Number(w)})[0]) for w in FREQUENCIES]
    now, before = HELD - dc, HELD_BEFORE - dc
    for cosine, power in (*powers, (known["cutoff_cosine"], dc**2 / 2)):
        seen = (now**2 + before**2 - 2 * now * before * cosine) / (1 - cosine**2)
        what = f"the power of {name} under a swinging input"
        found += confirmed(rule, buffer, what, _swing(cosine, LONG), seen, {LONG: power}, values)
    return tuple(found)


def _swing(cosine: Expr, count: int) -> tuple[Expr, ...]:
    """1 + cos(omega t), by cos(omega (t + 1)) = 2 cos(omega) cos(omega t) - cos(omega (t - 1))."""
    found: list[Expr] = []
    before: Expr = Number(1)
    now = cosine
    for _ in range(count):
        found.append(1 + now)
        before, now = now, 2 * cosine * now - before
    return tuple(found)


def summed(rule: Rule, buffer: LinearBuffer, formula: Expr, total: Expr) -> Experiments:
    """Inputs of one: what was held were the sums of the weights; where theta adds up the buffer, it shows their sum.

    The formula is in the number of steps and what is held in the end (`HELD`).
    """
    name, values = buffer.name, telling(rule, buffer.decay)
    so_far: Expr = Number(0)
    foretold = {}
    for t in range(1, SHORT + 1):
        so_far = so_far + substitute([total], {"t": Number(t)})[0]
        foretold[t] = so_far
    shown = {t: foretold[t] for t in (1, 2, SHORT)}
    found = confirmed(rule, buffer, f"all that {name} held", constant(), formula, shown, values)
    factor = None if rule.is_average or not buffer.starts_at_zero else _factor_in_step(rule, buffer)
    if factor is None:
        return found
    [in_the_end] = substitute([formula], {HELD.name: total})
    seen = -Symbol("theta") / scaled(factor, STRENGTH)
    what = f"the way of theta, which adds up {name}"
    return (*found, *confirmed(rule, buffer, what, constant(), seen, each(in_the_end, 1, 2, SHORT), values))


def _factor_in_step(rule: Rule, buffer: LinearBuffer) -> Expr | None:
    """The factor in hyperparameters with which the step is what the buffer holds after it; None where it is not."""
    moved, after = movement(rule), rule.step[buffer.name]
    if moved is after:
        return Number(1)
    if not isinstance(moved, Apply) or moved.op != "mul" or after not in moved.args:
        return None
    factor = moved.args[0] if moved.args[1] is after else moved.args[1]
    return factor if symbols(factor) <= {*rule.hyperparameter_names} else None


def corrected(rule: Rule, buffer: LinearBuffer, factor: Expr) -> Experiments:
    """Inputs of one, corrected: one."""
    what, foretold = f"{buffer.name} corrected, where every input is one", each(Number(1), 1, 2, 5, SHORT)
    return confirmed(rule, buffer, what, constant(), factor * HELD, foretold, telling(rule, buffer.decay))


def averaged(rule: Rule, buffer: LinearBuffer, decay: Expr, total: Expr) -> Experiments:
    """Inputs that come and go: the buffer over its weights is an average with this decay."""
    inputs = [Fraction(n) for n in ("1", "0", "0", "2", "1/2", "0", "1", "1")]
    held: Expr = Number(0)
    foretold = {}
    for t, value in enumerate(inputs, 1):
        [kept] = substitute([decay], {"t": Number(t)})
        held = kept * held + (1 - kept) * value
        foretold[t] = held
    what = f"{buffer.name} over the sum of its weights"
    return confirmed(rule, buffer, what, inputs, HELD / total, foretold, telling(rule, buffer.decay))


def lagging(rule: Rule, buffer: LinearBuffer, lag: Expr, without: Expr | None, total: Expr) -> Experiments:
    """A ramp: the buffer over its weights is behind by the lag; over all weights there ever are, by another one."""
    name, values = buffer.name, telling(rule, buffer.decay)
    ramp = tuple(range(1, SHORT + 1))
    what = f"the lag of {name} behind a ramp"
    found = confirmed(rule, buffer, what, ramp, T - HELD / total, each(lag, 1, 2, 5, SHORT), values)
    if without is None:
        return found
    seen = T - HELD * (1 - buffer.decay) / buffer.gain
    bare = confirmed(rule, buffer, f"{what}, not corrected", ramp, seen, each(without, 1, 2, SHORT), values)
    return (*found, *bare)
