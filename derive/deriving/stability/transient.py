"""What a tuned rule does before its rate shows: theta first grows on the largest curvature."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation, Step, code, define, equal, holds, letter, names_of
from derive.deriving.experiment import Experiment
from derive.deriving.stability.responses import run
from derive.deriving.stability.tuning import UNIT_RATE, instance, optimum, simple
from derive.expr import Expr, Number, Symbol, apply, substitute
from derive.proving import Assumptions
from derive.rule import COUNTER, Rule

T = Symbol("t")
SHOWN = Fraction(100)  # the condition number of the run that is shown


@coordinatewise
def transient(rule: Rule) -> Derivation | None:
    """theta[t] on the largest curvature of a tuned rule with memory, from rest: exact, with its peak; else None."""
    form = simple(rule)
    if form is None or not form.momentum:
        return None
    names = {n: Symbol(letter(rule, n)) for n in ("mu", "L")}
    settings = optimum(form, names["mu"], names["L"])
    found = None if settings is None else instance(settings, names, Fraction(1), SHOWN)
    if found is None:
        return None
    rate = found.pop("rate")
    thetas = run(rule, SHOWN, 12, found)
    size = [abs(value) for value in (Fraction(1), *thetas)]
    if any(value != closed for value, closed in zip(size, _sizes(rate, 13), strict=False)):
        return None  # it does not start from rest
    peak = max(range(len(size)), key=lambda t: size[t])
    r = Symbol(letter(rule, "r"))
    loss = size[peak] ** 2
    return Derivation(
        title="Transient of the tuned rule",
        statement=f"On the largest curvature theta changes its sign at every step and has the size "
        f"{code(_size(r))}: it grows before it shrinks. At a condition number of {SHOWN} it is largest at t = {peak}, "
        f"{float(size[peak]):.4g} times the start, and the loss {float(loss):.4g} times.",
        assumptions=(f"the setting above, `{r}` its rate; theta[0] = 1, at rest",),
        steps=(*_closed_form(r), *_values(rate, thetas[:peak]), *_falling(r, rate, peak)),
        result=_size(r),
        names=names_of(rule),
        quantities={"transient": _size(r), "largest_transient": Number(size[peak]), "loss_growth": Number(loss)},
        experiments=(
            Experiment("the transient", Symbol("theta"),
                       {t: float((-1) ** t * size) for t, size in enumerate(_sizes(rate, 41)) if t},
                       curvature=SHOWN, steps=40, start=Fraction(1), hyperparameters=found),
        ),
    )  # fmt: skip


def _size(r: Expr, t: Expr = T) -> Expr:
    """r^t (1 + (1 + r) t)."""
    return apply("pow", r, t) * (1 + (1 + r) * t)


def _sizes(rate: Fraction, count: int) -> list[Fraction]:
    return [rate**t * (1 + (1 + rate) * t) for t in range(count)]


def _closed_form(r: Symbol) -> tuple[Step, ...]:
    t, given = Symbol("t"), Assumptions({r.name: UNIT_RATE, "t": COUNTER})
    return (
        define(Symbol("|theta[t]|"), _size(r), "claimed; theta[t] = (-1)^t |theta[t]|"),
        equal(Symbol("|theta[1]|"), substitute([_size(r)], {"t": Number(1)})[0], (1 + r) ** 2 - 1, given=given,
              why="the first step from rest: theta[1] = 1 - (1 + r)^2"),
        equal(Symbol("|theta[t+2]|"), 2 * r * _size(r, t + 1) - r**2 * _size(r, t), _size(r, t + 2), given=given,
              why="p(z) = (z + r)^2 there, so |theta[t+2]| = 2 r |theta[t+1]| - r^2 |theta[t]|: it is kept"),
    )  # fmt: skip


def _values(rate: Fraction, thetas: list[Fraction]) -> tuple[Step, ...]:
    given = Assumptions({})
    return tuple(
        equal(Symbol(f"|theta[{t}]|"), _size(Number(rate), Number(t)), Number(abs(value)), given=given,
              why=f"at a condition number of {SHOWN}, where r = {rate}: {float(value):.4g}")
        for t, value in enumerate(thetas, 1)
    )  # fmt: skip


def _falling(r: Symbol, rate: Fraction, peak: int) -> tuple[Step, ...]:
    """From which t on the next size is no larger."""
    t, given = Symbol("t"), Assumptions({r.name: UNIT_RATE, "t": COUNTER})
    onset = (r * (2 + r) - 1) / (1 - r**2)
    falls = apply("le", r * (1 + (1 + r) * (t + 1)), 1 + (1 + r) * t)
    first = ceil((rate * (2 + rate) - 1) / (1 - rate**2))
    return (
        holds(falls, when=(apply("ge", t, onset),), given=given, why="from there on no size is above the one before"),
        equal(Symbol("t"), substitute([onset], {r.name: Number(rate)})[0],
              Number((rate * (2 + rate) - 1) / (1 - rate**2)), given=Assumptions({}),
              why=f"at a condition number of {SHOWN}: from t = {max(first, 0)} on it only shrinks"),
    )  # fmt: skip
