"""In people's own tests: a verdict that is not proved fails, and the failure shows where the rules part."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from derive.testing import assert_same

OWN_TESTS = """
from derive import check, prove
from derive.testing import assert_same

def test_proved():
    assert prove("momentum_ema", "momentum")
    assert_same("momentum_ema", "momentum")

def test_asserted():
    assert prove("momentum", "gradient_descent")

def test_named():
    verdict, other = prove("momentum", "gradient_descent"), prove("adam", "adam_eps_hat")
    assert verdict

def test_helper():
    assert_same("momentum", "gradient_descent")

def test_checked():
    assert check("w = w - lr * dw\\nv = 0.9 * v + dw", "momentum")

def test_about_something_else():
    verdict = prove("momentum", "gradient_descent")
    assert 1 == 2

def test_without_its_text():
    exec("assert 1 == 2", {"verdict": prove("momentum", "gradient_descent")})
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What pytest prints of each failing test, in a project of its own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "test_own.py").write_text(OWN_TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "derive.pytest_plugin", "-p", "no:cacheprovider", str(folder)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=_with_path(root))
    assert "6 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    failures, _, _ = done.stdout.partition("short test summary")  # its lines are whole where `CI` is set
    parts = failures.split("\n____")
    return {part.split()[1]: part for part in parts[1:]}


def _with_path(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}


def test_code_that_is_not_the_rule_is_shown_too(output: dict[str, str]) -> None:
    assert "against momentum: " in output["test_checked"]


@pytest.mark.parametrize("name", ["test_asserted", "test_named", "test_helper"])
def test_the_counterexample_is_shown_once(output: dict[str, str], name: str) -> None:
    assert output[name].count("<- here they part") == 1
    assert "momentum" in output[name]


def test_only_the_verdicts_of_the_failing_line_are_shown(output: dict[str, str]) -> None:
    assert "adam_eps_hat (B)" not in output["test_named"]
    assert "B adam_eps_hat" not in output["test_named"]
    assert "here they part" not in output["test_about_something_else"]
    assert "here they part" not in output["test_without_its_text"]


def test_the_helper_raises_with_the_whole_answer() -> None:
    assert_same("momentum_ema", "momentum", hyperparameters={"lr": "lr * (1 - beta)"}, states={"v": "lr * v"})
    with pytest.raises(AssertionError, match="here they part"):
        assert_same("momentum", "gradient_descent")
