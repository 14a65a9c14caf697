"""The effective learning rate as a function of the gradients so far, and how it depends on their size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import (
    Derivation,
    Series,
    Step,
    code,
    define,
    equal,
    holds,
    labelled,
    names_of,
)
from derive.deriving.experiment import Experiment
from derive.deriving.foretelling import MOVED, SIGNED, plain_values
from derive.deriving.linear import AGE, linear_buffers
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.deriving.rates.runs import Rates, defined_steps, measured, rates_of_run, settings, watched
from derive.expr import Symbol, apply, substitute, symbols
from derive.proving import Assumptions
from derive.rule import Rule

LARGER = tuple(Fraction(g) for g in (2, 3, Fraction(4, 3)))
T, G = Symbol("t"), Symbol("g")
RAISED = tuple(Fraction(g) for g in (2, 3, -3, 1, 4, -4))  # none of them smaller than that of SIGNED


@coordinatewise
def rate_of_history(rule: Rule) -> Derivation | None:
    """The step as rate times direction, and the rate by the squared gradients it remembers."""
    found = factored_step(rule)
    if found is None:
        return None
    label = labelled(rule, "effective_lr")
    moved = Symbol("theta[t-1]") - Symbol("theta[t]")
    proper, positive = found.proper
    steps = [
        define(moved, found.step, "the rule's step, in the values after it"),
        equal(moved, found.step, found.rate * found.direction, given=found.defined, why="a rate times a direction"),
        define(label, found.rate, _rate_reads(found)),
        *_memory(found),
    ]
    steps += [step for step in [_downhill(found, proper)] if step.verdict]
    assumptions = tuple(dict.fromkeys((*(f"`{n} = 0`" for n in found.removed), *found.positive, *positive)))
    return Derivation(
        title="Rate and direction of the step",
        statement=f"`theta` moves by `{label}` times {_direction_reads(found)}; `{label}` = {code(found.rate)}.",
        assumptions=assumptions,
        steps=tuple(steps),
        result=found.rate,
        names=names_of(rule),
        quantities={"rate": found.rate, "direction": found.direction},
        domains=found.domains_after,
        experiments=_experiment(found),
    )


def _rate_reads(found: EffectiveRate) -> str:
    if not found.behind:
        return "the rate does not look at the gradients"
    names = ", ".join(f"`{n}`" for n in found.behind)
    return f"the factor of the direction: it looks at {names}, where the signs of the gradients do not show"


def _direction_reads(found: EffectiveRate) -> str:
    if found.direction is G:
        return "the gradient"
    kind = "an average of the gradients" if found.average is not None else "a sum of gradients"
    return f"{kind}, {code(found.direction)}"


def _memory(found: EffectiveRate) -> Iterator[Step]:
    """What each even state has kept of the squared gradients, where it is a sum of them."""
    rule = found.rule
    for buffer in linear_buffers(rule):
        if buffer.name in found.behind and symbols(buffer.input) == {"g"} and buffer.starts_at_zero:
            age = names_of(rule)[AGE]
            [signal] = substitute([buffer.input], {"g": Symbol(f"g[t-{age}]")})
            [weight] = substitute([buffer.weight], {AGE: Symbol(age)})
            yield define(Symbol(after(buffer.name)), Series(weight, age, T, signal), "its unrolled weights")


def _downhill(found: EffectiveRate, proper: Assumptions) -> Step:
    if found.direction is G:
        why = "so the step is never uphill along a coordinate"
    else:
        why = "so the step goes along the average, never against it"
    return holds(apply("ge", found.rate, 0), why=why, given=proper)


def _experiment(found: EffectiveRate) -> tuple[Experiment, ...]:
    """The step divided by the direction, read off a run, is the rate of the states of that run."""
    values = plain_values(found.rule, found.removed)
    steps = defined_steps(found, values, SIGNED)
    if not steps:
        return ()
    observed = MOVED - watched(found, found.rate * found.direction)
    what = "a step less the rate times the direction"
    return (Experiment(what, observed, dict.fromkeys(steps, 0.0), SIGNED, values),)


@coordinatewise
def monotone_rate(rule: Rule) -> Derivation | None:
    """Gradients at least as large at every step leave a rate at most as large; or two runs that show otherwise."""
    found = factored_step(rule)
    if found is None or (not found.behind and found.direction is not G) or "g" not in _reads(found):
        return None
    proof = _smaller_rates(found)
    if all(step.verdict for step in proof):
        statement = (
            "Larger gradients get a smaller rate: where every |g'| is at least |g|, the rate is at most as large at "
            "every step. That is said of the rate, not of the step, which is the rate times the direction."
        )
        steps = proof
        experiments = _beside_larger(found)
    else:
        witness = _counterexample(found)
        if witness is None:
            return None
        statement = "A larger gradient does not always leave a smaller rate: two runs show it."
        steps, experiments = witness
    return Derivation(
        title="Size of the gradients and the rate",
        statement=statement,
        assumptions=(*found.proper[1], *(f"`{n} = 0`" for n in found.removed)),
        steps=steps,
        result=found.rate,
        names={**names_of(rule), **{f"{n}'": f"{n}'[t-1]" for n in rule.state_names}, "g'": "g'[t]"},
        quantities={"rate": found.rate},
        experiments=experiments,
    )


def _beside_larger(found: EffectiveRate) -> tuple[Experiment, ...]:
    """The rates of a run with larger gradients, at most those of the run with smaller ones."""
    values = plain_values(found.rule, found.removed)
    rates = dict(enumerate(rates_of_run(found, values, SIGNED).rates, start=1))
    return measured(found, "the rate of larger gradients beside that of smaller ones", rates, RAISED, values, "≤")


def _reads(found: EffectiveRate) -> frozenset[str]:
    """What the rate and the states behind it are made of."""
    return frozenset(symbols(found.rate, *(found.rule.step[n] for n in found.behind)))


def _smaller_rates(found: EffectiveRate) -> tuple[Step, ...]:
    """Induction over two runs at once: the states of the second are at least as large, so its rate is at most."""
    proper, _ = found.proper
    own = dict(proper.domains)
    twice = Assumptions({**own, **{_primed(n): d for n, d in own.items() if n.removesuffix("[t]") in found.behind}})
    other = {n: Symbol(_primed(n)) for n in ("g", *found.behind)}
    larger = [apply("ge", apply("abs", other["g"]), apply("abs", G))]
    before = [apply("ge", other[n], Symbol(n)) for n in found.behind]
    steps = []
    for name in found.behind:
        stepped = found.rule.step[name]
        [moved] = substitute([stepped], other)
        why = f"`{name}` starts the same and stays at least as large"
        steps.append(holds(apply("ge", moved, stepped), why=why, given=twice, when=[*larger, *before]))
    now = {after(n): Symbol(_primed(after(n))) for n in found.behind}
    [rate] = substitute([found.rate], {**other, **now})
    used = symbols(found.rate)
    when = [apply("ge", now[after(n)], Symbol(after(n))) for n in found.behind if after(n) in used]
    when += [c for n, c in zip(found.behind, before, strict=True) if n in used]
    when += larger if "g" in used else []
    steps.append(holds(apply("le", rate, found.rate), why="the rate is at most as large", given=twice, when=when))
    return tuple(steps)


def _primed(name: str) -> str:
    stem, bracket, index = name.partition("[")
    return f"{stem}'{bracket}{index}"


def _counterexample(found: EffectiveRate) -> tuple[tuple[Step, ...], tuple[Experiment, ...]] | None:
    """Two short runs, one with a gradient larger and the rest alike, after which its rate is larger too."""
    values = settings(found)
    for gradients in product((Fraction(1), Fraction(2)), repeat=3):
        for place, g in enumerate(gradients):
            for larger in LARGER if g == 1 else ():
                raised = (*gradients[:place], larger, *gradients[place + 1 :])
                runs = rates_of_run(found, values, gradients), rates_of_run(found, values, raised)
                steps = _compared(runs)
                if steps:
                    return steps, (*_shown(found, values, runs[0]), *_shown(found, values, runs[1]))
    return None


def _shown(found: EffectiveRate, values: Mapping[str, Fraction], run: Rates) -> tuple[Experiment, ...]:
    """The rates of one of the two runs."""
    rates = dict(enumerate(run.rates, start=1))
    every = {**values, **dict.fromkeys(found.removed, Fraction(0))}
    return measured(found, "the rate along one of the two runs", rates, run.gradients, every)


def _compared(runs: tuple[Rates, Rates]) -> tuple[Step, ...]:
    for one, other in zip(runs[0].rates, runs[1].rates, strict=True):
        step = holds(apply("gt", other, one), given=Assumptions(),
                     why=f"the rate of gradients {runs[1].said} against that of {runs[0].said}")  # fmt: skip
        if step.verdict:
            return (step,)
    return ()
