"""Rules made from rules: some hyperparameters set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from derive.expr import Expr, Symbol, substitute
from derive.rule import Assignment, Rule, State


def bind(rule: Rule, values: Mapping[str, Expr]) -> Rule:
    """The rule with these hyperparameters set to expressions in its others, and no longer hyperparameters."""
    here = {n: e for n, e in values.items() if n in rule.hyperparameter_names}
    if not here:
        return rule
    return replace(
        rule,
        hyperparameters=tuple(h for h in rule.hyperparameters if h.name not in here),
        # Set first, so that a body that assigns such a name again still means its own.
        body=(*(Assignment(n, e) for n, e in here.items()), *rule.body),
        states=tuple(State(s.name, substitute([s.initial], here)[0]) for s in rule.states),
        query=None if rule.query is None else substitute([rule.query], here)[0],
        asked=tuple((name, substitute([point], here)[0]) for name, point in rule.asked),
    )


def with_hyperparameters_of(rule: Rule, other: Rule) -> Rule:
    """The rule with the hyperparameters that only the other has, which play no part in it."""
    known = {*rule.hyperparameter_names}
    return replace(
        rule, hyperparameters=(*rule.hyperparameters, *(h for h in other.hyperparameters if h.name not in known))
    )


def with_names(rule: Rule, names: Mapping[str, str]) -> Rule:
    """The rule with hyperparameters called otherwise; the new names must not be in use."""
    if not names:
        return rule
    new = {old: Symbol(name) for old, name in names.items()}
    return replace(
        rule,
        hyperparameters=tuple(replace(h, name=names.get(h.name, h.name)) for h in rule.hyperparameters),
        states=tuple(State(s.name, substitute([s.initial], new)[0]) for s in rule.states),
        body=tuple(replace(a, value=substitute([a.value], new)[0]) for a in rule.body),
        query=None if rule.query is None else substitute([rule.query], new)[0],
        asked=tuple((name, substitute([point], new)[0]) for name, point in rule.asked),
    )
