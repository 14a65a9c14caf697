"""Verdicts on the terminal: in colour where there is one, plain where the output goes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.rendering.verdicts import Line

STYLES = {
    "proved": "bold green",
    "conditional": "bold yellow",
    "refuted": "bold red",
    "unknown": "bold magenta",
    "heading": "bold",
    "parts": "bold red",
    "warning": "yellow",
}


def print_lines(lines: Iterable[Line]) -> None:
    """Print the lines of a verdict on standard output, whole."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False, markup=False)
    for line in lines:
        if console.is_terminal:
            console.print(Text(line.text, STYLES.get(line.kind, "")), soft_wrap=True)
        else:
            print(line.text)
