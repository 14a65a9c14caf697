"""A rule without its weight decay: the hyperparameter whose zero frees the step from the parameter."""

from __future__ import annotations

from fractions import Fraction

from derive.algebra.normal import readable
from derive.deriving.linear import given
from derive.evaluate import enclosed
from derive.expr import Apply, Expr, Number, Symbol, symbols
from derive.ops import Undefined
from derive.rule import Rule
from derive.transforms import bind


def movement(rule: Rule, after: Expr | None = None) -> Expr:
    """theta[t-1] - theta[t], theta itself cancelled where the step subtracts from it; `after` is theta[t]."""
    after = rule.step["theta"] if after is None else after
    change = _change(after)
    return Symbol("theta") - after if change is None else negative(change)


def _change(expr: Expr) -> Expr | None:
    """What is added to a theta that stands alone in a sum; None where it does not."""
    if expr is Symbol("theta"):
        return Number(0)
    if not isinstance(expr, Apply) or expr.op not in ("add", "sub"):
        return None
    left, right = expr.args
    first = _change(left)
    if first is not None:
        other = right if expr.op == "add" else negative(right)
        return other if first is Number(0) else Apply(expr.op, (first, right))
    last = _change(right) if expr.op == "add" else None
    return None if last is None else left if last is Number(0) else left + last


def negative(expr: Expr) -> Expr:
    """-expr, without two signs in a row."""
    if isinstance(expr, Apply) and expr.op == "neg":
        return expr.args[0]
    if isinstance(expr, Apply) and expr.op in ("add", "sub") and _is_negated(expr.args[0]):
        left, right = expr.args
        return Apply("sub" if expr.op == "add" else "add", (negative(left), right))
    return -expr


def _is_negated(expr: Expr) -> bool:
    """Whether the first term of a sum has a sign in front."""
    while isinstance(expr, Apply) and expr.op in ("add", "sub"):
        expr = expr.args[0]
    return isinstance(expr, Apply) and expr.op == "neg"


def without_decay(rule: Rule) -> tuple[Rule, tuple[str, ...]] | None:
    """The rule, where need be with one hyperparameter set to zero, so that theta does not enter its own step.

    None where nothing of the kind frees the step from theta.
    """
    if rule.is_average or not _uses_theta(rule):
        return rule, ()
    for name in may_vanish(rule):
        bound = bind(rule, {name: Number(0)})
        if not _uses_theta(bound) and readable(movement(bound), given(bound)) is not Number(0):
            return bound, (name,)
    return None


def _uses_theta(rule: Rule) -> bool:
    """Whether theta is read by the step or kept by a state."""
    read = [movement(rule), *(rule.step[n] for n in rule.state_names)]
    held = [s.initial for s in rule.states]
    if "theta" not in symbols(*read, *held):
        return False
    return "theta" in symbols(*(readable(e, given(rule)) for e in read if "theta" in symbols(e)), *held)


def may_vanish(rule: Rule) -> tuple[str, ...]:
    """The hyperparameters that can be zero."""
    return tuple(h.name for h in rule.hyperparameters if Fraction(0) in h.domain)


def undefined_at_zero(rule: Rule, *formulas: Expr) -> tuple[str, ...]:
    """Those of them whose zero leaves one of the formulas without a value, wherever the others are."""
    found = []
    for name in may_vanish(rule):
        values = {**dict.fromkeys(symbols(*formulas), Fraction(1, 2)), name: Fraction(0)}
        if any(isinstance(value, Undefined) for value in enclosed(formulas, values)):
            found.append(name)
    return tuple(found)
