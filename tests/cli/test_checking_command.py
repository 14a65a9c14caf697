"""`derive check` and `derive identify`: exit statuses, both forms of output, and what cannot be asked."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from derive.cli import checking
from derive.cli.application import run
from derive.cli.workers import LimitExceeded
from tests.cli.test_documents import SCHEMA

RIGHT = "v = mu * v + dw\nw = w - lr * v\n"
WRONG = "v = mu * v + dw\nw = w - lr * dw\n"


def saved(folder: Path, text: str) -> str:
    file = folder / "pasted.txt"
    file.write_text(text)
    return str(file)


def test_code_that_is_the_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", saved(tmp_path, RIGHT), "--against", "momentum_lr_outside"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("proved against momentum_lr_outside")
    assert "theta = w, g = dw" in out
    assert "v = 0" in out  # what was assumed at the start
    assert "\ndomains, as the rule has them: lr in [0, ∞), mu in [0, 1)\n" in out


def test_a_number_in_the_text_has_no_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", saved(tmp_path, "v = 0.9 * v + dw\nw = w - lr * v"), "--against", "momentum_lr_outside"])
    assert "\ndomains, as the rule has them: lr in [0, ∞)\n" in capsys.readouterr().out


def test_code_that_is_not_has_its_line_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", saved(tmp_path, WRONG), "--against", "momentum_lr_outside", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["fault"]["lines"] == [2]
    assert content["fault"]["message"] == "line 2 reads `dw` where the rule has `v`"


def test_expected_is_what_the_rule_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", saved(tmp_path, "w = w - 2 * lr * dw**3"), "--against", "gradient_descent", "--json"])
    shown = json.loads(capsys.readouterr().out)["counterexample"]
    [row] = [row for row in shown["rows"] if row["parts"]]
    assert (row["b"], row["a"]) == (shown["expected"], shown["actual"])


def test_the_run_is_a_script_too_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, script in (([], False), (["--python"], True)):
        run(["check", saved(tmp_path, "w = w - 2 * lr * dw**3"), "--against", "gradient_descent", *arguments])
        out, err = capsys.readouterr()
        assert ("from fractions import Fraction" in out) is script
        assert err == ("" if script else "--python prints the same run as a script\n")


def test_a_proof_against_the_names_fails_when_strict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = saved(tmp_path, "v = mu * v + (1 - mu) * dw\nw = w - lr * v")
    for arguments, status in (([], 0), (["--strict"], 1)):
        assert run(["check", shared, "--against", "momentum", "--json", *arguments]) == status
        content = json.loads(capsys.readouterr().out)
        jsonschema.validate(content, SCHEMA)
        fault = content["fault"] if arguments else content["as_they_stand"]["fault"]
        assert fault["message"] == "line 1 reads `(1 - mu) * dw` where the rule has `dw`"
        assert content["hyperparameters"]["lr"] == ("lr" if arguments else "lr * (1 - mu)")


def test_data_is_in_the_texts_names_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = saved(tmp_path, WRONG.replace("lr * dw", "lr * (dw + mu**2 * v)"))
    run(["check", shared, "--against", "momentum_lr_outside", "--json"])
    content = json.loads(capsys.readouterr().out)
    jsonschema.validate(content, SCHEMA)
    assert content["condition"]["any_of"] == ["mu = 0"]
    assert set(content["counterexample"]["hyperparameters"]["a"]) == {"lr", "mu"}
    assert content["counterexample"]["name"] == "w"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RIGHT.encode())))
    assert run(["check", "-", "--against", "momentum_lr_outside", "--map", "w=theta,dw=g"]) == 0
    assert capsys.readouterr().out.startswith("proved")


def test_the_known_rule_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["identify", saved(tmp_path, "w = w - lr * dw"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert (rows[0]["rule"], rows[0]["verdict"]) == ("gradient_descent", "proved")


def test_what_was_found_before_the_limit_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(function: Any, *arguments: Any, seconds: float) -> tuple[list[Any], bool]:
        return [next(function(*arguments))], True

    monkeypatch.setattr(checking, "parts_from_worker", slow)
    assert run(["identify", saved(tmp_path, RIGHT)]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (2, "the search was ended after 60 s; --seconds gives it more\n")
    monkeypatch.setattr(checking, "parts_from_worker", lambda *_, **__: ([], True))
    assert run(["identify", saved(tmp_path, RIGHT)]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "nowhere.txt", "--against", "adam"],
            "nowhere.txt: cannot be read: No such file or directory; give the path of a text with code or pseudocode",
        ),
        (["check", "{}", "--against", "adm"], "no rule 'adm'"),
        (["check", "{}"], "Missing option '--against'"),
        (["check", "{}", "--against", "adam", "--map", "w"], "'w' is not NAME=ROLE"),
        (["check", "::f", "--against", "adam"], "'::f' is not PATH::NAME"),
        (["check", "{}", "--against", "adam", "--map", "w=weights"], "'weights' is no role of adam"),
        (["identify", "{}", "--map", "w=weights"], "'weights' is no role of any rule"),
        (["identify", "nowhere.py"], "nowhere.py: cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    file = saved(tmp_path, RIGHT)
    assert run([argument.format(file) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


FORMS = """
def form_a(w, dw, v, alpha=0.1, beta=0.9):
    v = beta * v + dw
    return w - alpha * v, v

def form_b(p, grad, buf, rate=0.1, mu=0.9):
    buf = mu * buf + rate * grad
    return p - buf, buf

def form_c(p, grad, buf, rate=0.1, mu=0.9):
    buf = mu * buf + rate * grad**3
    return p - buf, buf
"""


def test_two_pieces_of_code_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "forms.py").write_text(FORMS)
    assert run(["check", f"{tmp_path}/forms.py::form_a", "--against", f"{tmp_path}/forms.py::form_b"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("proved against form_b")
    assert "in form_b theta = p, g = grad" in out
    assert "mu, rate of form_b may be any real numbers" in out
    assert run(["check", f"{tmp_path}/forms.py::form_a", "--against", f"{tmp_path}/forms.py::form_c"]) == 1


ROOT = "def f(w, dw, v, lr, b):\n    v = b * v + (1 - b) * {}\n    return w - lr * dw / np.sqrt(v), v\n"


def test_code_that_is_undefined_somewhere_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, square in (("right", "dw**2"), ("wrong", "dw")):
        (tmp_path / f"{name}.py").write_text(ROOT.format(square))
    assert run(["check", f"{tmp_path}/right.py", "--against", f"{tmp_path}/wrong.py::f"]) == 1
    assert "line 2 reads `dw**2` where the rule has `dw`" in capsys.readouterr().out


def test_a_notebook_is_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        ("markdown", ["# Notes"]),
        ("code", ["%matplotlib inline\n", "v = mu * v + dw\n"]),
        ("code", ["w -= lr * v"]),
    ]
    made = {"cells": [{"cell_type": kind, "source": source} for kind, source in cells]}
    (tmp_path / "notes.ipynb").write_text(json.dumps(made))
    assert run(["check", f"{tmp_path}/notes.ipynb", "--against", "momentum_lr_outside"]) == 0
    (tmp_path / "notes.ipynb").write_text("[]")
    assert run(["check", f"{tmp_path}/notes.ipynb", "--against", "momentum_lr_outside"]) == 2
    assert capsys.readouterr().err.endswith("notes.ipynb: is no notebook; copy the code out of it\n")


@pytest.mark.parametrize("data", [b"%PDF-1.5\nv = 1", b"v = \x00\x01"])
def test_what_is_no_text_is_refused_as_such(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "paper.pdf").write_bytes(data)
    assert run(["check", f"{tmp_path}/paper.pdf", "--against", "adam"]) == 2
    assert "paper.pdf: is no text; copy the code or the formula out of it" in capsys.readouterr().err


def test_prose_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", saved(tmp_path, "Dear all,\nhow does Adam work?\n"), "--against", "adam"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_limit_exceeded_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(*_: object, **__: object) -> None:
        raise LimitExceeded("took longer than 60 s and was ended")

    monkeypatch.setattr(checking, "in_worker", slow)
    assert run(["check", saved(tmp_path, RIGHT), "--against", "adam", "--json"]) == 3
    content = json.loads(capsys.readouterr().out)
    jsonschema.validate(content, SCHEMA)
    assert (content["verdict"], content["message"]) == ("unknown", "the search took longer than 60 s and was ended")
