"""The same expressions run by NumPy and ml_dtypes, in arrays of the format: what the exact model has to agree with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derive.expr import Apply, Expr, fold
from derive.ops import OPS
from derive.precision.arithmetic import chain_of
from derive.precision.formats import Format, Model


def converted(value: Fraction, kept: Format) -> Any:
    """A constant as a user writes it: Python's float, then the format."""
    with np.errstate(all="ignore"):
        return np.asarray(float(value)).astype(kept.dtype)


def all_converted(values: Sequence[Fraction], kept: Format) -> Any:
    """Several constants at once."""
    with np.errstate(all="ignore"):
        return np.array([float(value) for value in values]).astype(kept.dtype)


def run(exprs: Iterable[Expr], values: Mapping[str, Any], kept: Format) -> list[Any]:
    """Each expression, on arrays of any format or exact numbers; every operation and constant in `kept`."""

    def given(name: str) -> Any:
        value = values[name]
        return converted(value, kept) if isinstance(value, Fraction) else np.asarray(value).astype(kept.dtype)

    with np.errstate(all="ignore"):
        return fold(
            exprs,
            symbol=lambda s: given(s.name),
            number=lambda n: converted(n.value, kept),
            apply=_applied,
        )


def run_stored(exprs: Iterable[Expr], values: Mapping[str, Any], model: Model) -> list[Any]:
    """The values of the expressions when they have been stored."""
    with np.errstate(all="ignore"):
        return [np.asarray(result).astype(model.storage.dtype) for result in run(exprs, values, model.arithmetic)]


def _applied(node: Apply, args: tuple[Any, ...]) -> Any:
    if factors := chain_of(node):
        value = args[0]
        for _ in range(factors - 1):
            value = value * args[0]
        return value
    return args[0] if node.op == "cast" else getattr(np, OPS[node.op].numpy)(*args)
