"""Tests keep their compiled kernels apart from the user's own, and the machine to themselves where they measure it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.machine import MEETING, machine

# The machines are shared: how long an example takes says nothing. The suite draws the same examples every time;
# `--hypothesis-profile=explore` draws others, and more of them.
settings.register_profile("tests", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the committed outputs anew, to look at in the diff")


def pytest_configure(config: pytest.Config) -> None:
    """A folder of this run alone, where its processes meet, and in it a cache that they share, as any processes may.

    Nothing in it is from another day: what a test finds there, this run has made. The environment is handed on.
    """
    if hasattr(config, "workerinput"):  # one of several processes, which the first of them made
        config.stash[MEETING] = config.workerinput["meeting"]
        return
    folder = tempfile.TemporaryDirectory(prefix="derive-kernels-tests-")
    config.add_cleanup(folder.cleanup)
    config.stash[MEETING] = folder.name
    os.environ["DERIVE_CACHE_DIR"] = str(Path(folder.name) / "cache")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["meeting"] = node.config.stash[MEETING]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Nothing runs beside a test that compares running times, its fixtures and those of the others included."""
    with machine(Path(item.config.stash[MEETING]), alone=item.get_closest_marker("speed") is not None):
        return (yield)


@pytest.fixture
def without_z3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers as they are without the extra `smt`: what our own algebra leaves open stays open."""
    from kernels.running.content import surroundings

    monkeypatch.setattr("derive.smt.solver.find_spec", lambda name: None)
    monkeypatch.setattr("kernels.running.content.surroundings", lambda: {**surroundings(), "proofs: z3-solver": ""})
