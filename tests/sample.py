"""A sample of the library, chosen by structure: tests that take long for each rule run over it.

A rule is in it that has something no rule before it has: an operation, a number of states or hyperparameters, a start,
a question of its own, a use of the step counter. `derive verify` puts every rule through the same stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derive.expr import Apply, Number, nodes, symbols
from derive.library import LIBRARY
from derive.rule import Rule


def features(rule: Rule) -> Iterator[object]:
    """What a rule is made of."""
    yield from (node.op for node in nodes(rule.step.values()) if isinstance(node, Apply))
    yield ("states", len(rule.states))
    yield ("hyperparameters", len(rule.hyperparameters))
    yield ("average", rule.is_average)
    yield ("query", rule.query is not None)
    yield ("counter", "t" in symbols(*rule.step.values()))
    yield from (("start", isinstance(state.initial, Number)) for state in rule.states)


def sampled(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Each rule that has a feature no rule before it has."""
    seen: set[object] = set()
    kept = []
    for rule in rules:
        if not seen.issuperset(features(rule)):
            kept.append(rule)
            seen.update(features(rule))
    return tuple(kept)


SAMPLE = sampled(LIBRARY)
