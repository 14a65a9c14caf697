"""Checked kernels for optimizer rules: `from kernels import compile`; averages of data: `kernels.ewma(series)`; many
runs of a rule on a problem: `kernels.trajectories(rule, problem, grid=...)`."""

from kernels import averages, grids
from kernels.averages import ewma
from kernels.driver import compile
from kernels.grids import trajectories

__all__ = ["averages", "compile", "ewma", "grids", "trajectories"]
