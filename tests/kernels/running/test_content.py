"""The name of a kernel's content: whatever decides its code, proofs or reports is in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import kernels
from derive.expr import Symbol
from derive.library.lookup import find_rule
from derive.rule import Assignment, Hyperparameter
from kernels.running import content
from kernels.running.content import checksum, content_key, graph, sources, surroundings

RULE = find_rule("gradient_descent")
ROOT = Path(kernels.__file__).parents[1]


def test_every_thing_that_matters_is_in_the_key() -> None:
    """Numba's own key knows neither fast-math nor other files; a stale hit gave wrong answers."""
    base = content_key(RULE, "float32")
    other = replace(RULE, body=(Assignment("theta", Symbol("theta") + Symbol("lr") * Symbol("g")),))
    wider = replace(RULE, hyperparameters=(Hyperparameter("lr", RULE.hyperparameters[0].default),))
    keys = [base, content_key(RULE, "float64"), content_key(other, "float32"), content_key(wider, "float32")]
    assert len(set(keys)) == 4
    assert {"generator", "source", "python", "numpy", "numba", "llvmlite", "processor", "features", "flags"} <= set(
        surroundings()
    )


@pytest.mark.parametrize("changed", ["source", "proofs: z3-solver", "proofs: python-flint"])
def test_another_generator_or_prover_is_another_key(monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    base = content_key(RULE, "float32")
    monkeypatch.setattr(content, "surroundings", lambda: {**surroundings(), changed: "changed"})
    assert changed in surroundings()
    assert content_key(RULE, "float32") != base


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The two packages elsewhere, to be spoiled."""
    for package in ("derive", "kernels"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_change_in_any_file_of_any_folder_changes_the_checksum(copy: Path) -> None:
    base = checksum(copy)
    assert base == checksum(ROOT)
    files = [*(copy / "kernels").rglob("*.py"), *(copy / "derive" / "proving").rglob("*.py"), copy / "derive/ops.py"]
    assert {f.parent.name for f in files} >= {"kernels", "passes", "running", "measuring", "proving"}
    for file in files:
        text = file.read_text()
        file.write_text(text + "\n")
        assert checksum(copy) != base, file
        file.write_text(text)
    assert checksum(copy) == base


def test_a_file_added_moved_or_gone_changes_the_checksum(copy: Path) -> None:
    seen = {checksum(copy)}
    (copy / "kernels" / "running" / "more.py").write_text("")
    seen.add(checksum(copy))
    (copy / "kernels" / "running" / "more.py").rename(copy / "kernels" / "measuring" / "more.py")
    seen.add(checksum(copy))
    (copy / "kernels" / "passes" / "hoist.py").unlink()
    seen.add(checksum(copy))
    assert len(seen) == 4


USED = """
import sys
from derive.library.lookup import find_rule
from kernels.verification import verify_kernel
verify_kernel(find_rule("gradient_descent"), "float32", fresh=True)
ours = [m for m in sys.modules.values() if m.__name__.startswith(("derive.", "kernels."))]
print(*sorted(m.__file__ for m in ours if m.__file__))
"""


def test_whatever_making_and_verifying_a_kernel_uses_is_among_the_sources() -> None:
    done = subprocess.run([sys.executable, "-c", USED], cwd=ROOT, capture_output=True, text=True, check=True)
    used = {Path(name) for name in done.stdout.split()}
    assert ROOT / "kernels" / "measuring" / "rounding.py" in used
    assert {f.parent for f in used - set(sources(ROOT))} == {ROOT / "derive" / "library"}


def test_the_graph_of_an_expression_is_linear_in_its_nodes() -> None:
    x = Symbol("x")
    for _ in range(200):
        x = x * x  # type: ignore[assignment]
    assert len(graph(x)) == 201
