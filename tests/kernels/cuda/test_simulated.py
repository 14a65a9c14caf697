"""Kernels for cards in Numba-CUDA's simulator, a process for all of it: every rule's bits are the oracle's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from derive.library import LIBRARY

pytest.importorskip("numba_cuda")

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    path = os.pathsep.join([str(ROOT), *(p for p in sys.path if p)])
    done = subprocess.run([sys.executable, "-m", "tests.kernels.cuda.simulated"], capture_output=True, text=True,
                          timeout=300, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": path})  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_rule_is_proved_and_has_the_bits_of_the_oracle(answers: dict[str, Any]) -> None:
    assert {f"{rule.name} float32" for rule in LIBRARY} <= answers["bits"].keys()
    assert {name: words for name, words in answers["bits"].items() if words != "equal"} == {}


def test_a_wrong_kernel_has_other_bits(answers: dict[str, Any]) -> None:
    assert answers["mutant"] == "different"


def test_a_list_of_tensors_steps_as_each_alone(answers: dict[str, Any]) -> None:
    assert answers["tensors"] == {"(2, 3)": True, "()": True, "(0,)": True, "(5,)": True, "moved": True}


def test_the_norm_of_all_tensors_is_that_of_the_list(answers: dict[str, Any]) -> None:
    assert answers["clipped"] == "equal"


def test_what_must_not_be_stepped_is_refused_before_anything_is_stored(answers: dict[str, Any]) -> None:
    *refused, untouched = answers["refusals"]
    expected = [
        "theta must be an array on the card, not ndarray",
        "g is float64, the kernel float32",
        "g has shape (2, 2), theta (4,)",
        "g is not C-contiguous",
        "theta and g share memory",
        "[1] share memory",
        "g and theta are not both arrays, or lists of one length",
        "adam counts its steps",
        "t must be at least 1",
        "beta1 must be a finite number in [0, 1)",
        "adam has no hyperparameter 'beta3'",
        "state has no 'm'",
        "adam takes its gradient at theta",
        "lr must be a finite number in",
    ]
    assert len(refused) == len(expected)
    for message, words in zip(refused, expected, strict=True):
        assert words in message
        assert ";" in message, "an error says how to mend it"
    assert untouched == "untouched"


def test_the_comparison_with_peers_runs_and_names_who_is_left_out(answers: dict[str, Any]) -> None:
    kernel, copy, *torch = answers["table"]
    assert kernel.startswith("kernel")
    assert copy.startswith("copy")
    assert copy.endswith("100.0%")
    assert [row.split()[:3] for row in torch] == [["torch", "fused", "skipped:"], ["torch", "foreach", "skipped:"]]
