"""`derive bench`: a table for each size, who was skipped, a plot, a document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derive.cli.application import run


def test_the_tensors_of_a_network_may_be_divided(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "momentum", "--peers", "kernel", "--rounds", "1", "--network", "gpt2/100000"]) == 0
    assert "momentum, float32, 1,306 elements in 148 tensors\n" in capsys.readouterr().out


QUICK = ["--rounds", "1", "--sizes", "10"]


def test_a_table_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "momentum", "--peers", "numpy,torch fused", "--rounds", "1", "--sizes", "1,1e2"]) == 0
    out = capsys.readouterr().out
    assert "momentum, float32, 1 element\n" in out
    assert "momentum, float32, 100 elements\n" in out
    assert out.count("numpy ") == 2
    assert "skipped: torch fused: PyTorch has no momentum" in out


def test_a_document_and_a_plot(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot = tmp_path / "throughput.svg"
    assert run(["bench", "adam", *QUICK, "--peers", "c", "--dtype", "float64", "--plot", str(plot), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["peer"] for row in shown["rows"]] == ["kernel", "floor", "c"]
    assert {row["bytes_per_element"] for row in shown["rows"]} == {56}
    kernel, floor, c = (row["median_seconds"] for row in shown["rows"])
    assert [row["of_floor"] for row in shown["rows"]] == [kernel / floor, 1, c / floor]
    assert shown["best"] == [
        {"rule": "adam", "elements": 10, "tensors": 1, "kernel_of_floor": kernel / floor, "best_peer": "c",
         "kernel_of_best_peer": kernel / c},
    ]  # fmt: skip
    assert shown["machine"]["model"]
    assert shown["versions"]["gcc"]
    assert shown["machine"]["threads"] >= 1
    assert "numba" in shown["versions"]
    assert b"<svg" in plot.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--sizes", "many"], "'many' are no sizes"),
        (["--sizes", "0"], "'0' are no sizes"),
        (["--network", "gpt2/0"], "there is no network 'gpt2/0'"),
        (["--network", "gpt3"], "there is no network 'gpt3'"),
        (["--peers", "fortran"], "there is no peer 'fortran'"),
        (["ewma"], "ewma is an average"),
        (["adm"], "no rule 'adm'"),
        (["adam", "lion", "--plot", "a.svg"], "a plot shows one rule"),
    ],
)
def test_what_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str], what: str) -> None:
    assert run(["bench", *arguments]) == 2
    assert what in capsys.readouterr().err
