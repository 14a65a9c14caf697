"""The unrolled weights of a linear buffer and their sum."""

from __future__ import annotations

from derive.algebra.normal import tidy
from derive.deriving.derivation import Derivation, Series, Step, define, equal, proper, tends
from derive.deriving.linear import AGE, LinearBuffer, given, raised, scaled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import identity
from derive.proving.limits import limit
from derive.rule import Rule

T, K = Symbol("t"), Symbol(AGE)


def weight_sum(rule: Rule, buffer: LinearBuffer) -> Expr:
    """W[t] in its readable form; that it is the sum is proved in the derivation of the weights."""
    return tidy(_closed_form(rule, buffer), given(rule))


def _closed_form(rule: Rule, buffer: LinearBuffer) -> Expr:
    """gain (1 - decay^t)/(1 - decay), or gain t where nothing fades."""
    if identity([(buffer.decay, Number(1))], given(rule)):
        return scaled(buffer.gain, T)
    return scaled(buffer.gain, (1 - raised(buffer.decay, T)) / (1 - buffer.decay))


def weights(rule: Rule, buffer: LinearBuffer) -> Derivation:
    """What each past input counts in the buffer after t steps, and what all weights add up to."""
    name = buffer.name
    shown = weight_sum(rule, buffer)
    steps = (*_unrolling(rule, buffer), *_summing(rule, buffer, _closed_form(rule, buffer), shown))
    return Derivation(
        title=f"Unrolled weights of {name}",
        statement=f"The input of k steps ago counts w[k]; after t steps the weights sum to W[t] = {shown}.",
        assumptions=(),
        steps=steps,
        result=shown,
        names=names_of(rule),
    )


def names_of(rule: Rule) -> dict[str, str]:
    """How a rule's names are written inside a step from t - 1 to t."""
    before = {n: f"{n}[t-1]" for n in (*rule.state_names, *(() if rule.is_average else ("theta",)))}
    return {**before, "g": "g[t]", "x": "x[t]"}


def _unrolling(rule: Rule, buffer: LinearBuffer) -> tuple[Step, ...]:
    now, after = Symbol(f"{buffer.name}[t]"), rule.step[buffer.name]
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
        define(Symbol("w[k]"), weight, "the weight claimed for the input of k steps ago"),
        equal(Symbol("w[0]"), newest, buffer.gain, why="the newest input counts the gain", given=assumed),
        equal(Symbol("w[k+1]"), older, scaled(buffer.decay, weight), why="a step later it counts the decay times that",
              given=assumed),
        equal(None, share_of_start, Number(1), why="at t = 0 the initial value counts fully", given=assumed),
        equal(None, later_share, scaled(buffer.decay, start), why="and fades in the same way", given=from_start),
        define(now, Series(Symbol("w[k]"), AGE, T, _delayed(buffer.input), _start_term(buffer)),
               "by induction over t from the four lines above"),
    )  # fmt: skip


def _summing(rule: Rule, buffer: LinearBuffer, total: Expr, shown: Expr) -> tuple[Step, ...]:
    label = Symbol("W[t]")
    assumed, from_start = given(rule), given(rule, from_start=True)
    [empty, later] = [substitute([total], {"t": e})[0] for e in (Number(0), T + 1)]
    [newest_weight] = substitute([buffer.weight], {AGE: T})
    steps = proper(
        define(label, Series(Symbol("w[k]"), AGE, T), "the sum of the weights after t steps"),
        equal(Symbol("W[0]"), empty, Number(0), why="the closed form holds for no terms", given=from_start),
        equal(Symbol("W[t+1]"), later, total + newest_weight, why="and gains w[t] from t to t + 1", given=from_start),
        equal(label, total, shown, why="so it is the sum, by induction over t; simplified", given=assumed),
    )
    return (*steps, *tends(label, limit(shown, "t", assumed)))


def _delayed(signal: Expr) -> Expr:
    return substitute([signal], {n: Symbol(f"{n}[t-k]") for n in ("g", "x")})[0]


def _start_term(buffer: LinearBuffer) -> Expr | None:
    return None if buffer.state.initial is Number(0) else buffer.start_share
