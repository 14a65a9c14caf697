"""A row of `derive verify`: each stage speaks for itself, and the worst of them for the row."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from derive.cli.row import (
    COLUMNS,
    FROM_KERNEL,
    Cell,
    Row,
    Status,
    advised,
    attempt,
    kernel_cells,
    read,
    unanswered_row,
    worst,
)
from derive.errors import UserError
from derive.library.lookup import find_rule
from kernels.certificate import Proof


def raising(error: Exception) -> Any:
    def stage(*_: object, **__: object) -> Cell:
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


def test_a_rule_whose_worker_was_ended_is_undecided_in_every_column() -> None:
    row = unanswered_row("adam", "undecided", "took longer than 180 s and was ended")
    assert row.status == "undecided"
    assert [row.document()[column]["status"] for column in COLUMNS] == ["undecided"] * len(COLUMNS)


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


def test_a_rule_that_is_undefined_everywhere_is_good_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("from derive import rule\n\n\n@rule(paper='mine')\ndef mine(theta, g):\n    return theta - g / 0\n")
    name = f"{file}::mine"
    assert read(name, find_rule(name)).message == "the step of theta is undefined for all inputs"


def test_a_proof_that_does_not_hold_says_which_domains_were_left_open(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text(
        "from derive import rule\nfrom derive.language import decay\n\n\n@rule(paper='mine')\n"
        "def mine(theta, g, *, lr=0.1, beta=decay(0.9)):\n    return theta - lr * beta * g\n"
    )
    cells = {name: Cell("ok", "ok") for name in COLUMNS} | {"program": Cell("undecided", "unknown", "unknown: why")}
    told = advised(find_rule(f"{file}::mine"), cells)
    assert told["program"].message.splitlines() == [
        "unknown: why",
        "lr may be any real number; declare a domain, as in decay(0.9)",
    ]
    assert {name for name, cell in told.items() if cell.message} == {"program"}
    assert advised(find_rule("adam"), cells) == cells


def reported(monkeypatch: pytest.MonkeyPatch, **changed: dict[str, Any]) -> dict[str, Cell]:
    """The cells of a kernel that holds in every part, but for what is changed, by precision."""
    import kernels.verification

    good = {
        "program_proved": Proof("proved"), "readback_proved": Proof("proved"),
        "bits": (True, "9 values equal"), "rounding": (True, "9 of 9", ""), "special": (True, "kept"),
    }  # fmt: skip

    def verify_kernel(rule: object, dtype: str, fresh: bool) -> SimpleNamespace:
        return SimpleNamespace(**{**good, **changed.get(dtype, {})})

    monkeypatch.setattr(kernels.verification, "verify_kernel", verify_kernel)
    return kernel_cells(find_rule("adam"))


def test_a_kernel_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = reported(monkeypatch)
    assert {column: cell.text for column, cell in cells.items()} == {
        "program": "proved", "source": "proved", "bits": "ok", "rounding": "ok", "special": "ok",
    }  # fmt: skip
    assert cells["program"].details["float64"]["verdict"] == "proved"


@pytest.mark.parametrize(
    ("column", "wrong", "status", "text"),
    [
        ("program", {"program_proved": Proof("refuted", "m differs")}, "failed", "refuted"),
        ("program", {"program_proved": Proof("unknown", "too many roots")}, "undecided", "unknown"),
        ("source", {"readback_proved": Proof("conditional", "eps = 0")}, "failed", "conditional"),
        ("bits", {"bits": (False, "theta: 1.0, the oracle 1.5")}, "failed", "failed"),
        ("rounding", {"rounding": (False, "theta is farther than 0", "")}, "failed", "failed"),
        ("rounding", {"rounding": (True, "9 of 9", "overflow in g * g")}, "ok", "ok*"),
        ("special", {"special": (False, "not declared: inf")}, "failed", "failed"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_worse_precision_speaks_for_a_column(
    monkeypatch: pytest.MonkeyPatch, dtype: str, column: str, wrong: dict[str, Any], status: Status, text: str
) -> None:
    cells = reported(monkeypatch, **{dtype: wrong})
    assert (cells[column].status, cells[column].text) == (status, text)
    assert cells[column].message.startswith(f"{dtype}: ") or status == "ok"
    assert {c.status for name, c in cells.items() if name != column} == {"ok"}


def test_what_both_precisions_say_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    undecided = {"program_proved": Proof("unknown", "too many roots")}
    cells = reported(monkeypatch, float32=undecided, float64=undecided)
    assert cells["program"].message == "unknown: too many roots"


def test_a_kernel_that_cannot_be_made_fails_in_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    import kernels.verification

    monkeypatch.setattr(kernels.verification, "verify_kernel", raising(UserError("can't be compiled")))
    cells = kernel_cells(find_rule("adam"))
    assert {cell.message for cell in cells.values()} == {"can't be compiled"}
    assert {cell.status for cell in cells.values()} == {"failed"}
    assert set(cells) == set(FROM_KERNEL)
