"""The machine for CUDA: Numba-CUDA, and a card or the simulator; and what a kernel is launched with there."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from derive.errors import UserError

THREADS = 256  # of a block
BLOCKS = 32  # for each multiprocessor: several times what it holds at once, so that the last ones end together
SIMULATED_THREADS, SIMULATED_BLOCKS = 2, 3  # the simulator makes a thread of Python for each


def numba_cuda() -> Any:
    """The module `numba.cuda`. Raises UserError where Numba-CUDA is not installed."""
    if importlib.util.find_spec("numba_cuda") is None:
        raise UserError("numba-cuda is not installed", where="kernels.cuda", fix="install derive-kernels[cuda]")
    try:
        from numba import cuda
    except ImportError as missing:
        reason = str(missing).splitlines()[0]
        raise UserError(f"numba-cuda cannot be imported: {reason}", where="kernels.cuda",
                        fix="install numba-cuda[cu12] or numba-cuda[cu13], as the driver is") from missing  # fmt: skip
    return cuda


def simulated() -> bool:
    """Whether Numba-CUDA runs kernels in its simulator, on the processor."""
    return bool(numba_cuda().config.ENABLE_CUDASIM)


def machine() -> Any:
    """The module `numba.cuda`, with a card or the simulator behind it. Raises UserError where there is neither."""
    cuda = numba_cuda()
    if not cuda.is_available():
        fix = "install numba-cuda[cu12] or [cu13] beside a card; NUMBA_ENABLE_CUDASIM=1 simulates one"
        raise UserError("no CUDA card with its driver and compiler is found", where="kernels.cuda", fix=fix)
    return cuda


def refuse_no_compiler() -> None:
    """Raises UserError where NVVM and NVRTC, which make PTX and know the cards there are, are not installed."""
    numba_cuda()
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    for library in ("nvvm", "nvrtc"):
        try:
            load_nvidia_dynamic_lib(library)
        except DynamicLibNotFoundError as missing:
            fix = "install numba-cuda[cu12] or numba-cuda[cu13]"
            raise UserError(f"{library.upper()} is not found", where="kernels.cuda", fix=fix) from missing


@cache
def largest_grid() -> int:
    """The most blocks that are launched for elements; each takes as many more as there are left."""
    if simulated():
        return SIMULATED_BLOCKS
    return BLOCKS * int(machine().get_current_device().MULTIPROCESSOR_COUNT)


def threads() -> int:
    return SIMULATED_THREADS if simulated() else THREADS
