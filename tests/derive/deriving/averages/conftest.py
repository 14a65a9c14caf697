"""Rules that are not in the library, and runs in exact arithmetic to hold the formulas against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from derive.reading.read import read_path
from derive.rule import Rule

Reader = Callable[[str], Rule]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """Reads the rule called `own` from a source text."""

    def reader(source: str) -> Rule:
        path = tmp_path / "own.py"
        path.write_text(source)
        return read_path(str(path), "own")

    return reader
