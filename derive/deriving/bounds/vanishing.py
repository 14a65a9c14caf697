"""Factors that change with t as the rule likes: schedules number^(h t + c) and products of what is below a decay.

With number < 1 and h > 0 a schedule is a positive constant times the power u^t of u = number^h, which is below one.
A state that is multiplied by something in [0, beta] in every step is at most beta^(t-1) times what it starts with:
some z in [0, 1] times that. Where a formula tends to a limit, z being any such number, it does so whatever z is at
each step: as a function of z beta^(t-1) it is continuous at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from derive.deriving.bounds.names import INSIDE, steady_states
from derive.deriving.bounds.schedules import AT_MOST_ONE
from derive.deriving.bounds.structure import NormalisedStep
from derive.deriving.derivation import Step, define, holds, tends
from derive.deriving.lines import assigned
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import DECAY, UNIT, Domain

T = Symbol("t")


@dataclass(frozen=True)
class SettledSquare:
    """What the square of a bound tends to as its factors settle, how that is shown, and what has to be positive."""

    limit: Expr
    steps: tuple[Step, ...]
    positive: tuple[str, ...]


@dataclass(frozen=True)
class Vanishing:
    """Each name that changes with t in powers of t; what was checked for that; what has to be positive."""

    values: Mapping[str, Expr]
    domains: Mapping[str, Domain]
    steps: tuple[Step, ...]
    positive: tuple[str, ...]


def vanishing(step: NormalisedStep, assumed: Assumptions) -> Vanishing | None:
    """Every schedule and every steady state as a power of t; None where one is nothing of the kind."""
    values: dict[str, Expr] = {}
    domains: dict[str, Domain] = {}
    positive: list[str] = []
    for name, meaning in step.meanings.items():
        if not name.startswith("#s"):
            continue
        rate = _rate(meaning, assumed)
        if rate is None:
            return None
        positive += symbols(rate)
        base, constant = Symbol(f"#u{name[2:]}"), Symbol(f"#c{name[2:]}")
        values[name] = constant * apply("pow", base, T)
        domains |= {base.name: INSIDE, constant.name: AT_MOST_ONE}
    steps: list[Step] = []
    for name in sorted(steady_states(step.rule)):
        found = _product(step, name, assumed)
        if found is None:
            return None
        decay, shown = found
        steps.append(shown)
        share = Symbol(f"#w{len(domains)}")
        values[name] = share * (apply("pow", decay, T) / decay)
        domains |= {share.name: UNIT, decay.name: INSIDE}
    return Vanishing(values, domains, tuple(steps), tuple(dict.fromkeys(positive)))


def settled_square(
    step: NormalisedStep, square: Expr, names: Mapping[str, str], assumed: Assumptions
) -> SettledSquare | None:
    """The limit of the square of a bound whose factors change with t; None where they are nothing of the kind."""
    found = vanishing(step, assumed)
    if found is None:
        return None
    [in_powers] = substitute([step.with_factors(square)], found.values)
    reached = limit(in_powers, "t", Assumptions({**assumed.domains, **found.domains}))
    added = set(found.domains) - set(step.rule.domains)
    if reached is None or reached.exceptions or symbols(reached.claim.limit) & added:
        return None
    powers = [
        define(Symbol(names[name]), value, "in powers of t" if name.startswith("#s") else "with some number in [0, 1]")
        for name, value in found.values.items()
    ]
    why = "as t grows: every schedule is a constant times a power of t, and so is what is multiplied by less than one"
    shown = (replace(s, why=why) for s in tends(Symbol("bound[t]") ** 2, reached))
    return SettledSquare(reached.claim.limit, (*found.steps, *powers, *shown), found.positive)


def _rate(meaning: Expr, assumed: Assumptions) -> Expr | None:
    """The h of number^(h t + c), h a hyperparameter that is not negative and the number below one."""
    assert isinstance(meaning, Apply)
    number, exponent = meaning.args
    [later] = substitute([exponent], {"t": T + 1})
    if not isinstance(number, Number) or not 0 < number.value < 1:
        return None
    for name in symbols(exponent) - {"t"}:
        if identity([(later - exponent, Symbol(name))], assumed):
            return Symbol(name)
    return None


def _product(step: NormalisedStep, name: str, assumed: Assumptions) -> tuple[Symbol, Step] | None:
    """The decay that a state starting at one is multiplied by, at most, in every step, and the check of it."""
    rule = step.rule
    [state] = [s for s in rule.states if s.name == name]
    after = dict(assigned(rule, set()))[name]
    [factor] = substitute([after], {name: Number(1)})
    if state.initial is not Number(1) or not identity([(after, factor * Symbol(name))], assumed):
        return None
    for h in rule.hyperparameters:
        if h.domain == DECAY and h.name in symbols(factor):
            within = apply("and", apply("ge", factor, 0), apply("le", factor, Symbol(h.name)))
            why = f"{name} is at most {h.name}^(t-1) before step t: a step multiplies it by {h.name} at most"
            shown = holds(within, why=why, given=assumed)
            if shown.verdict:
                return Symbol(h.name), shown
    return None
