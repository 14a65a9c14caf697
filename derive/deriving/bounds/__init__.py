"""Exact bounds of a step over all gradients, with the gradients that attain them."""

from derive.deriving.bounds.exceeding import Exceeded, exceeding
from derive.deriving.bounds.noisy import noise_step
from derive.deriving.bounds.step import step_bound
from derive.deriving.bounds.values import bound_at, bound_map, step_within

__all__ = ["Exceeded", "bound_at", "bound_map", "exceeding", "noise_step", "step_bound", "step_within"]
