"""The lines of a rule as formulas in what the named states are after the step."""

from __future__ import annotations

from collections.abc import Collection

from derive.expr import Expr, Symbol, substitute
from derive.rule import Rule


def assigned(rule: Rule, states: Collection[str]) -> tuple[tuple[str, Expr], ...]:
    """Every line's name and value, the named states after the step being written NAME[t].

    A state that is used before its last assignment is there as its value before the step.
    """
    last = {assignment.target: index for index, assignment in enumerate(rule.body)}
    values: dict[str, Expr] = {}
    found: list[tuple[str, Expr]] = []
    for index, assignment in enumerate(rule.body):
        name = assignment.target
        [value] = substitute([assignment.value], values)
        found.append((name, value))
        values[name] = Symbol(f"{name}[t]") if name in states and last[name] == index else value
    return tuple(found)
