"""`derive map`: what is best, a picture, a file that is gone on with, and what can't be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.cli.application import run
from derive.cli.mapping import problem_of

MAP = ["map", "momentum", "--grid", "lr=0.01:0.16:16,beta=0:0.9:10", "--steps", "200"]


def test_a_table_a_file_and_a_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture, file = tmp_path / "map.svg", tmp_path / "map.npz"
    assert run([*MAP, "--save", str(file), "-o", str(picture)]) == 0
    out = capsys.readouterr().out
    assert "momentum, quadratic of curvatures 1, 25: 200 steps from 160 points" in out
    assert "lr    beta" in out
    assert b"derived threshold" in picture.read_bytes() or b"<svg" in picture.read_bytes()
    assert run([*MAP, "--save", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["points"], shown["saved"], len(shown["rows"])) == (160, str(file), 5)
    assert 0 < shown["settled"] < 160 - shown["diverged"]
    assert run([*MAP[:-1], "201", "--save", str(file)]) == 2
    assert "it holds another grid" in capsys.readouterr().err


def test_ctrl_c_says_what_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kernels.grids.trajectories", interrupted)
    assert run([*MAP, "--save", str(tmp_path / "map.npz")]) == 130
    said = capsys.readouterr().err.split("\n")
    assert said[0] == f"what was done is kept beside {tmp_path}/map.npz; the same command goes on from there"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["momentum", "--grid", "lr"], "'lr' is no axis"),
        (["momentum", "--grid", "lr=1:2:0"], "'lr=1:2:0' is no axis"),
        (["momentum", "--grid", "lr=0:2:9:log"], "'lr=0:2:9:log' is no axis"),
        (["momentum", "--grid", "lr=0.1,lr=0.2"], "lr has two axes"),
        (["momentum", "--grid", "lr=0.1", "--spectrum", "1,b"], "'1,b' are no numbers"),
        (["momentum", "--grid", "lr=0.1", "--start", "1", "--starts", "3"], "exclude each other"),
        (["momentum", "--grid", "lr=0.1", "--problem", "logistic"], "logistic regression needs data"),
        (["momentum", "--grid", "lr=0.1", "--problem", "logistic", "--data", "none.csv"], "can't be read as numbers"),
        (["ewma", "--grid", "lr=0.1"], "ewma is an average"),
        (["momentum", "--grid", "lr=0.1:0.2:3", "--steps", "0"], "--steps"),
        (["momentum", "--grid", "lr=0.1:0.2:3", "-o", "a.jpgg"], "there are no pictures of the kind '.jpgg'"),
        (["momentum", "--grid", "lr=0.1,beta=0.9", "-o", "a.svg"], "no picture has the axes of one point"),
    ],
)
def test_what_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], what: str) -> None:
    if "-o" in arguments:
        pytest.importorskip("matplotlib")
    assert run(["map", *arguments]) == 2
    error = capsys.readouterr().err
    assert what in error
    assert error.count("\n") == 1


def test_logistic_regression_on_a_file(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,0.5,0\n1,-0.5,1\n1,2,0\n1,0.25,1\n")
    problem = problem_of("logistic", "", 2, data, 0.125)
    assert problem.said == "logistic regression on 4 samples"
    assert problem.data.tolist() == [0.125, -1, -0.5, 1, -0.5, -1, -2, 1, 0.25]
