"""Many trajectories: a rule on a problem for a grid of hyperparameters and starting points, in one compiled kernel."""

from kernels.grids.problems import Problem, custom, logistic, quadratic, rosenbrock
from kernels.grids.result import Trajectories, load
from kernels.grids.run import trajectories

__all__ = ["Problem", "Trajectories", "custom", "load", "logistic", "quadratic", "rosenbrock", "trajectories"]
