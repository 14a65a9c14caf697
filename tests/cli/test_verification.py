"""`derive verify` from outside: a row for each rule, the exit status of the worst, progress apart from the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from derive.cli import verification
from derive.cli.application import run
from derive.cli.row import COLUMNS, Cell, Row, Status
from derive.cli.verification import absences, complaints
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

    def run_tasks(tasks: Sequence[Any], on_start: Callable[[int], object]) -> Iterator[Outcome]:
        for index, status in reversed(list(enumerate(statuses))):
            on_start(index)
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
    assert rows[0].split() == ["adam", "ok", "2/3", *["ok"] * (len(COLUMNS) - 2), "1.0", "s"]
    assert "adamw, anchors: step 3" in rows
    assert "adam_l2: took longer than 180 s and was ended" in rows
    assert rows[-1].startswith("1 of 3 verified in ")
    assert err.splitlines() == [
        "adam_l2: started", "adam_l2: undecided (0.0 s)",
        "adamw: started", "adamw: failed (1.0 s)",
        "adam: started", "adam: verified (1.0 s)",
    ]  # fmt: skip


def test_a_rule_named_twice_is_verified_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, "ok")
    assert run(["verify", "adam", "adam"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 of 1 verified in ")


@pytest.mark.parametrize("arguments", [[], ["--fresh"]])
def test_a_fresh_report_is_asked_for(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    asked: list[tuple[Any, ...]] = []

    def run_tasks(tasks: Sequence[Any], **_: object) -> Iterator[Outcome]:
        asked.extend(arguments for _, arguments in tasks)
        yield Outcome(0, Row("adam", {column: Cell("ok", "ok") for column in COLUMNS}, 1.0))

    monkeypatch.setattr(verification, "run_tasks", run_tasks)
    run(["verify", "adam", *arguments])
    assert [(name, fresh) for name, _, fresh in asked] == [("adam", bool(arguments))]


def test_reasons_are_said_once_for_the_columns_that_share_them() -> None:
    same = Cell("undecided", "unknown", "unknown: why")
    row = Row("mine", {"derivations": Cell("failed", "0/2", "unknown: why\nrefuted: no"), "program": same}, 1.0)
    assert complaints(row) == ["mine, derivations, program: unknown: why", "mine, derivations: refuted: no"]


def test_what_there_is_none_of_is_said_for_a_few_rules() -> None:
    row = Row("mine", {"anchors": Cell("none", "none", "no anchors"), "invariants": Cell("none", "none")}, 1.0)
    assert absences([row]) == ["mine, anchors: no anchors"]
    assert absences([row] * 4) == []


@pytest.mark.slow
def test_a_rule_in_a_file_goes_through_the_same_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(USER_RULE + "\nraise SystemExit('executed')\n")
    assert run(["verify", f"{file}::mine", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    assert row["rule"] == "mine"
    assert row["anchors"]["status"] == "none"
    assert row["program"]["float32"]["verdict"] == row["source"]["float64"]["verdict"] == "proved"
