"""An average that answers only once it has seen enough values."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.expr import Number, Symbol, apply
from derive.rule import Assignment, Domain, Hyperparameter, Rule, State
from kernels.program import fresh

COUNT = Domain(low=Fraction(1), whole=True)


def answering_from(rule: Rule) -> Rule:
    """The rule with one more state, which counts the values that are not missing, and one more hyperparameter,
    `least`: before there are so many, the output is undefined, 0/0."""
    taken = {*rule.inputs, *rule.outputs, *rule.state_names, *rule.hyperparameter_names, *(a.target for a in rule.body)}
    count, x = Symbol(fresh("count", taken)), Symbol(rule.inputs[0])
    least = Symbol(fresh("least", taken))
    here = apply("eq", x - x, Number(0))
    output = Symbol("output")
    undefined = apply("div", Number(0), Number(0))
    body = (
        Assignment(count.name, apply("where", here, count + 1, count)),
        *rule.body,
        Assignment("output", apply("where", apply("ge", count, least), output, undefined)),
    )
    return replace(
        rule,
        name=f"{rule.name}_from_least",
        hyperparameters=(*rule.hyperparameters, Hyperparameter(least.name, Fraction(1), COUNT)),
        states=(*rule.states, State(count.name, Number(0))),
        body=body,
    )
