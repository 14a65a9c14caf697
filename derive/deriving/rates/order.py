"""Whether one rule's effective rate is never below another's, whatever gradients both are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from derive.deriving.rates.compare import compare_rates
from derive.deriving.rates.factor import factored_step
from derive.deriving.rates.runs import rates_of_run, settings
from derive.expr import Apply, Number, apply
from derive.proving import Assumptions, Verdict, identity
from derive.rule import Rule

RUNS = ((1, 1, 1), (1, 0, 0), (2, 1, 1), (1, 2, 4))


def rate_at_least(a: Rule, b: Rule) -> Verdict:
    """Whether the rate of `a` is at least that of `b` on the same gradients, hyperparameters of one name being equal.

    Constants under the fraction bars are positive. `refuted` with a run on which it is certainly below; `unknown`
    where the steps have no such rates, or nothing is decided.
    """
    for verdict in (*_claimed(a, b, "ge"), *_claimed(b, a, "le"), *_below(a, b)):
        return verdict
    return Verdict("unknown", message="no proof, and no run on which it is below")


def _claimed(a: Rule, b: Rule, relation: str) -> Iterator[Verdict]:
    """The comparison of the two rates, from the derivation that has it."""
    found = compare_rates(a, b)
    if found is None or not found.holds:
        return
    rates = [step.chain[0] for step in found.steps[:2]]
    for step in found.steps:
        claim = step.chain[0]
        if step.verdict and isinstance(claim, Apply) and claim.op == relation and list(claim.args) == rates:
            sides = (a.name, b.name) if relation == "ge" else (b.name, a.name)
            said = f"the rate of {sides[0]} is at least that of {sides[1]} at every step"
            yield replace(step.verdict, message=said, assumptions=(*step.verdict.assumptions, *found.assumptions))


def _below(a: Rule, b: Rule) -> Iterator[Verdict]:
    """Runs with plain numbers on which the rate of `a` is certainly below."""
    one, other = factored_step(a), factored_step(b)
    if one is None or other is None:
        return
    values = {**settings(other), **settings(one)}
    for numbers in RUNS:
        gradients = tuple(Fraction(g) for g in numbers)
        sides = [
            rates_of_run(s, {n: values[n] for n in s.rule.hyperparameter_names}, gradients).rates for s in (one, other)
        ]
        for t, (mine, yours) in enumerate(zip(*sides, strict=True), start=1):
            claim = ((apply("where", apply("ge", mine, yours), 1, 0), Number(1)),)
            verdict = identity(claim, Assumptions())
            if verdict.status == "refuted":
                run = ", ".join(map(str, gradients[:t]))
                where = ", ".join(f"{n} = {v}" for n, v in values.items())
                said = f"with gradients {run} the rate of {a.name} is below that of {b.name} at step {t}, where {where}"
                yield replace(verdict, message=said)
