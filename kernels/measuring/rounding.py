"""A running error bound (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3).

Beside every computed value goes a bound on its distance from the exact value of the same inputs:
each operation hands on the errors of its operands and adds its own rounding, u|r| + eta. Where a
divisor or a radicand may vanish within its error, a branch is undecided or a result overflows,
there is no bound; those inputs are the region that is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from derive.expr import Apply, Number, to_text
from derive.ops import LIBRARY_ULPS, OPS, SMALLEST, Rounding
from kernels.measuring.narrow import to_nearest
from kernels.measuring.oracle import Array, constants, loaded, number, operation, run
from kernels.program import TRUTHS, Program
from kernels.storage import finfo

# The bound itself is computed in float64, where two things are lost.
# Rounding: the rules of `derive.ops` take some ten operations, each off by 2^-53 of its value or, around exp and
# log, by a few hundred times that; all of it is less than 2^-40 of a bound.
# Underflow: a product or quotient below the normal numbers is off by at most half the smallest number, a sum or
# difference there by nothing. Three products in the rule of `mul`, or two quotients and a product in that of `div`,
# and u|r| itself make four halves; twice that is added. The rules of library functions lose up to a few smallest
# numbers and at most double them, or lose them in an exponent, where they are nothing beside rounding; for these the
# whole is taken eight times. Where a loss would be magnified, in `div`, the rule widens first. Multiplying by
# OWN_ROUNDING > 1 never lowers a number, as rounding is monotone.
OWN_ROUNDING = 1 + 2.0**-40
UNDERFLOW = 4 * SMALLEST


@dataclass(frozen=True)
class Bounded:
    """A computed value and a bound on its error; where that is infinite, the number of what lost the bound."""

    value: Array
    error: Array
    cause: Array


class Causes:
    """The operations that lose a bound, in words; number 0 is none."""

    def __init__(self) -> None:
        self.words = [""]

    def number(self, words: str) -> int:
        if words not in self.words:
            self.words.append(words)
        return self.words.index(words)

    def texts(self, numbers: Array) -> Array:
        return np.array(self.words, dtype=object)[numbers]


@dataclass(frozen=True)
class Bounds:
    """For each stored array, element by element: a bound on the error, and why there is none where it is infinite."""

    errors: dict[str, Array]
    causes: dict[str, Array]


NOTHING: Mapping[str, Any] = MappingProxyType({})


def bounds(
    program: Program,
    arrays: Mapping[str, Array],
    scalars: Mapping[str, float],
    errors: Mapping[str, float | Array] = NOTHING,
) -> Bounds:
    """A bound for every stored array on the distance from the exact values of these inputs.

    `errors` says how far some of the inputs may be from what they stand for.
    """
    element = np.dtype(program.dtype)
    causes = Causes()

    def operate(node: Apply, args: tuple[Bounded, ...]) -> Bounded:
        return _operate(node, args, element, causes)

    elements = loaded(program, arrays)
    given = {}
    for name, value in {**elements, **constants(program, scalars)}.items():
        error = np.asarray(errors.get(name, 0.0))
        lost = np.isinf(error)
        given[name] = Bounded(value, error, lost * causes.number(f"no bound for {name}") if lost.any() else lost * 0)
    values = run(program, given, _number, operate)
    shape = np.shape(arrays[program.arrays[0]])
    stored = {array: _kept(program, array, values[name], causes) for array, name in program.stores}
    return Bounds(
        {array: np.broadcast_to(v.error, shape) for array, v in stored.items()},
        {array: np.broadcast_to(causes.texts(v.cause), shape) for array, v in stored.items()},
    )


def _kept(program: Program, array: str, value: Bounded, causes: Causes) -> Bounded:
    """What is stored into an array: rounded once more where it is kept in fewer bits.

    To nearest that is u |r| + eta again, for the format of the array; by random bits twice as much, and no bound above
    its largest number, from where it may be infinite.
    """
    name = program.type_of(array)
    if name == program.dtype:
        return value
    limits, rounded = finfo(name), to_nearest(value.value, name).astype(np.float64)
    units = float(limits.eps) * (1 if program.drawn else 0.5)
    own = units * np.abs(rounded) + float(limits.smallest_subnormal)
    lost = np.abs(_wide(value.value)) > float(limits.max) if program.drawn else np.isinf(rounded)
    over = lost & np.isfinite(value.error)
    error = np.where(lost, np.inf, (value.error + np.where(lost, 0.0, own)) * OWN_ROUNDING)
    cause = np.where(over, causes.number(f"overflow in {name}") if np.any(over) else 0, value.cause)
    return Bounded(value.value, error, cause)


def _exact(value: Array) -> Bounded:
    return Bounded(value, np.zeros(()), np.zeros((), int))


def _number(node: Number) -> Bounded:
    value = number(node)
    distance = abs(node.value - type(node.value)(float(value)))
    error = float(distance) * OWN_ROUNDING + SMALLEST if distance else 0.0  # float(distance) itself may underflow
    return Bounded(value, np.asarray(error), np.zeros((), int))


def _operate(node: Apply, args: tuple[Bounded, ...], element: np.dtype[Any], causes: Causes) -> Bounded:
    result = operation(node, tuple(a.value for a in args), element)
    if node.op in TRUTHS and len(args) == 2 and node.args[0] is node.args[1]:
        return _exact(result)  # a number compared with itself is decided
    handed_on = np.asarray(OPS[node.op].error(np, [_wide(a.value) for a in args], [a.error for a in args]), dtype=float)
    error = (handed_on + _own(node, result)) * OWN_ROUNDING
    unknown = np.isnan(error) | ~np.isfinite(_wide(result))
    error = np.where(unknown, np.inf, error)
    return Bounded(result, error, _blamed(node, args, result, handed_on, error, causes))


def _blamed(
    node: Apply, args: tuple[Bounded, ...], result: Array, handed_on: Array, error: Array, causes: Causes
) -> Array:
    """What lost the bound: the operand's cause that had none before, of `where` that of the branch taken; else this."""
    lost = np.isinf(error)
    if not np.any(lost):
        return np.zeros((), int)
    before = [a.cause for a in args]
    if node.op == "where":
        before = [np.where(args[0].value, before[1], before[2]), before[0]]
    blamed = _own_cause(node, args, _wide(result), handed_on, causes)
    for cause in reversed(before):
        blamed = np.where(cause > 0, cause, blamed)
    return np.where(lost, blamed, 0)


_SINGULAR = {
    "div": "divisor within its error of zero",
    "sqrt": "radicand may be negative",
    **dict.fromkeys(("log", "log1p", "pow"), "{} near its singularity"),
}
_MUST_NOT_VANISH = {"div": 1, "pow": 0}  # which operand; these also overflow elsewhere


def _own_cause(node: Apply, args: tuple[Bounded, ...], result: Array, handed_on: Array, causes: Causes) -> Array:
    """In words what this operation does where none of its operands had lost its bound."""
    if node.op in TRUTHS or node.op in ("where", "sign"):
        return np.asarray(causes.number("branch undecided"))
    text = to_text(node)
    text = text if len(text) <= 48 else f"a {node.op}"
    overflow, no_number = causes.number(f"overflow in {text}"), causes.number(f"no number from {text}")
    other = np.asarray(overflow)
    if node.op in _SINGULAR:
        near = causes.number(_SINGULAR[node.op].format(text))
        other = np.where(_near_singularity(node.op, args, handed_on), near, overflow)
    return np.where(np.isnan(result), no_number, other)


def _near_singularity(op: str, args: tuple[Bounded, ...], handed_on: Array) -> Any:
    if op not in _MUST_NOT_VANISH:
        return np.isinf(handed_on)
    operand = args[_MUST_NOT_VANISH[op]]
    return np.abs(_wide(operand.value)) <= operand.error


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
