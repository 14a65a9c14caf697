"""The unrolled weights of a linear buffer and their sum."""

from __future__ import annotations

from functools import lru_cache

from derive.algebra.normal import tidy
from derive.deriving.averages.confirming import unrolled
from derive.deriving.derivation import Derivation, Series, Step, code, define, equal, labelled, names_of, proper, tends
from derive.deriving.linear import AGE, LinearBuffer, given, raised, scaled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import identity
from derive.proving.limits import limit
from derive.rule import Rule

T, K = Symbol("t"), Symbol(AGE)


@lru_cache(maxsize=256)
def weight_sum(rule: Rule, buffer: LinearBuffer) -> Expr:
    """W[t] in a readable form that holds from t = 0 on; the derivation of the weights proves it."""
    closed = _closed_form(rule, buffer)
    shown = tidy(closed, given(rule))
    return shown if identity([(closed, shown)], given(rule, from_start=True)) else closed


def _closed_form(rule: Rule, buffer: LinearBuffer) -> Expr:
    """gain (1 - decay^t)/(1 - decay), or gain t where nothing fades."""
    if buffer.decay is Number(1):
        return scaled(buffer.gain, T)
    return scaled(buffer.gain, (1 - raised(buffer.decay, T)) / (1 - buffer.decay))


def weights(rule: Rule, buffer: LinearBuffer) -> Derivation:
    """What each past input counts in the buffer after t steps, and what all weights add up to."""
    name, names = buffer.name, names_of(rule)
    shown = weight_sum(rule, buffer)
    steps = (*_unrolling(rule, buffer), *_summing(rule, buffer, _closed_form(rule, buffer), shown))
    return Derivation(
        title=f"Unrolled weights of {name}",
        statement=f"The input of {names[AGE]} steps ago counts {code(buffer.weight, names)}. "
        f"After t steps the weights sum to {code(shown)}.",
        assumptions=(),
        steps=steps,
        result=shown,
        names=names,
        quantities={"weight": buffer.weight, "weight_sum": shown},
        experiments=unrolled(rule, buffer, buffer.weight, shown),
    )


def _unrolling(rule: Rule, buffer: LinearBuffer) -> tuple[Step, ...]:
    now, after = Symbol(f"{buffer.name}[t]"), rule.step[buffer.name]
    age = names_of(rule)[AGE]
    linear = buffer.update(Symbol(buffer.name), buffer.input)
    weight, start = buffer.weight, raised(buffer.decay, T)
    assumed, from_start = given(rule), given(rule, from_start=True)
    [newest] = substitute([weight], {AGE: Number(0)})
    [older] = substitute([weight], {AGE: K + 1})
    [share_of_start, later_share] = [substitute([start], {"t": e})[0] for e in (Number(0), T + 1)]
    return proper(
        define(now, after, "the rule's update"),
        equal(now, after, linear, why="linear in the buffer: a decay and a gain", given=assumed),
        define(Symbol(f"{buffer.name}[0]"), buffer.state.initial, "the rule's initial value"),
        define(labelled(rule, "w", age), weight, f"the weight claimed for the input of {age} steps ago"),
        equal(labelled(rule, "w", "0"), newest, buffer.gain, why="the newest input counts the gain", given=assumed),
        equal(labelled(rule, "w", f"{age}+1"), older, scaled(buffer.decay, weight), why="a step later faded once",
              given=assumed),
        equal(None, share_of_start, Number(1), why="at t = 0 the initial value counts fully", given=assumed),
        equal(None, later_share, scaled(buffer.decay, start), why="and fades in the same way", given=from_start),
        define(now, Series(labelled(rule, "w", age), age, T, _delayed(rule, buffer.input, age), _start_term(buffer)),
               "by induction over t"),
    )  # fmt: skip


def _summing(rule: Rule, buffer: LinearBuffer, total: Expr, shown: Expr) -> tuple[Step, ...]:
    label, age = labelled(rule, "W"), names_of(rule)[AGE]
    assumed, from_start = given(rule), given(rule, from_start=True)
    [empty, later] = [substitute([total], {"t": e})[0] for e in (Number(0), T + 1)]
    [newest_weight] = substitute([buffer.weight], {AGE: T})
    steps = proper(
        define(label, Series(labelled(rule, "w", age), age, T), "the sum of the weights after t steps"),
        equal(labelled(rule, "W", "0"), empty, Number(0), why="the closed form holds for no terms", given=from_start),
        equal(
            labelled(rule, "W", "t+1"),
            later,
            total + newest_weight,
            why="and gains the next weight",
            given=from_start,
        ),
        equal(label, total, shown, why="so it is the sum, by induction over t; simplified", given=assumed),
    )
    return (*steps, *tends(label, limit(shown, "t", assumed)))


def _delayed(rule: Rule, signal: Expr, age: str) -> Expr:
    """The input of `age` steps ago: everything it reads, as it was then."""
    given_then = {n: Symbol(f"{n}[t-{age}]") for n in ("g", "x")}
    kept_then = {n: Symbol(f"{n}[t-{age}-1]") for n in ("theta", *rule.state_names)}
    return substitute([signal], {**given_then, **kept_then, "t": T - Symbol(age)})[0]


def _start_term(buffer: LinearBuffer) -> Expr | None:
    return None if buffer.starts_at_zero else buffer.start_share
