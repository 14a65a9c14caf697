"""The floor of a step's time: the same memory read and written by the same threads, with next to no arithmetic."""

from __future__ import annotations

from fractions import Fraction

from derive.expr import Expr, Number, Symbol, apply
from derive.rule import Assignment, Hyperparameter, Rule, State
from kernels.lower import output_array
from kernels.pipeline import programs


def streams(rule: Rule) -> Rule:
    """A rule that reads every array that the step of `rule` reads, and writes every array that it writes.

    What is written is what stood there, if that is read, and `scale` times what is only read; so a step costs an
    addition and a product for every array that is written. Passes that measure norms are not counted; see
    `reads_gradients_first`.
    """
    program = programs(rule, "float32").final
    out = output_array(rule)
    named = {a: "output" if rule.is_average and a == out else a for a in program.arrays}
    scaled = [apply("mul", Symbol("scale"), Symbol(a)) for a in program.loads if a not in program.stored]
    body = []
    for array in program.stored:
        terms: list[Expr] = [Symbol(array)] if array in program.loads else []
        value, *others = [*terms, *scaled] or [Symbol("scale")]
        for other in others:
            value = apply("add", value, other)
        body.append(Assignment(named[array], value))
    return Rule(
        f"streams_of_{rule.name}",
        tuple(name for name in rule.inputs if name != "t"),
        (Hyperparameter("scale", Fraction(0)),),
        tuple(State(s.name, Number(Fraction(0))) for s in rule.states),
        tuple(body),
        rule.outputs,
    )


def reads_gradients_first(rule: Rule) -> bool:
    """Whether a pass before the step reads the gradient and nothing else, as a guarded step does."""
    return bool(rule.norms) and programs(rule, "float32", "norms").final.loads == ("g",)
