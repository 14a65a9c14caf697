"""Verdicts on the terminal: in colour where there is one, plain where the output goes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from derive.rendering.verdicts import Line

python_option = click.option("--python", is_flag=True, help="Print a run on which they part as a Python script, too.")

STATUSES = "Exit status: 0 proved, 1 conditional or refuted, 2 unusable input, 3 undecided."  # for --help

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


def print_hints(answers: Iterable[Mapping[str, Any]], *, python: bool) -> None:
    """Say on standard error that there is a script, where it was not asked for; `answers` are documents."""
    runs = [answer["counterexample"] for answer in answers]
    if not python and any(run and run.get("python") for run in runs):
        click.echo("--python prints the same run as a script", err=True)
