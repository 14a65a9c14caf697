"""Tables as a person sees them: whole when piped, readable at any width."""

from __future__ import annotations

import pytest

from derive.cli.tables import print_table

HEADERS = ("rule", "anchors", "time")
ROWS = [("adam", "3/3", "1.2 s"), ("gradient_descent", "2/2", "0.4 s")]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_table(HEADERS, ROWS)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_pipe_gets_the_whole_table_however_wide(capsys: pytest.CaptureFixture[str]) -> None:
    words = "word " * 200
    print_table(HEADERS, [("adam", words.strip(), "1.2 s")])
    out = capsys.readouterr().out
    assert words.strip() in out
    assert "\x1b" not in out


def test_a_pipe_gets_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == [
        "rule              anchors  time",
        "adam              3/3      1.2 s",
        "gradient_descent  2/2      0.4 s",
    ]


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")


def test_a_wide_terminal_gets_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(monkeypatch, 60)
    print_table(HEADERS, ROWS)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_narrow_terminal_gets_a_block_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch, 25)
    assert [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in printed(capsys)] == [
        "adam",
        "  anchors  3/3",
        "  time     1.2 s",
        "gradient_descent",
        "  anchors  2/2",
        "  time     0.4 s",
    ]
