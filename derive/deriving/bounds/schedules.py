"""Powers of t that the prover has no form for: each gets a name that stands for any number it can be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.deriving.linear import given
from derive.expr import Apply, Expr, Number, Symbol, fold, symbols
from derive.proving import identity
from derive.proving.obligations import nonnegative
from derive.rule import POSITIVE, Domain, Hyperparameter, Rule

AT_MOST_ONE = Domain(Fraction(0), Fraction(1), low_open=True)


def named_schedules(rule: Rule) -> tuple[Rule, dict[str, Expr]]:
    """The rule with every number^(formula of t and hyperparameters) as a hyperparameter of its own, and their meanings.

    Such a hyperparameter changes from step to step: what follows from it holds at one t.
    """
    meanings: dict[Expr, str] = {}
    known = {"t", *rule.hyperparameter_names}

    def named(node: Apply, args: tuple[Expr, ...]) -> Expr:
        again = node if args == node.args else Apply(node.op, args)
        if again.op != "pow" or not isinstance(again.args[0], Number) or isinstance(again.args[1], Number):
            return again
        if again.args[0].value <= 0 or not "t" in symbols(again) <= known or again.args[1] is Symbol("t"):
            return again
        return Symbol(meanings.setdefault(again, f"#s{len(meanings)}"))

    body = []
    for line in rule.body:
        [value] = fold([line.value], symbol=lambda s: s, number=lambda n: n, apply=named)
        body.append(replace(line, value=value))
    if not meanings:
        return rule, {}
    more = tuple(Hyperparameter(name, None, _range(rule, node)) for node, name in meanings.items())
    made = replace(rule, body=tuple(body), hyperparameters=(*rule.hyperparameters, *more))
    return made, {name: node for node, name in meanings.items()}


def _range(rule: Rule, node: Expr) -> Domain:
    """(0, 1] for a base below one and an exponent that is not negative."""
    assert isinstance(node, Apply)
    base, exponent = node.args
    assert isinstance(base, Number)
    shrinks = base.value <= 1 and identity([nonnegative(exponent)], given(rule))
    return AT_MOST_ONE if shrinks else POSITIVE
