"""Sixteen bits to float32 and back: every number up, and down all that is near a number or between two."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.measuring.narrow import DECIDING, at_random, random_bits, random_words, threefry
from kernels.storage import numpy_dtype
from tests.conversions import Array, compiled, is_nearest, narrowed, widened

FORMATS = ("bfloat16", "float16")
EVERY = np.arange(1 << 16, dtype=np.uint16)


def around(dtype: str) -> Array:
    """Every number of the format, what lies halfway between two, and the float32 on both sides of each."""
    with np.errstate(all="ignore"):
        numbers = EVERY.view(numpy_dtype(dtype)).astype(np.float32)
        numbers = numbers[np.isfinite(numbers)]
        ordered = np.sort(numbers)
        halves = (ordered[1:].astype(np.float64) + ordered[:-1]) / 2
        largest = float(ordered[-1])
        overflow = largest + (largest - float(ordered[-2])) / 2
        points = np.concatenate([numbers, halves.astype(np.float32), np.array([overflow, -overflow], np.float32)])
        return np.concatenate([np.nextafter(points, np.float32(side)) for side in (-np.inf, np.inf)] + [points])


@pytest.mark.parametrize("dtype", FORMATS)
def test_every_number_is_read_as_it_is(dtype: str) -> None:
    with np.errstate(all="ignore"):
        expected = EVERY.view(numpy_dtype(dtype)).astype(np.float32)
    found, number = widened(EVERY, dtype), ~np.isnan(expected)
    assert np.array_equal(found[number].view(np.uint32), expected[number].view(np.uint32))
    assert np.isnan(found[~number]).all()
    assert np.array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("dtype", FORMATS)
def test_what_is_stored_is_the_nearest(dtype: str) -> None:
    random = np.random.Generator(np.random.PCG64(16)).integers(0, 1 << 32, 100_000, np.uint32).view(np.float32)
    odd = np.array(
        [0x7F800000, 0xFF800000, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001, 0x7FC00000, 0xFFC00000], np.uint32
    ).view(np.float32)
    assert is_nearest(np.concatenate([around(dtype), random, odd]), dtype)


def test_another_rounding_would_be_noticed() -> None:
    """What is cut off, or rounded away from zero at a tie, is not the nearest."""
    values = around("bfloat16")
    for wrong in (values.view(np.uint32) >> 16, (values.view(np.uint32).astype(np.uint64) + 0x8000) >> 16):
        assert not np.array_equal(wrong.astype(np.uint16), narrowed(values, "bfloat16").view(np.uint16))


@pytest.mark.parametrize("dtype", FORMATS)
def test_by_random_bits_it_is_a_neighbour_with_the_probability_that_is_lost(dtype: str) -> None:
    """Exactly: the least random bits that round away, and the ones before, for every fraction of many numbers."""
    values = around(dtype)
    fractions = np.random.Generator(np.random.PCG64(17)).integers(0, 1 << 32, 20_000, np.uint32).view(np.float32)
    values = np.concatenate([values[:: values.size // 20_000], fractions[np.isfinite(fractions)]])
    lost, unit = np.zeros(values.shape), 2 ** DECIDING[dtype]
    towards, away = (narrowed(values, dtype, np.full(values.shape, r, np.uint32)) for r in (0, 0xFFFFFFFF))
    low, high = (np.abs(a.astype(np.float64)) for a in (towards, away))
    moved = (low != high) & np.isfinite(high)
    share = (np.abs(values[moved].astype(np.float64)) - low[moved]) / (high[moved] - low[moved])
    lost[moved] = np.floor(share * unit)
    assert (low[moved] <= np.abs(values[moved])).all()
    assert (np.abs(values[moved]) < high[moved]).all()
    at = np.where(moved, unit - lost, 0).astype(np.uint64)
    shift = 0 if dtype == "bfloat16" else 1
    first, before = ((at << shift).astype(np.uint32), (np.maximum(at, 1) - 1 << shift).astype(np.uint32))
    some = moved & (lost > 0)
    assert some.sum() > 10_000
    assert np.array_equal(narrowed(values, dtype, first)[some], away[some])
    assert np.array_equal(narrowed(values, dtype, before)[some], towards[some])
    exact = values.astype(np.float64) == towards.astype(np.float64)
    assert np.array_equal(away[exact], towards[exact])


@pytest.mark.parametrize("dtype", FORMATS)
def test_random_rounding_is_that_of_the_oracle(dtype: str) -> None:
    values = around(dtype)[::7]
    odd = np.array([0x7F800000, 0xFF800000, 0x7FFFFFFF, 0xFF800001, 0x80000000, 0x00000001], np.uint32).view(np.float32)
    values = np.concatenate([values, odd])
    random = np.random.Generator(np.random.PCG64(18)).integers(0, 1 << 32, values.size, np.uint32)
    found, expected = narrowed(values, dtype, random), at_random(values, dtype, random)
    number = ~np.isnan(values)
    assert np.array_equal(found[number].view(np.uint16), expected[number].view(np.uint16))
    assert np.isnan(found[~number]).all()


@pytest.mark.parametrize(
    ("counter", "key", "block"),
    [  # the known answers of Random123, examples/kat_vectors, threefry2x32 with 20 rounds
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_generator_is_threefry(counter: tuple[int, int], key: tuple[int, int], block: tuple[int, int]) -> None:
    assert tuple(map(int, threefry(key, counter))) == block
    assert compiled().over_threefry(*key, *counter) == block


def test_nothing_is_given_the_bits_of_another() -> None:
    """Two halves of a word for bfloat16, a word for float16; other words for another element, tensor, t or seed."""
    elements = np.array([0, 1, 2**32, 2**33 + 5])
    words = [
        np.array([*random_words(*given, elements).__next__()]) for given in ((1, 1, 0), (1, 2, 0), (1, 1, 1), (2, 1, 0))
    ]
    assert len({int(w) for word in words for w in word}) == 16
    dtypes = ("bfloat16", "float16", "bfloat16", "bfloat16", "float16")
    made = list(random_bits(random_words(1, 1, 0, elements), dtypes))
    stream = random_words(1, 1, 0, elements)
    word = [next(stream) for _ in range(4)]
    expected = [word[0], word[1], word[0] >> np.uint32(16), word[2], word[3]]
    assert all(np.array_equal(a, b) for a, b in zip(made, expected, strict=True))
