"""Averages beside pandas on the same input, missing values included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from kernels import averages
from kernels.averages.data import Missing, Start

pandas = pytest.importorskip("pandas")

VALUES = st.one_of(st.floats(-1000, 1000, allow_subnormal=False), st.just(np.nan), st.sampled_from([0.0, 1.0, np.inf]))
SERIES = npst.arrays("float64", st.integers(1, 40), elements=VALUES)
BETAS = st.sampled_from([0.0, 0.1, 0.6, 0.9, 0.99])
STARTS: list[tuple[Start, bool]] = [("zero", True), ("first", False)]
MISSING: list[tuple[Missing, bool]] = [("fade", False), ("skip", True)]


def close(ours: Any, theirs: Any, scale: float) -> bool:
    """Both NaN at the same places, and elsewhere close; both add up differences of numbers of this size."""
    return bool(np.allclose(ours, theirs.to_numpy(), rtol=1e-9, atol=1e-11 * scale, equal_nan=True))


def size(data: Any) -> float:
    return float(max(1.0, np.max(np.abs(data[np.isfinite(data)]), initial=0.0)))


@pytest.mark.parametrize(("missing", "ignored"), MISSING)
@pytest.mark.parametrize(("start", "adjusted"), STARTS)
@settings(max_examples=20)
@given(data=SERIES, beta=BETAS)
def test_means(start: Start, adjusted: bool, missing: Missing, ignored: bool, data: Any, beta: float) -> None:
    theirs = pandas.Series(data).ewm(alpha=1 - beta, adjust=adjusted, ignore_na=ignored).mean()
    assert close(averages.ewma(data, beta, start=start, missing=missing), theirs, size(data))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("missing", "ignored"), MISSING)
@pytest.mark.parametrize(("start", "adjusted"), STARTS)
@settings(max_examples=20)
@given(data=SERIES.map(lambda a: a[:25]), beta=st.sampled_from([0.0, 0.7, 0.9, 0.99]))
def test_variances(
    start: Start, adjusted: bool, missing: Missing, ignored: bool, bias: bool, data: Any, beta: float
) -> None:
    theirs = pandas.Series(data).ewm(alpha=1 - beta, adjust=adjusted, ignore_na=ignored).var(bias=bias)
    ours = averages.variance(data, beta, start=start, missing=missing, bias=bias)
    if not bias:  # of one value there is none; in pandas, holes after it may make it 0, by rounding
        one = np.cumsum(np.isfinite(data)) <= 1
        assert np.all(np.isnan(ours[one]))
        ours, theirs = ours[~one], theirs[~one]
    assert close(ours, theirs, size(data) ** 2)


def test_pandas_has_another_formula_at_one_half_alone() -> None:
    """With adjust=False and alpha=0.5 exactly, its value after a hole has the weight 1 - (1 - alpha)^2, not alpha."""
    data = np.array([1.0, np.nan, 0.0])
    ours = [averages.ewma(data, beta, start="first")[-1] for beta in (0.5 - 1e-9, 0.5, 0.5 + 1e-9)]
    theirs = [pandas.Series(data).ewm(alpha=1 - b, adjust=False).mean().iloc[-1] for b in (0.5 - 1e-9, 0.5, 0.5 + 1e-9)]
    assert np.allclose(ours, 1 / 3, atol=1e-8)
    assert np.allclose(theirs[::2], 1 / 3, atol=1e-8)


@pytest.mark.parametrize("least", [1, 2, 5])
def test_least_numbers_of_values(least: int) -> None:
    data = np.array([np.nan, 1, np.nan, 2, 3, 5, np.nan, 8, 13])
    theirs = pandas.Series(data).ewm(alpha=0.1, min_periods=least).mean()
    assert close(averages.mean(data, 0.9, min_periods=least), theirs, 1)


def test_holes_longer_than_any_weight() -> None:
    """The weights of old values underflow, their average stays; the next value has all the weight."""
    data = np.array([3.0, 4.0, *[np.nan] * 3000, 7.0])
    for start, adjusted in STARTS:
        theirs = pandas.Series(data).ewm(alpha=0.75, adjust=adjusted).mean()
        ours = averages.ewma(data, 0.25, start=start)
        assert close(ours, theirs, 1)
        assert set(ours[1:-1]) == {ours[1]}
        assert ours[-1] == 7


@pytest.mark.parametrize(("start", "adjusted"), STARTS)
def test_columns_and_rows_of_a_frame(start: Start, adjusted: bool) -> None:
    data = np.random.default_rng(5).standard_normal((200, 9))
    data[::7, ::2] = np.nan
    frame = pandas.DataFrame(data)
    theirs = frame.ewm(alpha=0.1, adjust=adjusted)
    assert close(averages.ewma(frame, 0.9, start=start), theirs.mean(), 1)
    assert close(averages.ewma(data.T, 0.9, start=start, axis=1).T, theirs.mean(), 1)
    assert close(averages.variance(frame, 0.9, start=start), theirs.var(), 1)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("start", "adjusted"), STARTS)
def test_without_a_look_at_missing_values(start: Start, adjusted: bool, bias: bool) -> None:
    data = np.random.default_rng(6).standard_normal(500)
    theirs = pandas.Series(data).ewm(alpha=0.05, adjust=adjusted)
    assert close(averages.ewma(data, 0.95, start=start, missing="spread"), theirs.mean(), 1)
    assert close(averages.variance(data, 0.95, start=start, missing="spread", bias=bias), theirs.var(bias=bias), 1)
