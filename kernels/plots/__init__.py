"""Figures of what is derived and of what the kernels do, one function each; every one returns a Matplotlib figure."""

from kernels.plots.runs import effective_rates, trajectories

__all__ = ["effective_rates", "trajectories"]
