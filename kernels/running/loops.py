"""Compiled loops that belong to no rule: their text is a file of this folder, their machine code is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

from kernels.running import cache as kept
from kernels.running.content import general_key
from kernels.running.load import load

_LOCK = threading.RLock()


def survey() -> Callable[..., int]:
    """`entry` of survey.py."""
    return _loop("survey")


def finite() -> Callable[..., int]:
    """`entry` of finite.py."""
    return _loop("finite")


@cache
def _loop(name: str) -> Callable[..., int]:
    with _LOCK:
        path, module, key = Path(__file__).with_name(f"{name}.py"), f"derive_kernels_{name}", general_key(name)
        source, types = path.read_text(), _signature(name)
        files = kept.fetch(key) or {}
        if "code" in files:
            try:
                return load(module, str(path), source, types, files["code"]).entry
            except Exception:  # whatever is wrong with machine code from another day: it is made again
                with suppress(OSError):
                    kept.drop(key)
        loaded = load(module, str(path), source, types)
        kept.keep(key, {"code": loaded.code})
        return loaded.entry


def _signature(name: str) -> Any:
    whole = numba.types.int64
    row, rows = whole[::1], whole[:, ::1]
    if name == "survey":
        return whole(whole, whole, row, row, numba.types.boolean[::1], rows, row, row, row)
    return whole(row, row, whole, whole, row, whole, whole, whole)
