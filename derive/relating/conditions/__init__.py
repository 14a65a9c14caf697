"""Under which settings of their hyperparameters two rules that differ agree all the same."""

from derive.relating.conditions.candidates import MOST_AT_ONCE
from derive.relating.conditions.found import Conditions, conditions, exactness, is_degenerate

__all__ = ["MOST_AT_ONCE", "Conditions", "conditions", "exactness", "is_degenerate"]
