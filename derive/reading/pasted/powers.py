"""States that only gather powers: what starts at 1 and is multiplied by beta at each step is beta**t.

self.b1_t *= self.b1                    beta1_power = beta1, and after the step beta1_power *= beta1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derive.expr import Expr, Number, Symbol, apply, substitute, symbols
from derive.rule import Assignment, Rule, State


def with_powers(rule: Rule) -> Rule:
    """The rule with each such state written in the step counter."""
    for state in rule.states:
        base, at = _gathered(rule, state)
        if base is None:
            continue
        now = apply("pow", base, Symbol("t"))
        before, after = (None, now) if state.initial is Number(1) else (now, apply("mul", base, now))
        if before is None and any(state.name in symbols(a.value) for a in rule.body[:at]):
            continue  # 0**0: before the first product it is 1 even where beta is 0
        rule = replace(
            rule,
            inputs=rule.inputs if "t" in rule.inputs else (*rule.inputs, "t"),
            states=tuple(s for s in rule.states if s is not state),
            body=(*_written(rule.body[:at], state, before), *_written(rule.body[at + 1 :], state, after)),
        )
    return rule


def _gathered(rule: Rule, state: State) -> tuple[Expr | None, int]:
    """The hyperparameter whose powers a state gathers, and the line that does it; None where it is another state."""
    stores = [i for i, a in enumerate(rule.body) if a.target == state.name]
    points = [point for point in (rule.query, *(p for _, p in rule.asked)) if point is not None]
    asked = state.name in symbols(*points)
    if len(stores) == 1 and not asked and state.name not in rule.outputs:
        for name in rule.hyperparameter_names:
            base, value = Symbol(name), rule.body[stores[0]].value
            products = (apply("mul", Symbol(state.name), base), apply("mul", base, Symbol(state.name)))
            if value in products and (state.initial is Number(1) or state.initial is base):
                return base, stores[0]
    return None, 0


def _written(lines: Sequence[Assignment], state: State, value: Expr | None) -> list[Assignment]:
    if value is None:
        return list(lines)
    return [replace(a, value=substitute([a.value], {state.name: value})[0]) for a in lines]
