"""Tables that stay readable: complete and plain when piped, a block for each row where the terminal is narrow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

FOLDED, GAP = 30, 2  # characters: the least width of a folded column, what is between two columns
BLANKS = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)  # Rich fills columns, the last one too
UNLIMITED = 100_000  # characters; a pipe has no edge


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    """Print the rows under the headers on standard output; the first column names the row."""
    from rich.console import Console

    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    with console.capture() as captured:
        if _width(headers, rows) <= console.width:
            console.print(_table(headers, rows))
        else:
            _print_blocks(console, headers, rows)
    print(BLANKS.sub(r"\1", captured.get()), end="")


def _width(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> int:
    """What a readable table takes: the first column whole, long texts in the others folded."""
    first, *others = [max(len(cell) for cell in column) for column in zip(headers, *rows, strict=True)]
    return first + sum(GAP + min(longest, FOLDED) for longest in others)


def print_notes(notes: Sequence[str]) -> None:
    """Print sentences below a table: wrapped between words where there is a terminal, else a line each."""
    from rich.console import Console

    console = Console()
    for note in notes:
        width = console.width if console.is_terminal else UNLIMITED
        print(fill(note, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def _table(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for position, header in enumerate(headers):
        table.add_column(header, no_wrap=position == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _print_blocks(console: Console, headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    for name, *cells in rows:
        console.print(Text(str(name), "bold"))
        block = Table.grid(padding=(0, GAP, 0, 0))
        for header, cell in zip(headers[1:], cells, strict=True):
            block.add_row(header, cell)
        console.print(Padding(block, (0, 0, 0, 2)))
