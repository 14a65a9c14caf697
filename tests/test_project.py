"""The distribution: what is in the wheel, what importing it loads, and the README's two commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = {"derive/py.typed", "kernels/py.typed", "derive/cli/schema.json", "derive/library/anchors.toml"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this tree without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_exactly_the_two_packages(wheel: zipfile.ZipFile) -> None:
    top = {name.partition("/")[0] for name in wheel.namelist()}
    assert top == {"derive", "kernels", "derive_kernels-0.1.0.dist-info"}


def test_the_wheel_holds_every_module_and_the_data_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    modules = {str(p.relative_to(ROOT).as_posix()) for top in ("derive", "kernels") for p in (ROOT / top).rglob("*.py")}
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packaged == modules | DATA


def test_the_wheel_works_away_from_the_repository(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    script = "import derive.cli, kernels, sys; derive.cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", script, "rules"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "adam" in done.stdout


def test_the_wheel_declares_the_command_and_its_python(wheel: zipfile.ZipFile) -> None:
    assert b"derive = derive.cli:main" in wheel.read("derive_kernels-0.1.0.dist-info/entry_points.txt")
    metadata = wheel.read("derive_kernels-0.1.0.dist-info/METADATA").decode()
    assert "Requires-Python: >=3.11\n" in metadata
    assert "License-Expression: MIT\n" in metadata


def test_importing_derive_loads_nothing_heavy() -> None:
    script = "import derive, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & {"sympy", "numpy", "numba", "flint", "rich"}


@pytest.mark.parametrize(("name", "end"), [("verify", "derive verify"), ("test", "-m pytest")])
def test_the_readme_has_a_command_that_does_all_the_set_up(name: str, end: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [command] = re.findall(rf"^<!-- command: {name} -->\n```sh\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)
    assert command.startswith("python3 -m venv .venv && ")
    assert command.endswith(end)


def test_continuous_integration_takes_its_commands_from_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text("utf-8")
    assert os.access(script, os.X_OK)
    assert "pip install --quiet ." not in text
    assert "run_command verify" in text
    assert "run_command test" in text


def test_nothing_names_a_registry() -> None:
    files = [ROOT / name for name in ("pyproject.toml", "Makefile", "README.md", ".ci/run")]
    assert [f.name for f in files if re.search(r"index-url|find-links|pypi\.org/simple", f.read_text("utf-8"))] == []
