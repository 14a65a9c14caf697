"""From emitted source to something that can be launched: compiled for the card at hand, or simulated."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from derive.ops import OPS
from kernels.cuda.machine import machine, numba_cuda, refuse_no_compiler, simulated
from kernels.cuda.ptx import refuse_loose
from kernels.program import Program
from kernels.running.load import module_from_text


def load(name: str, path: str, source: str, program: Program) -> Callable[..., Any]:
    """`launch` of the source, everything behind it compiled."""
    machine()
    module = _module(name, path, source, program)
    if simulated():
        vars(module).update(_STAND_INS)
        return module.launch  # type: ignore[no-any-return]
    refuse_no_compiler()
    inner, types = _inner(program), _types(module, program)
    # Without link-time optimisation, so that the PTX looked at is the one that runs.
    compiled = machine().jit(types, fastmath=False, lto=False)(getattr(module, inner).py_func)
    refuse_loose(compiled.inspect_asm(types), program)
    setattr(module, inner, compiled)
    return module.launch  # type: ignore[no-any-return]


def ptx_of(name: str, path: str, source: str, program: Program, capability: tuple[int, int]) -> str:
    """The PTX for a card of some compute capability; NVVM makes it, and no card is needed."""
    refuse_no_compiler()
    module = _module(name, path, source, program)
    kernel = getattr(module, _inner(program)).py_func
    text, _ = numba_cuda().compile_ptx(kernel, _types(module, program), cc=capability, fastmath=False)
    return str(text)


def _inner(program: Program) -> str:
    """What runs on the card."""
    return "measure" if program.measures else "span"


def _module(name: str, path: str, source: str, program: Program) -> Any:
    """The module, its prelude compiled for the processor."""
    numba_cuda()
    module = module_from_text(name, path, source)
    module.prelude.compile((numba.types.float64,) * len(program.parameters))
    module.prelude.disable_compile()
    return module


def _types(module: Any, program: Program) -> tuple[Any, ...]:
    """The types of what is launched: contiguous arrays, sums of squares, and the scalars as the prelude makes them."""
    from numba.cuda import types

    array = types.Array(getattr(types, program.dtype), 1, "C")
    sums = [types.Array(types.float64, 2, "C")] if program.measures else []
    handed = [getattr(types, _name(t)) for t in module.prelude.nopython_signatures[0].return_type]
    return (*[array] * len(program.arrays), *sums, *handed)


def _name(made: Any) -> str:
    return "boolean" if made == numba.types.boolean else str(made)


def _math() -> SimpleNamespace:
    """What `math` is on a card: functions that keep the element type, and answer NaN and infinity without an error."""
    functions = {row.numba.removeprefix("math.").split("(")[0]: getattr(np, row.numpy)
                 for row in OPS.values() if row.numba.startswith("math.")}  # fmt: skip
    return SimpleNamespace(**functions, inf=math.inf, nan=math.nan)


# In the simulator, where the intrinsics of libdevice are names without a meaning; NumPy rounds each operation once.
_STAND_INS = {"math": _math(), "fmul_rn": np.multiply, "dmul_rn": np.multiply}
