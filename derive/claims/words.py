"""What the entries of the ledger share: rules as on the command line, rules as text, rules with values."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from derive.expr import Number, Symbol
from derive.library.lookup import find_rule
from derive.proving import Verdict
from derive.reading.read import read_text
from derive.relating import prove
from derive.relating.where import read_where
from derive.rule import Rule
from derive.stating.quantities import Operand, Statement
from derive.transforms import bind


def same(a: Rule | str, b: Rule | str, where: str = "") -> Verdict:
    """The verdict on two rules, given as on the command line."""
    left, right = (find_rule(r) if isinstance(r, str) else r for r in (a, b))
    given = read_where((where,) if where else (), left, right)
    return prove(left, right, states=given.states, hyperparameters=given.hyperparameters, condition=given.condition)


def set_to(rule: Rule | str, **values: str | int) -> Rule:
    """The rule with some hyperparameters fixed, or made equal to another: `set_to("qhm", nu="beta")`."""
    found = find_rule(rule) if isinstance(rule, str) else rule
    names = found.hyperparameter_names
    return bind(found, {n: Symbol(str(v)) if v in names else Number(Fraction(v)) for n, v in values.items()})


def written(text: str) -> Rule:
    """A rule somebody uses that the library does not have: its only function."""
    name = text.partition("def ")[2].partition("(")[0]
    return read_text(text, name)


def every(*verdicts: Verdict) -> Verdict:
    """The first of these that is not proved, or the last."""
    return next((verdict for verdict in verdicts if not verdict), verdicts[-1])


def about(value: Any, number: Operand, within: Operand) -> Statement:
    """That a value is a number, but for less than a difference."""
    statement: Statement = abs(value - number) < within
    return statement
