"""Statements about rules: formulas derived from them, compared, and decided.

from derive.stating import decide, find, t, weights
ewma = find("ewma")
decide(weights(ewma.m).weight_sum == 1 - ewma.beta**t)
"""

from derive.library.lookup import as_rule as find
from derive.stating.deciding import decide, using
from derive.stating.expecting import expected
from derive.stating.extremes import largest, onset, smallest
from derive.stating.iterating import iterated
from derive.stating.limits import limit
from derive.stating.precision import held, rounded, threshold
from derive.stating.properties import (
    constant_step,
    convex_cycle,
    correction_multiplier,
    cycle,
    decayed_range,
    decoupled_decay,
    effective_lr,
    effective_rate,
    first_step,
    invariant,
    large_constant,
    lone_gradient,
    never_increases,
    rate_at_least,
    rate_ratio,
    stability_of,
    stable_region,
    stationary_variance,
    step_bound,
    step_within,
    travel,
)
from derive.stating.quantities import Quantity, Statement
from derive.stating.runs import Run, run
from derive.stating.vocabulary import (
    Buffer,
    any_number,
    cos,
    derived,
    exp,
    k,
    log,
    maximum,
    minimum,
    piecewise,
    sqrt,
    t,
    weights,
    where,
)

__all__ = [
    "Buffer", "Quantity", "Run", "Statement", "any_number", "constant_step", "convex_cycle",
    "correction_multiplier", "cos", "cycle", "decayed_range", "decide", "decoupled_decay", "derived",
    "effective_lr", "effective_rate", "exp", "expected", "find", "first_step", "held", "invariant", "iterated", "k",
    "large_constant", "largest", "limit", "log", "lone_gradient", "maximum", "minimum", "never_increases", "onset",
    "piecewise", "rate_at_least", "rate_ratio", "rounded", "run", "smallest", "sqrt", "stability_of",
    "stable_region", "stationary_variance", "step_bound", "step_within", "t", "threshold", "travel", "using",
    "weights", "where",
]  # fmt: skip
