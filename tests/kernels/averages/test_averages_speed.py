"""Ratios of running times, interleaved in one process; the least times count."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from kernels import averages


def best(**actions: Callable[[], object]) -> dict[str, float]:
    """The least seconds of each action, the actions taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(5):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(times) for name, times in seconds.items()}


@pytest.mark.speed
@pytest.mark.slow
def test_beside_pandas_and_a_copy() -> None:
    """Generous: about 10 times pandas' and 2 copies' for columns, 5 times pandas' for a series, in quiet."""
    pandas = pytest.importorskip("pandas")
    columns = np.random.default_rng(1).standard_normal((5000, 1000))
    series, out = columns.reshape(-1), np.empty_like(columns)
    frame, one, line = pandas.DataFrame(columns), pandas.Series(series), np.empty_like(series)
    found = best(
        columns=lambda: averages.ewma(columns, 0.9, out=out),
        copy=lambda: np.copyto(out, columns),
        frame=lambda: frame.ewm(alpha=0.1).mean(),
        series=lambda: averages.ewma(series, 0.9, out=line),
        one=lambda: one.ewm(alpha=0.1).mean(),
    )
    assert found["columns"] < found["frame"] / 4
    assert found["columns"] < 6 * found["copy"]
    assert found["series"] < found["one"] / 2
