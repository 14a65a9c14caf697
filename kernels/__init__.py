"""Checked kernels for optimizer rules: `from kernels import compile`; averages of data: `kernels.ewma(series)`."""

from kernels import averages
from kernels.averages import ewma
from kernels.driver import compile

__all__ = ["averages", "compile", "ewma"]
