"""A row of `derive verify`: each stage speaks for itself, and the worst of them for the row."""

from __future__ import annotations

from typing import Any

import pytest

from derive.cli.row import COLUMNS, Cell, Row, Status, attempt, failed_row, read, worst
from derive.errors import UserError
from derive.library.lookup import find_rule


def raising(error: Exception) -> Any:
    def stage() -> Cell:
        raise error

    return stage


def test_what_a_stage_raises_becomes_its_cell() -> None:
    assert attempt(lambda: Cell("ok", "3/3")) == Cell("ok", "3/3")
    assert attempt(raising(UserError("no", where="a.py:1"))) == Cell("failed", "failed", "a.py:1: no")
    assert attempt(raising(KeyError("m"))) == Cell("failed", "error", "KeyError: 'm'")


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], "ok"),
        (["ok", "none"], "ok"),
        (["ok", "undecided", "none"], "undecided"),
        (["undecided", "failed", "ok"], "failed"),
    ],
)
def test_the_worst_stage_speaks_for_the_whole(statuses: list[Status], whole: Status) -> None:
    assert worst(statuses) == whole


def test_a_rule_whose_worker_died_fails_in_every_column() -> None:
    row = failed_row("adam", "took longer than 180 s and was ended")
    assert row.status == "failed"
    assert [row.document()[column]["status"] for column in COLUMNS] == ["failed"] * len(COLUMNS)


def test_a_cell_gives_its_details_beside_its_text() -> None:
    row = Row("adam", {"program": Cell("ok", "proved", "", {"verdict": "proved"})}, 0.25)
    assert row.document() == {
        "rule": "adam",
        "status": "verified",
        "program": {"status": "ok", "text": "proved", "message": "", "verdict": "proved"},
        "seconds": 0.25,
    }


def test_a_rule_that_changes_while_it_is_verified_is_noticed() -> None:
    assert read("adam", find_rule("adam")).status == "ok"
    assert read("adam", find_rule("adamw")).status == "failed"
