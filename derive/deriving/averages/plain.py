"""Expressions written more plainly: what only numbers make is worked out, zeros and ones go."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.evaluate import exact
from derive.expr import Apply, Expr, Number, fold, to_text
from derive.proving import Assumptions, identity

ZERO, ONE = Number(0), Number(1)


def plain(expr: Expr) -> Expr:
    """The expression without sums with zero, products with zero or one, and operations on numbers alone.

    A proposal, no proof: what is left out may have been undefined.
    """
    return fold([expr], symbol=lambda s: s, number=lambda n: n, apply=plainly)[0]


def plainly(node: Apply, args: tuple[Expr, ...]) -> Expr:
    """The operation of a node on these arguments, plainly."""
    made = node if args == node.args else Apply(node.op, args)
    if all(isinstance(arg, Number) for arg in args):
        [value] = exact([made], {})
        return Number(value) if type(value) is Fraction else made
    if node.op == "mul" and ZERO in args:
        return ZERO
    if node.op == "where" and args[1] is args[2]:
        return args[1]
    left_out = {"add": (ZERO, ZERO), "mul": (ONE, ONE), "sub": (None, ZERO), "div": (None, ONE)}.get(node.op)
    for place, nothing in enumerate(left_out or ()):
        if args[place] is nothing:
            return args[1 - place]
    return made


def simplest(expr: Expr, assumed: Assumptions, *others: Expr) -> Expr:
    """The shortest way to write the expression, of those proved to be the same everywhere."""
    forms = [form for each in (expr, *others) for form in (each, plain(each), readable(each, assumed))]
    same = [form for form in dict.fromkeys(forms) if form is expr or identity([(expr, form)], assumed)]
    return min(same, key=lambda form: len(to_text(form)))
