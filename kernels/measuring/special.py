"""Finite and not finite: what the passes may not change, on the zoo of inputs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from derive.rule import Rule
from kernels.measuring.inputs import Array, Setting, arrays, settings, types_of
from kernels.measuring.oracle import interpret
from kernels.program import Program
from kernels.storage import numpy_dtype

ROWS = 192


def exceptions(lowered: Program, final: Program, rule: Rule, nonnegative: Iterable[str] = ()) -> tuple[str, ...]:
    """Where the final program is finite and the rule's own order is not, or the reverse: a line for each array."""
    found: dict[str, list[str]] = {}
    types = types_of(lowered)
    given = arrays(lowered.loads, types, ROWS, nonnegative)
    given = {name: given.get(name, np.zeros(ROWS, numpy_dtype(types[name]))) for name in lowered.arrays}
    for setting in settings(rule):
        before = interpret(lowered, given, setting.scalars, library="numpy")
        after = interpret(final, given, setting.scalars, library="numpy")
        for array in final.stored:
            differ = np.flatnonzero(np.isfinite(before[array]) != np.isfinite(after[array]))
            for row in differ:
                better = bool(np.isfinite(after[array][row]))
                found.setdefault(f"{array} {_kind(better)}", []).append(_example(given, lowered, int(row), setting))
    total = ROWS * len(settings(rule))
    return tuple(f"{what} for {len(where)} of {total} inputs, e.g. {where[0]}" for what, where in sorted(found.items()))


def _kind(better: bool) -> str:
    return "finite where the rule's order overflows" if better else "not finite where the rule's order is"


def _example(given: dict[str, Array], program: Program, row: int, setting: Setting) -> str:
    names = [n for n in program.arrays if n in program.loads]
    scalars = {"t": setting.t, **setting.hyperparameters}
    return ", ".join(
        [*(f"{k} = {v:g}" for k, v in scalars.items()), *(f"{n} = {float(given[n][row]):g}" for n in names)]
    )
