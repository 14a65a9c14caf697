"""`derive kernel`: the source on standard output or in a file, whole or not at all."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from derive.cli import generated
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


def test_a_dash_is_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["kernel", "gradient_descent", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# gradient_descent, float32.")
    assert run(["kernel", "gradient_descent", "-o", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] is None
    assert list(tmp_path.iterdir()) == []


UNDECIDED = """
from derive import rule


@rule(paper="mine")
def mine(theta, g, t, m=0, *, lr=0.01, beta=0.9):
    m = beta * m + (1 - beta) * g
    theta = theta - lr * m / (1 - beta**t)
    return theta, m
"""


@pytest.mark.usefixtures("without_z3")
def test_a_source_that_is_not_proved_is_written_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated, "in_worker", lambda function, *arguments: function(*arguments))
    rules, kernel = tmp_path / "rules.py", tmp_path / "kernel.py"
    rules.write_text(UNDECIDED)
    assert run(["kernel", f"{rules}::mine", "-o", str(kernel)]) == 3
    assert capsys.readouterr().err == (
        "error: mine: the kernel is not proved equal to the rule: "
        "unknown: a power of a negative number with a variable exponent; "
        "z3 may decide it: install z3-solver; "
        "lr, beta may be any real number; declare a domain, as in decay(0.9); --unproved writes it all the same\n"
    )
    assert not kernel.exists()
    assert run(["kernel", f"{rules}::mine", "-o", str(kernel), "--unproved"]) == 0
    assert "# NOT PROVED equal to the rule: unknown." in kernel.read_text()
    assert run(["kernel", f"{rules}::mine", "--unproved", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["proved"] is False


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


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    file, link = tmp_path / "folder" / "kernel.py", tmp_path / "link.py"
    file.parent.mkdir()
    link.symlink_to(file)
    for text in ("created", "replaced"):
        write_whole(link, text)
        assert link.is_symlink()
        assert file.read_text("utf-8") == text


def test_a_link_that_leads_to_itself_is_left_alone(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(UserError, match="can't write"):
        write_whole(loop, "text")
    assert [path.is_symlink() for path in tmp_path.iterdir()] == [True]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_takes_the_text_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(link, "text")
    assert os.read(reading, 100) == b"text"
    os.close(reading)
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_without_room_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = tmp_path / "full"  # by way of a link of our own: were the link replaced, no device would suffer
    link.symlink_to("/dev/full")
    assert run(["prove", "momentum_ema", "momentum", "--save", str(link)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{link}: can't write the file: No space left on device" in err
    assert link.is_symlink()


@pytest.mark.skipif(not Path("/dev/fd/1").exists(), reason="needs names of standard streams")
@pytest.mark.parametrize("piped", [True, False])
def test_standard_output_by_its_name_takes_both_the_source_and_the_answer(tmp_path: Path, piped: bool) -> None:
    link, file = tmp_path / "stdout", tmp_path / "redirected"
    link.symlink_to("/dev/fd/1")
    command = [sys.executable, "-m", "derive.cli", "kernel", "gradient_descent", "--json", "-o", str(link)]
    with file.open("w") as redirected:
        done = subprocess.run(command, stdout=subprocess.PIPE if piped else redirected, text=True, check=True)
    out = done.stdout if piped else file.read_text()
    assert out.startswith("# gradient_descent, float32.")
    assert out.endswith("}\n")
    assert link.is_symlink()
