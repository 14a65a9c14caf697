"""Linear rules completely: transfer functions decide under which hyperparameters two of them show the same."""

from derive.linear.modes import HiddenMode, hidden_modes
from derive.linear.relate import relate
from derive.linear.relation import Branch, LinearRelation, Root
from derive.linear.system import LinearSystem, linear_system

__all__ = [
    "Branch",
    "HiddenMode",
    "LinearRelation",
    "LinearSystem",
    "Root",
    "hidden_modes",
    "linear_system",
    "relate",
]
