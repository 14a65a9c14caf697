"""A running error bound (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3).

Beside every computed value goes a bound on its distance from the exact value of the same inputs:
each operation hands on the errors of its operands and adds its own rounding, u|r| + eta. Where a
divisor or a radicand may vanish within its error, a branch is undecided or a result overflows,
there is no bound; those inputs are the region that is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from derive.expr import Apply, Number, to_text
from derive.ops import LIBRARY_ULPS, OPS, Rounding
from kernels.measuring.oracle import Array, constants, number, operation, run
from kernels.program import TRUTHS, Program

OWN_ROUNDING = 1 + 2.0**-40  # the bound itself is computed in float64,
UNDERFLOW = 4 * 5e-324  # where its products may vanish


@dataclass(frozen=True)
class Bounded:
    """A computed value and a bound on its error; an infinite bound says nothing."""

    value: Array
    error: Array


EVERY = -1  # a scalar's cause is every element's


@dataclass
class Causes:
    """For each element, the first operation that lost the bound."""

    first: dict[int, str] = field(default_factory=dict)

    def note(self, node: Apply, result: Bounded, args: tuple[Bounded, ...]) -> None:
        lost = np.isinf(result.error)
        for a in args:
            lost = lost & ~np.isinf(a.error)
        lost, values = np.broadcast_arrays(lost, result.value)
        for row in np.flatnonzero(lost):
            key = int(row) if np.ndim(lost) else EVERY
            self.first.setdefault(key, _cause(node, values.reshape(-1)[row]))

    def of(self, row: int) -> str:
        return self.first.get(row) or self.first.get(EVERY, "unknown")


_WORDS = {"div": "divisor within its error of zero", "sqrt": "radicand may be negative"}


def _cause(node: Apply, value: Any) -> str:
    if np.isnan(value):
        return f"no number from {_shortened(node)}"
    if np.isinf(value):
        return f"overflow in {_shortened(node)}"
    if node.op in TRUTHS or node.op == "where":
        return "branch undecided"
    return _WORDS.get(node.op, f"{node.op} near its singularity")


def _shortened(node: Apply) -> str:
    text = to_text(node)
    return text if len(text) <= 48 else f"a {node.op}"


def bounds(
    program: Program, arrays: Mapping[str, Array], scalars: Mapping[str, float]
) -> tuple[dict[str, Array], Causes]:
    """A bound for every stored array, element by element, and why there is none where it is infinite."""
    element = np.dtype(program.dtype)
    causes = Causes()

    def operate(node: Apply, args: tuple[Bounded, ...]) -> Bounded:
        result = _operate(node, args, element)
        causes.note(node, result, args)
        return result

    def exact(value: Array) -> Bounded:
        return Bounded(value, np.zeros(()))

    given = {name: exact(np.asarray(a, dtype=element)) for name, a in arrays.items()}
    given |= {name: exact(value) for name, value in constants(program, scalars).items()}
    values = run(program, given, _number, operate)
    shape = np.shape(arrays[program.arrays[0]])
    return {array: np.broadcast_to(values[name].error, shape) for array, name in program.stores}, causes


def _number(node: Number) -> Bounded:
    value = number(node)
    distance = abs(node.value - type(node.value)(float(value)))
    return Bounded(value, np.asarray(float(distance) * OWN_ROUNDING))


def _operate(node: Apply, args: tuple[Bounded, ...], element: np.dtype[Any]) -> Bounded:
    result = operation(node, tuple(a.value for a in args), element)
    if node.op in TRUTHS and len(args) == 2 and node.args[0] is node.args[1]:
        return Bounded(result, np.zeros(()))  # a number compared with itself is decided
    values = [_wide(a.value) for a in args]
    handed_on = OPS[node.op].error(np, values, [a.error for a in args])
    error = (np.asarray(handed_on, dtype=float) + _own(node, result)) * OWN_ROUNDING
    unknown = np.isnan(error) | ~np.isfinite(_wide(result))
    return Bounded(result, np.where(unknown, np.inf, error))


def _wide(value: Array) -> Array:
    return value if value.dtype == np.bool_ else value.astype(np.float64)


def _own(node: Apply, result: Array) -> Any:
    """What the operation's own rounding may add: u|r| + eta; so many units for a library function."""
    rounding = OPS[node.op].rounding
    if rounding is Rounding.EXACT:
        return 0.0
    limits = np.finfo(result.dtype)
    # Twice the least that underflow may cost, because half of it is no number in float64.
    once = float(limits.eps) / 2 * np.abs(_wide(result)) + float(limits.smallest_subnormal) + UNDERFLOW
    return once if rounding is Rounding.CORRECT else 2 * LIBRARY_ULPS * once
