"""Sums over ages, shown by telescoping: the closed form is zero for no terms and gains the next term."""

from __future__ import annotations

from derive.deriving.averages.bias import weighing
from derive.deriving.averages.weights import weight_sum
from derive.deriving.derivation import Series, Step, define, equal, labelled, names_of, proper
from derive.deriving.linear import AGE, LinearBuffer, given, raised, scaled
from derive.expr import Expr, Number, Symbol, substitute
from derive.proving import Assumptions, identity
from derive.rule import Rule

T, K = Symbol("t"), Symbol(AGE)


def telescoped(rule: Rule, name: str, term: Expr, shown: Expr, closed: Expr, what: str) -> tuple[Step, ...]:
    """name[t] = the sum of `term` (shown with the label of the weights) over the ages 0 to t - 1, in closed form."""
    age, from_start = names_of(rule)[AGE], given(rule, from_start=True)
    [none, later] = [substitute([closed], {"t": e})[0] for e in (Number(0), T + 1)]
    [gained] = substitute([term], {AGE: T})
    return proper(
        define(labelled(rule, name), Series(shown, age, T), what),
        equal(labelled(rule, name, "0"), none, Number(0), why="the closed form is zero for no terms", given=from_start),
        equal(labelled(rule, name, "t+1"), later, closed + gained, why="and gains the next term", given=from_start),
    )


def geometric(base: Expr) -> Expr:
    """The sum of base^k over the ages k below t."""
    return (1 - raised(base, T)) / (1 - base)


def first_moment(base: Expr) -> Expr:
    """The sum of k base^k over the ages k below t."""
    power = raised(base, T)
    return base * (1 - power) / (1 - base) ** 2 - T * power / (1 - base)


def second_moment(base: Expr) -> Expr:
    """The sum of k^2 base^k over the ages k below t."""
    power, rest = raised(base, T), 1 - base
    return base * (1 + base) * (1 - power) / rest**3 - power * (T**2 / rest + 2 * T * base / rest**2)


def age_sum(buffer: LinearBuffer) -> Expr:
    """The sum of k w[k] over the ages k below t."""
    b = buffer.decay
    if b is Number(1):
        return scaled(buffer.gain, T * (T - 1) / 2)
    return scaled(buffer.gain, first_moment(b))


def square_sum(buffer: LinearBuffer) -> Expr:
    """The sum of w[k]^2 over the ages k below t."""
    b = buffer.decay
    each = Number(1) if buffer.gain is Number(1) else buffer.gain**2
    if b is Number(1):
        return scaled(each, T)
    return scaled(each, (1 - raised(b, 2 * T)) / (1 - b**2))


def fades(buffer: LinearBuffer) -> bool:
    """Whether older inputs count less, and in the end nothing; the decay is then in [0, 1)."""
    return buffer.decay is not Number(1)


def weighed(rule: Rule, buffer: LinearBuffer) -> tuple[Assumptions, tuple[str, ...]] | None:
    """Assumptions under which the weights do not add up to nothing, and those in words; None where they may."""
    total = weight_sum(rule, buffer)
    assumed, words = weighing(rule, total)
    return (assumed, words) if identity([(total / total, Number(1))], assumed) else None
