"""What is stored in 16 bits, by the definitions: to nearest by NumPy and ml_dtypes, by random bits from the neighbours.

Nothing here is shared with the functions that kernels have (`derive.reading.narrow`), but for the formats' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kernels.storage import numpy_dtype

Array = np.ndarray[Any, Any]
DECIDING = {"bfloat16": 16, "float16": 31}  # of the bits that are drawn, how many are compared with what is lost


def to_nearest(values: Array, dtype: str) -> Array:
    """The values rounded to the nearest numbers of the type, ties to even."""
    with np.errstate(all="ignore"):
        return np.asarray(values, np.float32).astype(numpy_dtype(dtype))


def at_random(values: Array, dtype: str, random: Array) -> Array:
    """The values rounded to one of the numbers beside.

    Away from zero where what is lost towards it, as a fraction of their distance, and the random bits as another are at
    least 1 together. Beyond the largest number stands what would be the next one, and becomes infinite.
    """
    with np.errstate(all="ignore"):
        size = np.abs(np.asarray(values, np.float64))
        near = to_nearest(size, dtype)
        codes = near.view(np.uint16).astype(np.int64)
        codes -= near.astype(np.float64) > size
        low, beyond = _numbers(codes, dtype), _numbers(codes + 1, dtype)
        below = _numbers(np.maximum(codes - 1, 0), dtype)
        distance = np.where(np.isinf(beyond), low - below, beyond - low)
        bits = DECIDING[dtype]
        lost = np.floor((size - low) / distance * 2.0**bits)
        drawn = (random & 0xFFFF if dtype == "bfloat16" else random >> 1).astype(np.float64)
        away = lost + drawn >= 2.0**bits
        found = (codes + away).astype(np.uint16).view(numpy_dtype(dtype))
    found = np.where(np.isfinite(size), found, to_nearest(size, dtype))
    return np.where(np.signbit(values), -found, found).astype(numpy_dtype(dtype))


def _numbers(codes: Array, dtype: str) -> Array:
    numbers: Array = codes.astype(np.uint16).view(numpy_dtype(dtype)).astype(np.float64)
    return numbers


TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry(key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[Array, Array]:
    """Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3)."""
    first, second = (np.asarray(k, np.uint64).astype(np.uint32) for k in key)
    keys = (first, second, first ^ second ^ np.uint32(0x1BD11BDA))
    with np.errstate(over="ignore"):
        x, y = (np.asarray(c, np.uint64).astype(np.uint32) + k for c, k in zip(counter, keys, strict=False))
        for group in range(5):
            for turn in TURNS[group % 2]:
                x = x + y
                y = (y << np.uint32(turn) | y >> np.uint32(32 - turn)) ^ x
            x = x + keys[(group + 1) % 3]
            y = y + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def random_words(seed: int, t: int, tensor: int, elements: Array) -> Iterator[Array]:
    """Words of 32 random bits for each of these elements of a tensor, one after the other."""
    halves = [(n & 0xFFFFFFFF, n >> 32) for n in (seed, t, tensor)]
    key = threefry(threefry(halves[0], halves[1]), halves[2])
    low, high = elements & 0xFFFFFFFF, elements >> 32
    for k in range(1 << 16):
        yield from threefry(key, (low, high + (k << 16)))


def random_bits(words: Iterator[Array], dtypes: Iterable[str]) -> Iterator[Array]:
    """What each store of these types is given: half a word for bfloat16, the lower one first, a word for float16."""
    half: Array | None = None
    for dtype in dtypes:
        if dtype == "bfloat16" and half is not None:
            yield half
            half = None
        else:
            word = next(words)
            half = word >> np.uint32(16) if dtype == "bfloat16" else half
            yield word
