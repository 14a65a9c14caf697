"""Tables as a person sees them: whole when piped, readable at any width."""

from __future__ import annotations

import re

import pytest

from derive.cli.tables import print_notes, print_table

HEADERS = ("rule", "anchors", "time")
ROWS = [("adam", "3/3", "1.2 s"), ("gradient_descent", "2/2", "0.4 s")]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_table(HEADERS, ROWS)
    return printed_lines(capsys)


def printed_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_pipe_gets_the_whole_table_however_wide(capsys: pytest.CaptureFixture[str]) -> None:
    words = "word " * 200
    print_table(HEADERS, [("adam", words.strip(), "1.2 s")])
    out = capsys.readouterr().out
    assert words.strip() in out
    assert "\x1b" not in out


@pytest.mark.parametrize("columns", [None, 60, 25])
def test_no_line_ends_in_blanks(
    columns: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if columns is not None:
        terminal(monkeypatch, columns)
    print_table(HEADERS, [("adam", "3/3", "1.2 s"), ("gradient_descent", "", "0.4 s")])
    lines = [re.sub(r"\x1b\[\d*m", "", line) for line in capsys.readouterr().out.splitlines()]
    assert lines
    assert all(line == line.rstrip() for line in lines)


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
    assert printed(capsys) == [
        "adam",
        "  anchors  3/3",
        "  time     1.2 s",
        "gradient_descent",
        "  anchors  2/2",
        "  time     0.4 s",
    ]


def test_long_texts_are_folded_while_their_columns_stay_readable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch, 50)
    print_table(("rule", "what"), [("adam", "word " * 12)])
    assert [line[:10].strip() for line in printed_lines(capsys)] == ["rule  what", "adam  word", "word"]
    terminal(monkeypatch, 30)
    print_table(("rule", "what"), [("adam", "word " * 6)])
    assert printed_lines(capsys) == ["adam", "  what  word word word word", "        word word"]


def test_notes_are_whole_in_a_pipe_and_wrapped_between_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_notes(["adam, bits: theta: 1.0, the oracle 1.5"])
    terminal(monkeypatch, 25)
    print_notes(["adam, bits: theta: 1.0, the oracle 1.5"])
    assert capsys.readouterr().out.splitlines() == [
        "adam, bits: theta: 1.0, the oracle 1.5",
        "adam, bits: theta: 1.0,",
        "  the oracle 1.5",
    ]
