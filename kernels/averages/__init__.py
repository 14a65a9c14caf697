"""Averages over data: any rule of `x` and `output`, run along an axis; `ewma` and `variance` are such rules."""

from kernels.averages.data import ewma, mean, over, variance

__all__ = ["ewma", "mean", "over", "variance"]
