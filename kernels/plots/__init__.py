"""Figures of what is derived and of what the kernels do, one function each; every one returns a Matplotlib figure."""

from kernels.plots.averages import bias_correction, frequency_response, weight_profile
from kernels.plots.bounds import step_bound_map
from kernels.plots.maps import bands, basins, picture, stability_map
from kernels.plots.precision import precision_staircase
from kernels.plots.runs import effective_rates, trajectories
from kernels.plots.sensitivity import sensitivity
from kernels.plots.stability import stability_region

__all__ = [
    "bands", "basins", "bias_correction", "effective_rates", "frequency_response", "picture", "precision_staircase",
    "sensitivity", "stability_map", "stability_region", "step_bound_map", "trajectories", "weight_profile",
]  # fmt: skip
