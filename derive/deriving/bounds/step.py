"""The largest step a rule can make, over all gradients, by the first way that fits its structure."""

from __future__ import annotations

from functools import lru_cache

from derive.deriving.bounds.cascade import cascade_bound
from derive.deriving.bounds.centred import centred_bound
from derive.deriving.bounds.normalised import step_bound_of
from derive.deriving.bounds.pointwise import bounded_step, unbounded_step
from derive.deriving.bounds.running import running_bound
from derive.deriving.bounds.structure import normalised_step
from derive.deriving.coordinatewise import coordinatewise
from derive.deriving.derivation import Derivation
from derive.rule import Rule


@lru_cache(maxsize=64)
@coordinatewise
def step_bound(rule: Rule) -> Derivation | None:
    """The supremum of |theta[t] - theta[t-1]| over the learning rate, over all gradients, at every t and in the limit.

    The decay of the parameter is left out: what it adds is bounded apart. Quantities: `step_bound` (in t),
    `step_bound_limit`, `step_bound_finite` (the condition under which it stays finite), `step_bound_gradient` (the
    attaining gradient of k steps ago), and `step_bound_at_least` where only bounds from both sides are known.
    None where the step has another structure, or a step to the bound is not proved.
    """
    if rule.is_average:
        return None
    step = normalised_step(rule)
    if step is not None:
        found = running_bound(rule, step) if step.norm.kind == "running maximum" else step_bound_of(rule, step)
    else:
        found = bounded_step(rule) or cascade_bound(rule) or centred_bound(rule) or unbounded_step(rule)
    return found if found is not None and found.holds else None
