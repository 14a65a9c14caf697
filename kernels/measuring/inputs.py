"""The zoo of inputs: ordinary values, the ends of the number line, zeros, infinities and NaN; corners of the domains.

Everything here is the same on every run: the mixing is done by a generator with a written seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.rule import Domain, Rule
from kernels.program import Program
from kernels.storage import finfo, numpy_dtype

Array = np.ndarray[Any, Any]
SEED = 20140612

COUNTERS = (1, 2, 3, 10, 1000, 1_000_000)
ORDINARY = (1.0, -1.0, 0.5, -3.0, 0.1, -0.001, 7.25, 1e-4)


@dataclass(frozen=True)
class Setting:
    """The scalars of one step: t, and every hyperparameter inside its domain."""

    t: int
    hyperparameters: Mapping[str, float]

    @property
    def scalars(self) -> dict[str, float]:
        return {"t": float(self.t), **self.hyperparameters}


def settings(rule: Rule) -> tuple[Setting, ...]:
    """The defaults at every counter, then each hyperparameter at the corners of its domain."""
    plain = {h.name: _default(h.default, h.domain) for h in rule.hyperparameters}
    result = [Setting(t, plain) for t in COUNTERS]
    for h in rule.hyperparameters:
        for k, value in enumerate(corners(h.domain)):
            result.append(Setting(COUNTERS[k % len(COUNTERS)], {**plain, h.name: value}))
    return tuple(result)


def _default(default: Fraction | None, domain: Domain) -> float:
    return float(default) if default is not None else corners(domain)[-1]


def corners(domain: Domain) -> tuple[float, ...]:
    """Values at and near the ends of the domain, and one between."""
    return tuple(v for v in _candidates(domain) if Fraction(v) in domain)


def _candidates(domain: Domain) -> Iterator[float]:
    low = None if domain.low is None else float(domain.low)
    high = None if domain.high is None else float(domain.high)
    yield from (v for v in (low, high) if v is not None)
    if low is not None:
        yield from (low + 1e-30, float(np.nextafter(low, np.inf)))
    if high is not None:
        yield from (float(np.nextafter(high, -np.inf)), high - 2.0**-20)
    yield from (0.5, 3.0) if not domain.whole else (1.0, 3.0)


def special_values(dtype: str) -> tuple[float, ...]:
    """Zeros, subnormals, the smallest and largest normal numbers, what squares to nothing or too much, inf, NaN."""
    limits = finfo(dtype)
    tiny, huge = float(limits.tiny), float(limits.max)
    finite = (0.0, float(limits.smallest_subnormal), tiny / 4, tiny, tiny**0.5, tiny**0.6, huge**0.5, huge**0.6, huge)
    return (*finite, *(-v for v in finite), np.inf, -np.inf, np.nan)


Types = str | Mapping[str, str]  # of every column, or of each by its name


def types_of(program: Program) -> dict[str, str]:
    """The types that a program's arrays have in memory."""
    return {array: program.type_of(array) for array in program.arrays}


def arrays(names: Iterable[str], dtype: Types, size: int, nonnegative: Iterable[str] = ()) -> dict[str, Array]:
    """Columns of mixed values, one for each name; those proved nonnegative hold no negative number."""
    return _mixed(
        names, lambda kept: (*ORDINARY, *ORDINARY, *special_values(kept)), dtype, size, frozenset(nonnegative)
    )


def ordinary_arrays(names: Iterable[str], dtype: Types, size: int, nonnegative: Iterable[str] = ()) -> dict[str, Array]:
    """Columns of finite values between the square roots of the smallest and the largest number."""
    return _mixed(names, lambda kept: (*ORDINARY, *_wide(kept), 0.0), dtype, size, frozenset(nonnegative))


def _wide(dtype: str) -> tuple[float, ...]:
    low, high = (float(end) ** 0.5 for end in (finfo(dtype).tiny, finfo(dtype).max))
    return tuple(sign * 10.0**k for k in range(-12, 13, 3) for sign in (1, -1) if low <= 10.0**k <= high)


def plain_arrays(names: Iterable[str], types: Mapping[str, str], size: int) -> dict[str, Array]:
    """Columns of values of about one size and with all their digits, so that each counts in a sum of all."""
    random = np.random.Generator(np.random.PCG64(SEED))
    return {name: random.standard_normal(size).astype(numpy_dtype(types[name])) for name in names}


def _mixed(
    names: Iterable[str],
    values: Callable[[str], tuple[float, ...]],
    dtype: Types,
    size: int,
    nonnegative: frozenset[str],
) -> dict[str, Array]:
    random = np.random.Generator(np.random.PCG64(SEED))
    columns = {}
    with np.errstate(all="ignore"):
        for name in names:
            kept = dtype if isinstance(dtype, str) else dtype[name]
            table = np.array(values(kept))
            smooth = random.choice([1.0, 1.0, 0.7, 1.3], size)  # so that not every significand is round
            column = (table[random.integers(0, len(table), size)] * smooth).astype(numpy_dtype(kept))
            columns[name] = np.abs(column) if name in nonnegative else column
    return columns
