"""Runs that confirm what is derived of varying decays, first inputs, buffers of buffers and several steps at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.deriving.averages.confirming import SHORT, Experiments, ages, constant, each, impulse
from derive.deriving.averages.driving import HANDY, HELD, STRENGTH, Values, confirmed, decaying, telling, usual
from derive.deriving.averages.schedules import Phase, VaryingBuffer, phases
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.linear import AGE, LinearBuffer
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.rule import Rule

T = Symbol("t")
SOME = tuple(Fraction(n) for n in ("1", "0", "2", "0", "0", "1/2", "1", "3"))  # inputs that come and go
LATE = 3  # the step of a lone input
ENOUGH = 60  # steps in which two quick decays leave nothing of the start


def multiplied(rule: Rule, buffer: VaryingBuffer, decay: Expr) -> Experiments:
    """Whatever the inputs: the state is the product of the decays."""
    values, total = usual(rule), buffer.state.initial
    if values is None:
        return ()
    foretold = {}
    for t in range(1, SHORT + 1):
        total = total * substitute([decay], {"t": Number(t)})[0]
        foretold[t] = enclosed([total], values)[0]
    numbers = decimals(foretold)
    changed = {n: value for n, value in values.items() if rule.defaults.get(n) != value}
    what, gradients = f"{buffer.name}, the product of its decays", (Fraction(1),) * SHORT
    return () if numbers is None else (Experiment(what, Symbol(buffer.name), numbers, gradients, changed or None),)


def varied(rule: Rule, buffer: VaryingBuffer, decay: Expr, gain: Expr) -> Experiments:
    """Inputs that come and go: each counts its gain, and fades by the decays since."""
    held = buffer.state.initial / STRENGTH
    foretold = {}
    for t, value in enumerate(SOME, 1):
        kept, added = substitute([decay, gain], {"t": Number(t)})
        held = kept * held + added * value
        foretold[t] = held
    what = f"{buffer.name} by its decays"
    return tuple(
        experiment
        for values in (usual(rule), _through_all(rule, buffer))
        for experiment in confirmed(rule, buffer, what, SOME, HELD, foretold, values)
    )


def _through_all(rule: Rule, buffer: VaryingBuffer) -> dict[str, Fraction] | None:
    """Settings at which a run of a buffer whose decay has several phases goes through all of them."""
    known, every = usual(rule), phases(buffer)
    for value in HANDY if known is not None and len(every) > 1 else ():
        settings = {**(known or {}), **dict.fromkeys(symbols(buffer.decay) - {"t"}, value)}
        visited = [_steps_in(buffer, phase, settings, len(SOME)) for phase in every]
        if all(settings[h.name] in h.domain for h in rule.hyperparameters) and all(visited):
            return settings
    return None


def _steps_in(buffer: VaryingBuffer, phase: Phase, values: Values, count: int) -> list[int]:
    """The steps at which the decay is that of the phase."""
    steps = {t: {**values, "t": Fraction(t)} for t in range(1, count + 1)}
    return [t for t, here in steps.items() if enclosed([phase.decay], here) == enclosed([buffer.decay], here)]


def in_phase(rule: Rule, buffer: VaryingBuffer, phase: Phase, known: Mapping[str, Expr]) -> Experiments:
    """Where the run stays in the phase: a lone input shows its weight, inputs as large as old their mean age."""
    values = usual(rule)
    if values is None or not known or len(_steps_in(buffer, phase, values, SHORT)) < SHORT:
        return ()
    [first] = enclosed([phase.decay], {**values, "t": Fraction(1)})
    if first != 0 and buffer.state.initial is not Number(0):
        return ()
    name, [weight] = buffer.name, substitute([known["varying_weight"]], {"#j": Number(LATE)})
    lone = [int(t == LATE) for t in range(1, SHORT + 1)]
    what = f"the weight of a lone input of {name}"
    found = confirmed(rule, buffer, what, lone, HELD, each(weight, LATE, SHORT), values)
    if "varying_mean_age" not in known:
        return found
    age, start = known["varying_mean_age"], Number(0) if first == 0 else T * known["decay_product"]
    what = f"the mean age of what {name} holds"
    return (*found, *confirmed(rule, buffer, what, ages(SHORT), HELD + start, {SHORT: age}, values))


def begun(rule: Rule, buffer: VaryingBuffer, first: Expr, excess: Expr, usual_weight: Expr, total: Expr) -> Experiments:
    """A first input and no other shows its weight, and what that is more than usual; inputs of one show the sum."""
    name, values = buffer.name, usual(rule)
    what, firsts, above = f"the weight of the first input of {name}", each(first, 1, 2, SHORT), HELD - usual_weight
    ones = f"{name} where every input is one"
    return (
        *confirmed(rule, buffer, what, impulse(), HELD, firsts, values),
        *confirmed(rule, buffer, f"{what} above the usual", impulse(), above, each(excess, 1, 2, SHORT), values),
        *confirmed(rule, buffer, ones, constant(), HELD, each(total, 1, 2, SHORT), values),
    )


def cascaded(
    rule: Rule, pair: tuple[LinearBuffer, LinearBuffer], kernels: Sequence[Expr], total: Expr, age: Expr
) -> Experiments:
    """A lone input of the first shows the weights in the second; many show in the end their sum and their mean age.

    The weights are for decays that differ, where they may, and for equal ones.
    """
    first, second = pair
    seen, name = Symbol(second.name) / STRENGTH, second.name
    soon = decaying(rule, apply("max", first.decay, second.decay), lambda value: 0 < value <= Fraction(1, 2))
    equal = soon if soon is not None and not _differ(pair, soon) else None
    settings = (*((_apart(rule, pair),) if len(kernels) > 1 else ()), equal)
    found: list[Experiment] = []
    for weight, values in zip(kernels, settings, strict=True):
        weights = {t: substitute([weight], {AGE: Number(t - 1)})[0] for t in (1, 2, SHORT)}
        what = f"the weights in {name} of what {first.name} is given"
        found += confirmed(rule, first, what, impulse(), seen, weights, values)
    many, old = constant(ENOUGH), ages(ENOUGH)
    return (
        *found,
        *confirmed(rule, first, f"the sum of the weights in {name}", many, seen, {ENOUGH: total}, soon),
        *confirmed(rule, first, f"the mean age of what {name} holds", old, seen / total, {ENOUGH: age}, soon),
    )


def _differ(pair: tuple[LinearBuffer, LinearBuffer], values: Values) -> bool:
    one, other = enclosed([b.decay for b in pair], values)
    return not (isinstance(one, Fraction) and one == other)


def _apart(rule: Rule, pair: tuple[LinearBuffer, LinearBuffer]) -> dict[str, Fraction] | None:
    """Settings at which the two decays differ."""
    values = usual(rule)
    own = symbols(pair[0].decay) - symbols(pair[1].decay)
    for value in (None, *HANDY):
        here = None if values is None else {**values, **({} if value is None else dict.fromkeys(own, value))}
        inside = here is not None and all(here[h.name] in h.domain for h in rule.hyperparameters)
        if here is not None and inside and _differ(pair, here):
            return here
    return None


def repeated(rule: Rule, buffer: LinearBuffer, held: Expr) -> Experiments:
    """A larger input, then n smaller ones that are all the same; `held` is in n, what was held before and the input."""
    values, inputs = telling(rule, buffer.decay), (3, *constant(SHORT))
    one = {"#n": T - 1, "#before": 3 * buffer.gain, "#input": Number(1)}
    foretold = each(substitute([held], one)[0], 2, 3, SHORT + 1)
    return confirmed(rule, buffer, f"{buffer.name} after several steps", inputs, HELD, foretold, values)
