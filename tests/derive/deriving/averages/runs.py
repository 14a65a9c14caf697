"""Exact runs of rules, and formulas at numbers: what the derived formulas are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from derive.evaluate import exact, trajectory
from derive.expr import Expr, symbols
from derive.rule import Rule


def at(expr: Expr, values: Mapping[str, Fraction | int]) -> Fraction:
    """The exact value of a formula."""
    [value] = exact([expr], {n: Fraction(values[n]) for n in symbols(expr)})
    assert isinstance(value, Fraction), value
    return value


def held(rule: Rule, name: str, inputs: Sequence[Fraction | int], **values: Fraction) -> list[Fraction]:
    """What a state holds after each step."""
    return [step[name] for step in trajectory(rule, values, 0, list(inputs))]


def response(rule: Rule, name: str, at_step: int, steps: int, **values: Fraction) -> list[Fraction]:
    """What a state holds after each step where the only input is one, at this step: its weight."""
    return held(rule, name, [int(t == at_step) for t in range(1, steps + 1)], **values)
