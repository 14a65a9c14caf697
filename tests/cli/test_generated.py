"""`derive kernel`: the source on standard output or in a file, whole or not at all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from derive.cli.application import run
from derive.cli.generated import write_whole
from derive.errors import UserError


def test_the_source_on_standard_output_is_the_one_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "adam.py"
    assert run(["kernel", "adam", "-o", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert run(["kernel", "adam"]) == 0
    assert capsys.readouterr().out == file.read_text("utf-8")
    imported = {
        a.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Import)
        for a in node.names
    }
    assert imported == {"math", "numpy"}


def test_the_precision_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    run(["kernel", "gradient_descent", "--dtype", "float64"])
    assert "element = np.float64" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing" / "adam.py"
    assert run(["kernel", "gradient_descent", "-o", str(missing)]) == 2
    assert f"error: {missing}: can't write the file" in capsys.readouterr().err
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(UserError, match="can't write"):
        write_whole(folder, "text")
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_is_replaced_in_one_piece_with_ordinary_permissions(tmp_path: Path) -> None:
    file = tmp_path / "kernel.py"
    (tmp_path / "ordinary").touch()
    write_whole(file, "old")
    write_whole(file, "new")
    assert file.read_text("utf-8") == "new"
    assert file.stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kernel.py", "ordinary"]
