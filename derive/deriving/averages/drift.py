"""Inputs that drift: how far a buffer lags behind, and the bias that no correction of the weights removes."""

from __future__ import annotations

from derive.deriving.averages.confirming import lagging
from derive.deriving.averages.sums import T, age_sum, fades, weighed
from derive.deriving.averages.weights import weight_sum
from derive.deriving.averages.windows import mean_age_of
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    labelled,
    letter,
    named_limit,
    names_of,
    proper,
    tends,
)
from derive.deriving.linear import AGE, CONSTANT, LinearBuffer, given, scaled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import Assumptions
from derive.proving.limits import limit
from derive.rule import Rule

DRIFT = "#d"
C, D = Symbol(CONSTANT), Symbol(DRIFT)


def drift(rule: Rule, buffer: LinearBuffer) -> Derivation | None:
    """What the buffer holds where its input (or its mean) is c + d t: the input of some steps ago, to the letter."""
    assumed_and_words = weighed(rule, buffer)
    if assumed_and_words is None or not buffer.starts_at_zero:
        return None
    assumed, words = assumed_and_words
    names = {**names_of(rule), DRIFT: letter(rule, "d")}
    age, now = names[AGE], Symbol(f"{buffer.name}[t]")
    from_start, signal = given(rule, from_start=True), C + D * T
    total, lag = weight_sum(rule, buffer), mean_age_of(buffer)
    held = total * signal - D * age_sum(buffer)
    [at_start, later] = [substitute([held], {"t": e})[0] for e in (Number(0), T + 1)]
    [next_signal] = substitute([signal], {"t": T + 1})
    then, latest = labelled(rule, "E", age), labelled(rule, "E", "0")
    weighted = labelled(rule, "w", age) * (then - latest)
    found = limit(lag, "t", assumed)
    zeta = labelled(rule, "zeta")
    steps = (
        *proper(
            define(zeta, Series(weighted, age, T), f"{then} is the mean of the input of {age} steps ago: that of the "
                   f"buffer is W[t] times {latest}, and this, by linearity"),
            define(now, held, "claimed for an input that drifts evenly; for means, by linearity"),
            equal(Symbol(f"{buffer.name}[0]"), at_start, Number(0), why="holds at the start", given=from_start),
            equal(Symbol(f"{buffer.name}[t+1]"), later, buffer.update(held, next_signal), why="is kept by the update",
                  given=from_start),
            equal(now / labelled(rule, "W"), held / total, C + D * (T - lag), given=assumed,
                  why="corrected by its weights it is the input of the mean age ago"),
            equal(zeta / labelled(rule, "W"), held / total - signal, -(D * lag), given=assumed,
                  why="so it is off by the drift times the mean age"),
        ),
        *tends(labelled(rule, "lag"), found),
        *_uncorrected(rule, buffer, held, assumed),
    )  # fmt: skip
    tail = f", and in the end {code(found.claim.limit)}" if found is not None else ""
    return Derivation(
        title=f"Lag and drift of {buffer.name}",
        statement=f"Where the input drifts by `{names[DRIFT]}` a step, `{buffer.name}` over its weights is the input "
        f"of {code(lag)} steps ago{tail}: it lags by {code(D * lag, names)}, "
        "which no correction of the weights removes.",
        assumptions=(f"the input of {buffer.name}, or its mean, is {code(signal, names)}", *words),
        steps=steps,
        result=lag,
        names=names,
        quantities={
            "lag_at_t": lag,
            "drift_bias": -(D * lag),
            **named_limit("lag", found),
            **({"lag_without_correction": _without(buffer)} if fades(buffer) else {}),
        },
        experiments=lagging(rule, buffer, lag, _without(buffer) if fades(buffer) else None, total),
    )


def _without(buffer: LinearBuffer) -> Expr:
    """The lag on the ramp t of the buffer over what its weights add up to in the end."""
    b = buffer.decay
    return b * (1 - b**T) / (1 - b)


def _uncorrected(rule: Rule, buffer: LinearBuffer, held: Expr, assumed: Assumptions) -> tuple[Step, ...]:
    """Over the sum of all weights there ever are, the buffer lags less at first: it starts where the ramp does."""
    if not fades(buffer):
        return ()
    [ramp] = substitute([held], {CONSTANT: Number(0), DRIFT: Number(1)})
    final = scaled(buffer.gain, 1 / (1 - buffer.decay))
    why = "and over all weights there ever are, the ramp t is behind itself by"
    return (equal(T - Symbol(f"{buffer.name}[t]") / labelled(rule, "W", "∞"), T - ramp / final, _without(buffer),
                  why=why, given=assumed),)  # fmt: skip
