"""`derive verify` from outside: a row for each rule, the exit status of the worst, progress apart from the table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from derive.cli import verification
from derive.cli.application import run
from derive.cli.row import COLUMNS, Cell, Row, Status
from derive.cli.workers import LimitExceeded, Outcome

USER_RULE = """
from derive import rule
from derive.language import decay, nonnegative


@rule(paper="mine")
def mine(theta, g, v=0, *, lr=nonnegative(0.01), beta=decay(0.9)):
    v = beta * v + lr * g
    theta = theta - v
    return theta, v
"""


def answers(monkeypatch: pytest.MonkeyPatch, *statuses: Status | None) -> None:
    """Let the workers answer with these statuses; None is a worker that was ended."""

    def run_tasks(tasks: Sequence[Any]) -> Iterator[Outcome]:
        for index, status in reversed(list(enumerate(statuses))):
            name = tasks[index][1][0]
            cells = {column: Cell("ok", "ok") for column in COLUMNS} | {
                "anchors": Cell(status or "ok", "2/3", "step 3")
            }
            if status is None:
                yield Outcome(index, error=LimitExceeded("took longer than 180 s and was ended"))
            else:
                yield Outcome(index, Row(name, cells, 1.0))

    monkeypatch.setattr(verification, "run_tasks", run_tasks)


@pytest.mark.parametrize(
    ("statuses", "code", "word"),
    [
        (["ok", "none"], 0, "verified"),
        (["ok", "failed"], 1, "failed"),
        (["failed", "undecided"], 1, "failed"),
        (["undecided", "ok"], 3, "undecided"),
        (["ok", None], 3, "undecided"),
    ],
)
def test_the_exit_status_is_that_of_the_worst_row(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    statuses: list[Status | None],
    code: int,
    word: str,
) -> None:
    answers(monkeypatch, *statuses)
    assert run(["verify", "adam", "adamw", "--json"]) == code
    content = json.loads(capsys.readouterr().out)
    assert content["status"] == word
    assert [row["rule"] for row in content["rows"]] == ["adam", "adamw"]  # as asked, not as finished


def test_the_table_has_a_row_for_each_rule_and_says_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, "ok", "failed", None)
    run(["verify", "adam", "adamw", "adam_l2"])
    out, err = capsys.readouterr()
    header, *rows = out.splitlines()
    assert header.split() == ["rule", *COLUMNS, "time"]
    assert rows[0].split() == ["adam", "ok", "2/3", *["ok"] * 7, "1.0", "s"]
    assert "adamw, anchors: step 3" in rows
    assert "adam_l2: took longer than 180 s and was ended" in rows
    assert rows[-1].startswith("1 of 3 verified in ")
    assert err.splitlines() == ["adam_l2: undecided (0.0 s)", "adamw: failed (1.0 s)", "adam: verified (1.0 s)"]


@pytest.mark.slow
def test_a_rule_in_a_file_goes_through_the_same_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(USER_RULE + "\nraise SystemExit('executed')\n")
    assert run(["verify", f"{file}::mine", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert row["rule"] == "mine"
    assert row["anchors"]["status"] == "none"
    assert row["program"]["float32"]["verdict"] == row["source"]["float64"]["verdict"] == "proved"
