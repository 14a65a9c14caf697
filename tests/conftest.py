"""Tests keep their compiled kernels apart from the user's own."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import settings

# The machines are shared: how long an example takes says nothing. The suite draws the same examples every time;
# `--hypothesis-profile=explore` draws others, and more of them.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the committed outputs anew, to look at in the diff")


def pytest_configure(config: pytest.Config) -> None:
    """A cache of this run alone, unless the caller names one; subprocesses inherit it."""
    if "DERIVE_CACHE_DIR" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="derive-kernels-tests-")
        os.environ["DERIVE_CACHE_DIR"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture
def without_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers as they are without the extra `smt`: what our own algebra leaves open stays open."""
    from kernels.running.content import surroundings

    monkeypatch.setattr("derive.smt.solver.find_spec", lambda name: None)
    monkeypatch.setattr("kernels.running.content.surroundings", lambda: {**surroundings(), "proofs: z3-solver": ""})
