"""One of so many float32 rounded to 16 bits, or every one: `python -m pytest tests/campaign --stride 1`."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conversions import is_nearest

CHUNK = 1 << 24


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_floats_are_rounded_to_the_nearest(dtype: str, request: pytest.FixtureRequest) -> None:
    stride = int(request.config.getoption("--stride", default=10_007))
    for start in range(0, 1 << 32, CHUNK * stride):
        bits = np.arange(start, min(1 << 32, start + CHUNK * stride), stride, dtype=np.uint64).astype(np.uint32)
        assert is_nearest(bits.view(np.float32), dtype), f"among {len(bits)} from {start:#x}"
