"""Checked kernels for optimizer rules: `from kernels import compile`."""

from kernels.driver import compile

__all__ = ["compile"]
