"""Words for what a formula does over all steps: its largest value, and from which step on a statement always holds."""

from __future__ import annotations

from derive.deriving import extremes
from derive.errors import UserError
from derive.expr import Expr, Number, Symbol, apply, symbols
from derive.rule import COUNTER
from derive.stating.closing import closed
from derive.stating.quantities import Basis, Quantity, Statement, quantity, written


def largest(value: Quantity, variable: str = "t") -> Quantity:
    """The largest value over all steps from 1 on, proved; `.step` is where it is attained."""
    return _extreme(value, variable, "largest")


def smallest(value: Quantity, variable: str = "t") -> Quantity:
    """The smallest value over all steps from 1 on, proved; `.step` is where it is attained."""
    return _extreme(value, variable, "smallest")


def onset(statement: Statement, variable: str = "t") -> Quantity:
    """The first step from which on the statement always holds; at the step before it fails. Both are proved."""
    _refuse_others(statement.condition, variable, statement.basis)
    condition = statement.condition
    for premise in reversed(statement.premises):
        condition = apply("or", apply("not", premise), condition)
    found = extremes.onset(condition, {}, variable)
    if found is None:
        raise UserError(f"no step is found from which on {statement!r} holds", fix="take a statement with one")
    own = closed(statement.basis, variable)
    basis = Basis({}, own.derivations, (*own.verdicts, found.verdict), own.needs)
    return Quantity(Number(found.at), basis, short=_called("onset", statement.shown))


def _extreme(value: Quantity, variable: str, word: str) -> Quantity:
    given = quantity(value)
    _refuse_others(given.expr, variable, given.basis)
    found = (extremes.largest if word == "largest" else extremes.smallest)(given.expr, {}, variable)
    if found is None:
        raise UserError(f"no {word} value of {given} is proved", fix="take a formula that has one at a whole step")
    own = closed(given.basis, variable)
    basis = Basis({}, own.derivations, (*own.verdicts, *found.verdicts), own.needs)
    step = Quantity(Number(found.at), basis, short=_called(f"step of the {word}", given.shown))
    return Quantity(found.value, basis, {"step": step}, short=_called(word, given.shown))


def _called(word: str, what: Expr) -> Symbol:
    return Symbol(f"{word}({written(what)})")


def _refuse_others(expr: Expr, variable: str, basis: Basis) -> None:
    others = sorted(symbols(expr) - {variable})
    if others:
        raise UserError(f"{', '.join(others)} has no value", fix="give it with .at(...)")
    if variable not in symbols(expr):
        raise UserError(f"the formula has no {variable!r}", fix="name another variable")
    if basis.domains.get(variable) != COUNTER:
        raise UserError(f"{variable} does not count from 1", fix='take t, or any_number("n", "whole")')
