"""Can the effective learning rate ever grow? Proved for all gradients that it can't, or a run on which it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from derive.deriving.derivation import Derivation, Step, holds, labelled, names_of
from derive.deriving.experiment import Experiment, decimals
from derive.deriving.foretelling import plain_values
from derive.deriving.rates.factor import EffectiveRate, after, factored_step
from derive.deriving.rates.runs import measured, rates_of_run, settings, watched
from derive.evaluate import enclosed
from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.proving import Assumptions, Verdict, identity
from derive.rule import Rule

T = Symbol("t")
LATER = "g~"  # the gradient of the step after
FALLING = tuple(Fraction(g) for g in (4, -2, 1, Fraction(1, 2), Fraction(-1, 4), Fraction(1, 8)))
RUNS = ((1, 0, 0), (2, 1, 1), (1, 1, 1), (1, 2, 1, 1), (1, Fraction(1, 4), Fraction(1, 4), Fraction(1, 4)))


def never_increases(rule: Rule) -> Verdict:
    """Whether the effective rate is at most what it was a step before, for all gradients, wherever it is a number.

    `refuted` with a run on which it certainly grows; `unknown` where the step has no such rate, or it is not decided.
    """
    found = factored_step(rule)
    if found is None:
        return Verdict("unknown", message="the step is no rate times a direction that is linear in the gradients")
    step = _step_of_proof(found)
    if step.verdict:
        assert step.verdict is not None
        said = "the rate is at every step at most what it was before"
        return replace(step.verdict, message=said, assumptions=(*step.verdict.assumptions, *_premises(found)))
    for verdict, _, _ in _growing(found):
        return verdict
    return Verdict("unknown", message="no proof, and no run on which the rate grows")


def never_increasing(rule: Rule) -> Derivation | None:
    """That verdict as a derivation: the induction, or the run; nothing where the rate is the same at every step."""
    found = factored_step(rule)
    if found is None or not symbols(found.rate) - {*found.rule.hyperparameter_names}:
        return None
    step, label = _step_of_proof(found), labelled(rule, "effective_lr")
    experiments: tuple[Experiment, ...] = ()
    if step.verdict:
        statement = f"`{label}` never grows, whatever the gradients."
        steps: tuple[Step, ...] = (step,)
        experiments = _beside_before(found)
    else:
        witness = next(_growing(found), None)
        if witness is None:
            return None
        _, shown, experiments = witness
        statement = f"`{label}` can grow: a run shows it."
        steps = (shown,)
    return Derivation(
        title="Whether the effective rate ever grows",
        statement=statement,
        assumptions=_premises(found),
        steps=steps,
        result=found.rate,
        names={**names_of(rule), LATER: "g[t+1]"},
        quantities={"rate": found.rate},
        experiments=experiments,
    )


def _premises(found: EffectiveRate) -> tuple[str, ...]:
    return (*found.proper[1], *(f"`{n} = 0`" for n in found.removed))


def _step_of_proof(found: EffectiveRate) -> Step:
    """The rate after another step, with any gradient, is at most the rate, from any states that can be."""
    proper, _ = found.proper
    if {*found.behind} & symbols(found.rate):  # a state from before the step: look at two steps from there
        now = found.of_history({n: Symbol(n) for n in found.behind}, Symbol("g"), T)
        middle = _stepped(found, {n: Symbol(n) for n in found.behind}, Symbol("g"), T)
    else:
        now, middle = found.rate, {n: Symbol(after(n)) for n in found.behind}
    later = found.of_history(middle, Symbol(LATER), T + 1)
    own = {**proper.domains}
    return holds(apply("le", later, now), given=Assumptions(own),
                 why="one step later, with any gradient, the rate is at most as large")  # fmt: skip


def _stepped(found: EffectiveRate, states: dict[str, Expr], gradient: Expr, count: Expr) -> dict[str, Expr]:
    values = {**states, "g": gradient, "t": count}
    return dict(zip(found.behind, substitute([found.rule.step[n] for n in found.behind], values), strict=True))


def _growing(found: EffectiveRate) -> Iterator[tuple[Verdict, Step, tuple[Experiment, ...]]]:
    """Runs on which the rate certainly grows: the verdict, the step that says so, and the run to be made."""
    values = settings(found)
    for numbers in RUNS:
        gradients = tuple(Fraction(g) for g in numbers)
        rates = rates_of_run(found, values, gradients).rates
        for place in range(1, len(rates)):
            before, now = rates[place - 1], rates[place]
            claim = ((apply("where", apply("le", now, before), 1, 0), Number(1)),)
            verdict = identity(claim, Assumptions())
            if verdict.status != "refuted":
                continue
            run = ", ".join(map(str, gradients[: place + 1]))
            where = ", ".join(f"{n} = {v}" for n, v in values.items())
            said = f"with gradients {run} the rate grows at step {place + 1}, where {where}"
            step = holds(apply("gt", now, before), given=Assumptions(), why=said)
            run_of = _runs(found, values, gradients, {place: before, place + 1: now})
            if step.verdict and run_of:
                yield replace(verdict, message=said), step, run_of
                return


def _runs(
    found: EffectiveRate, values: dict[str, Fraction], gradients: tuple[Fraction, ...], rates: dict[int, Expr]
) -> tuple[Experiment, ...]:
    """The two rates, as the states have them, and as the step over its direction where that is not zero."""
    hypers = {**values, **{n: Fraction(0) for n in found.removed}}
    foretold = decimals(dict(zip(rates, enclosed(rates.values(), {}), strict=True)))
    if foretold is None:
        return ()
    what = "the rate along a run on which it grows"
    return (
        Experiment(f"{what}, in its states", watched(found, found.rate), foretold, gradients, hypers),
        *measured(found, what, rates, gradients, hypers),
    )


def _beside_before(found: EffectiveRate) -> tuple[Experiment, ...]:
    """Under gradients that get smaller and smaller each rate is at most the one before."""
    values = plain_values(found.rule, found.removed)
    rates = rates_of_run(found, values, FALLING).rates
    return measured(found, "the rate beside that of the step before", dict(enumerate(rates[:-1], start=2)), FALLING,
                    values, "≤")  # fmt: skip
