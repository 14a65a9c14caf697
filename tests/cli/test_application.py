"""How the command ends: exit statuses, one line for an error, one document for `--json`, nothing heavy for help."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from derive.cli import application, library
from derive.cli.application import run
from derive.cli.workers import LimitExceeded
from derive.errors import UserError

HEAVY = {"sympy", "numpy", "ml_dtypes", "numba", "llvmlite", "flint", "mpmath", "rich"}


def derive(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "derive.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["--version"], ["bogus"]])
def test_help_and_usage_errors_import_nothing_heavy(arguments: list[str]) -> None:
    script = "import sys; from derive.cli.application import run; run(sys.argv[1:]); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.rstrip("]\n").replace("'", "").split(", ")}
    assert not loaded & HEAVY


def test_help_lists_the_commands_that_are_built_and_no_others() -> None:
    assert set(application.application.commands) == {
        "rules", "show", "prove", "check", "identify", "hazards", "claims", "kernel", "verify", "bench", "map",
    }  # fmt: skip


def test_an_unknown_rule_is_one_line_with_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "adm"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: no rule 'adm'; did you mean")


@pytest.mark.parametrize(
    ("arguments", "where", "what"),
    [
        (["bogus", "--json"], "derive", "No such command 'bogus'"),
        (["show", "--json"], "derive show", "Missing argument 'RULE'"),
        (["kernel", "adam", "--dtype", "int8", "--json"], "derive kernel", "'int8' is not one of"),
        (["show", "adm", "--json"], "", "no rule 'adm'"),
        (["verify", "adm", "--json"], "", "no rule 'adm'"),
        (["kernel", "no_such_file.py::f", "--json"], "", "no_such_file.py"),
    ],
)
def test_an_error_is_a_document_too(
    capsys: pytest.CaptureFixture[str], arguments: list[str], where: str, what: str
) -> None:
    assert run(arguments) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert what in f"{error['where']} {error['what']}"
    assert where in error["where"]


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (UserError("no file", where="x.py", fix="name another"), 2, "error: x.py: no file; name another"),
        (LimitExceeded("took too long"), 3, "error: took too long"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("surprise"), 70, "error: a defect of derive: RuntimeError: surprise"),
    ],
)
def test_each_way_of_ending_has_its_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    status: int,
    message: str,
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr(library, "print_table", fail)
    assert run(["rules"]) == status
    assert capsys.readouterr().err.splitlines()[-1] == message


def test_only_a_defect_shows_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "print_table", fail)
    run(["rules"])
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", ["rules", "rules --json", "show adm --json", "--help"])
def test_a_reader_that_closes_the_pipe_early_gets_no_complaint(arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "derive.cli", *arguments.split()]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["rules"], ["rules", "--json"], ["show", "adm", "--json"], ["--help"]])
def test_output_that_cannot_be_written_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "derive.cli", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: can't write the output: No space left on device; send it where there is room\n"


def test_output_that_the_terminal_cannot_show_is_spelled() -> None:
    done = derive("rules", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert r"M\xe9thode" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX only")
def test_ctrl_c_ends_the_command_and_its_workers_without_a_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "DERIVE_CACHE_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "derive.cli", "verify"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()  # the first rule is done, so workers are at work
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)  # ends only when no worker holds the pipe any more
    assert process.returncode == 130
    assert "Traceback" not in first + err
    assert err.splitlines()[-1] == "interrupted"


def test_ctrl_c_while_the_command_is_imported_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    done = derive("rules", env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("check", ("PATH is a .py file", "RULE is a name of the library")),
        ("identify", ("PATH is a .py file",)),
        ("prove", ("A and B are names of the library", "With --recheck FILE, A and B are left out")),
    ],
)
def test_help_says_what_may_be_given_and_what_the_status_means(
    command: str, said: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in (*said, "Exit status: 0 proved, 1 conditional or refuted, 2 unusable input, 3 undecided."):
        assert part in shown
