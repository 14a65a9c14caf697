"""States that no coordinate enters: one number for a whole tensor, as a product of decays is."""

from __future__ import annotations

from derive.expr import is_uniform
from derive.rule import Rule


def uniform_states(rule: Rule) -> tuple[str, ...]:
    """The states made of hyperparameters, t, norms and one another alone, from their start on."""
    names = {s.name for s in rule.states if is_uniform(s.initial, rule.uniform)}
    while True:
        stay = {n for n in names if is_uniform(rule.step[n], rule.uniform | names)}
        if stay == names:
            return tuple(n for n in rule.state_names if n in names)
        names = stay
