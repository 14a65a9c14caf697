"""Exact bounds of a step over all gradients, with the gradients that attain them."""

from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.values import Exceeded, bound_at, bound_map, exceeding, step_within

__all__ = ["Exceeded", "bound_at", "bound_map", "exceeding", "step_bound", "step_within"]
