"""`derive verify`: every rule through everything, a row each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.packages import require_own_kernels
from derive.cli.row import COLUMNS, MARK, Row, Status, unanswered_row, verify_rule, worst
from derive.cli.tables import print_notes, print_table
from derive.cli.workers import LimitExceeded, Outcome, run_tasks

if TYPE_CHECKING:
    from rich.text import Text

EXIT: dict[Status, int] = {"ok": 0, "none": 0, "failed": 1, "undecided": 3}
WORD: dict[Status, str] = {"ok": "verified", "none": "verified", "failed": "failed", "undecided": "undecided"}
FEW = 3  # rules about which everything is said
STYLE: dict[Status, str] = {"ok": "green", "none": "dim", "failed": "bold red", "undecided": "yellow"}


@click.command("verify")
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--fresh", is_flag=True, help="Compare every kernel again, also where a report was made before.")
@as_json_option
def verify_command(rules: Sequence[str], fresh: bool, as_json: bool) -> int:
    """Derive, prove, generate, compile and cross-check every rule, or the rules named."""
    require_own_kernels()
    names = list(dict.fromkeys(rules)) or _library()
    started = time.monotonic()
    rows = sorted(_progress(names, fresh), key=lambda indexed: indexed[0])
    _report([row for _, row in rows], time.monotonic() - started, as_json)
    return EXIT[worst([row.status for _, row in rows])]


def _library() -> list[str]:
    from derive.library.lookup import rules

    return [rule.name for rule in rules()]


def _rows(names: Sequence[str], fresh: bool, on_start: Callable[[str], object]) -> Iterator[tuple[int, Row]]:
    """The rows as they are finished, each with the position of its rule among the names.

    `on_start` is told the name of each rule as it begins.
    """
    from derive.library.lookup import find_rule

    rules = [find_rule(name) for name in names]
    tasks = [(verify_rule, (name, rule, fresh)) for name, rule in zip(names, rules, strict=True)]
    with closing(run_tasks(tasks, on_start=lambda index: on_start(rules[index].name))) as outcomes:
        for outcome in outcomes:
            yield outcome.index, outcome.value or _unanswered(rules[outcome.index].name, outcome)


def _unanswered(rule: str, outcome: Outcome) -> Row:
    status: Status = "undecided" if isinstance(outcome.error, LimitExceeded) else "failed"
    return unanswered_row(rule, status, str(outcome.error).partition("\n")[0])


def _progress(names: Sequence[str], fresh: bool) -> list[tuple[int, Row]]:
    """The rows, with a bar on standard error while they are made, or lines where there is no terminal."""
    return _with_bar(names, fresh) if sys.stderr.isatty() else _with_lines(names, fresh)


def _with_lines(names: Sequence[str], fresh: bool) -> list[tuple[int, Row]]:
    rows = []
    for position, row in _rows(names, fresh, lambda rule: click.echo(f"{rule}: started", err=True)):
        rows.append((position, row))
        click.echo(f"{row.rule}: {WORD[row.status]} ({row.seconds:.1f} s)", err=True)
    return rows


def _with_bar(names: Sequence[str], fresh: bool) -> list[tuple[int, Row]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    rows = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(names))
        for position, row in _rows(names, fresh, lambda rule: progress.update(bar, description=rule)):
            rows.append((position, row))
            progress.update(bar, advance=1)
    return rows


def _report(rows: Sequence[Row], seconds: float, as_json: bool) -> None:
    status = WORD[worst([row.status for row in rows])]
    if as_json:
        write_json(document("verify", status=status, seconds=round(seconds, 3), rows=[row.document() for row in rows]))
        return
    print_table(("rule", *COLUMNS, "time"), [_cells(row) for row in rows])
    print_notes([*(note for row in rows for note in complaints(row)), *regions(rows), *absences(rows)])
    verified = sum(WORD[row.status] == "verified" for row in rows)
    click.echo(f"{verified} of {len(rows)} verified in {seconds:.0f} s")
    sys.stdout.flush()


def complaints(row: Row) -> list[str]:
    """What failed or is undecided, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for column, cell in row.cells.items():
        if cell.status in ("failed", "undecided"):
            for reason in (cell.message or cell.text).splitlines():
                reasons.setdefault(reason, []).append(column)
    return [
        f"{row.rule}: {reason}" if columns == list(COLUMNS) else f"{row.rule}, {', '.join(columns)}: {reason}"
        for reason, columns in reasons.items()
    ]


def regions(rows: Sequence[Row]) -> list[str]:
    """Where no rounding bound holds: in full for a few rules, for many the way to ask."""
    marked = [row for row in rows if row.regions]
    if len(marked) > FEW:
        return [f"{MARK} no rounding bound holds for a part of the inputs; `derive verify RULE` says for which"]
    return [f"{MARK} {row.rule}, {dtype}: {region}" for row in marked for dtype, region in row.regions.items()]


def absences(rows: Sequence[Row]) -> list[str]:
    """For a few rules, what there is none of."""
    if len(rows) > FEW:
        return []
    return [
        f"{row.rule}, {name}: {c.message}"
        for row in rows
        for name, c in row.cells.items()
        if c.status == "none" and c.message
    ]


def _cells(row: Row) -> list[Text | str]:
    from rich.text import Text

    cells = [Text(row.cells[column].text, STYLE[row.cells[column].status]) for column in COLUMNS]
    return [row.rule, *cells, f"{row.seconds:.1f} s"]
