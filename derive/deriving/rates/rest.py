"""The rate when gradients vanish: what it tends to, and what it is where nothing has been seen."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import NoNormalForm, readable, tidy
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import (
    Derivation,
    Step,
    code,
    define,
    equal,
    exceptions,
    holds,
    labelled,
    named_limit,
    names_of,
    tends,
)
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import PLAIN, QUICK, SIGNED, a_number, foretold, plain_values, settled
from derive.deriving.linear import raised, scaled
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.deriving.rates.runs import measured, watched
from derive.deriving.undecayed import undefined_at_zero
from derive.evaluate import unrolled
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, identity
from derive.proving.limits import limit
from derive.rule import Rule

T = Symbol("t")
FEW, LATE = 8, 45
ZERO = Number(0)
FADED = "so t steps after step T, the last one with a gradient"


@coordinatewise
def rate_at_rest(rule: Rule) -> Expr | None:
    """The rate where every state of it is zero and so is the gradient; None where that is no number."""
    found = factored_step(rule)
    if found is None:
        return None
    names = [n for name in found.behind for n in (name, after(name))]
    [still] = substitute([found.rate], {**dict.fromkeys(names, ZERO), "g": ZERO})
    try:
        shown = tidy(still, found.proper[0])
    except NoNormalForm:
        return None
    return shown if identity([(still, shown)], found.proper[0]) else None


@coordinatewise
def vanishing_gradients(rule: Rule) -> Derivation | None:
    """What the rate tends to once all gradients are zero, from any states; and the most it can ever be."""
    found = factored_step(rule)
    if found is None or not found.behind:
        return None
    proper, positive = found.proper
    label = labelled(rule, "effective_lr")
    fading = _fading(found)
    if fading is None:
        return None
    steps, factors = fading
    faded = {n: scaled(raised(factor, T), Symbol(f"{n}[T]")) for n, factor in factors.items()}
    steps = (*steps, *(define(Symbol(f"{n}[t-1]"), e, FADED) for n, e in faded.items()))
    states = {**faded, **{after(n): scaled(factor, faded[n]) for n, factor in factors.items()}}
    [rate] = substitute([found.rate], {**states, "g": ZERO})
    own = proper.domains
    proper = Assumptions({**own, **{f"{n}[T]": own[n] for n in faded if n in own}})
    reached = limit(rate, "t", proper)
    if reached is None:
        return None
    steps = (*steps, *tends(label, reached))
    still, said = rate_at_rest(rule), ""
    experiments = _faded(found, factors, rate, reached.claim.limit)
    quantities = named_limit("vanishing_rate", reached)
    if still is not None:
        quantities["rate_at_rest"] = still
        most = holds(apply("le", found.rate, still), why="and from no gradients can it be larger", given=proper)
        if most.verdict:
            experiments = (*experiments, *_at_most(found, still))
            steps, said = (*steps, most), f" It is never more than {code(still)}, where nothing has been seen."
    shown = reached.claim.limit
    needed = [f"`{n} > 0`" for n in undefined_at_zero(rule, shown)]
    verb = "tends to" if "t" in symbols(rate) else "stays"
    return Derivation(
        title="When the gradients vanish",
        statement=f"Once all gradients are zero, after step T, the rate {verb} "
        f"{code(shown)}{exceptions(reached)}.{said}",
        assumptions=tuple(dict.fromkeys((*positive, *needed, *(f"`{n} = 0`" for n in found.removed)))),
        steps=steps,
        result=shown,
        names=names_of(rule),
        quantities=quantities,
        experiments=experiments,
    )


def _fading(found: EffectiveRate) -> tuple[tuple[Step, ...], dict[str, Expr]] | None:
    """The factor by which each state behind the rate fades in a step without gradient, and the steps that say so."""
    rule, steps, factors = found.rule, list[Step](), dict[str, Expr]()
    for name in found.behind:
        own = Symbol(name)
        [moved] = substitute([rule.step[name]], {"g": ZERO})
        factor = readable(substitute([moved], {name: Number(1)})[0], found.assumptions)
        if not symbols(factor) <= {*rule.hyperparameter_names} or factor is ZERO:
            return None
        step = equal(Symbol(after(name)), moved, scaled(factor, own), why="a step without gradient",
                     given=found.assumptions)  # fmt: skip
        if step.chain[0] is not step.chain[1] and not step.verdict:
            return None
        steps.append(step)
        factors[name] = factor
    return tuple(steps), factors


def _faded(found: EffectiveRate, factors: dict[str, Expr], rate: Expr, end: Expr) -> tuple[Experiment, ...]:
    """The rate in steps without gradient after a first with one, on the way and in the end."""
    experiments = []
    for choices, steps in ((PLAIN, range(2, FEW + 1)), (QUICK, (LATE,))):
        values = plain_values(found.rule, found.removed, choices=choices)
        counted = _as_if_from_the_start(found, factors, values)
        if counted is None:
            continue
        here = {**values, **counted}
        expected = foretold(rate, here, steps) if choices is PLAIN else settled(rate, end, here, LATE)
        if expected is not None:
            what = "the rate once the gradients are zero" if choices is PLAIN else "the rate they end at"
            gradients = (Fraction(2), *(Fraction(0),) * (max(steps) - 1))
            experiments.append(Experiment(what, watched(found, found.rate), expected, gradients, values))
    return tuple(experiments)


def _as_if_from_the_start(
    found: EffectiveRate, factors: dict[str, Expr], values: dict[str, Fraction]
) -> dict[str, Fraction] | None:
    """What the first gradient leaves in each state, counted back to t = 0 by the factors: one for each step till t = 2.

    None where a factor is zero or there is no such number.
    """
    hypers = {n: Number(values[n]) for n in found.rule.hyperparameter_names}
    [first] = unrolled(found.rule, hypers, 0, [Number(2)])
    counted = {}
    for name, factor in factors.items():
        left, kept = a_number(first[name], {}), a_number(factor, values)
        if left is None or not kept:
            return None
        counted[f"{name}[T]"] = left / kept**2
    return counted


def _at_most(found: EffectiveRate, still: Expr) -> tuple[Experiment, ...]:
    """The rate beside the most it can be: under gradients, and before any."""
    values, none = plain_values(found.rule, found.removed), (Fraction(0),) * len(SIGNED)
    numbers = {name: Number(value) for name, value in values.items()}
    most = {t: substitute([still], {**numbers, "t": Number(t)})[0] for t in range(1, len(SIGNED) + 1)}
    beside = measured(found, "the rate beside what it is at rest", most, SIGNED, values, "≤")
    expected = foretold(still, values, most)
    if expected is None or any(s.initial is not ZERO for s in found.rule.states if s.name in found.behind):
        return beside
    return (*beside, Experiment("the rate at rest", watched(found, found.rate), expected, none, values))
