"""Tables that stay readable: complete and plain when piped, a block for each row where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

UNLIMITED = 100_000  # characters; a pipe has no edge


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    """Print the rows under the headers on standard output; the first column names the row."""
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    table = _table(headers, rows)
    wide = console.options.update(max_width=UNLIMITED)
    if Measurement.get(console, wide, table).minimum <= console.width:
        console.print(table)
    else:
        _print_blocks(console, headers, rows)


def _table(headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for position, header in enumerate(headers):
        table.add_column(header, no_wrap=position == 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _print_blocks(console: Console, headers: Sequence[str], rows: Sequence[Sequence[Text | str]]) -> None:
    from rich.text import Text

    width = max(map(len, headers[1:]))
    for name, *cells in rows:
        console.print(Text.assemble((str(name), "bold")))
        for header, cell in zip(headers[1:], cells, strict=True):
            console.print(Text.assemble(f"  {header:<{width}}  ", cell), overflow="fold")
