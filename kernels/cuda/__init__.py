"""Kernels for CUDA cards, from the same programs: `kernels.cuda.compile(rule)`. Needs numba-cuda where it runs."""

from kernels.cuda.driver import compile

__all__ = ["compile"]
