"""Pieces of MyST Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

MARKS = {"proved": "✓", "refuted": "✗", "unknown": "?", "conditional": "◐"}


def plain(text: str) -> str:
    """Text with nothing in it that Markdown would take for its own."""
    return re.sub(r"([\\`*_{}\[\]<>|$#])", r"\\\1", text)


def badge(status: str) -> str:
    """A verdict's word with its mark, coloured."""
    return f'<span class="verdict {status}">{MARKS[status]} {status}</span>'


def math(latex: str) -> str:
    """A formula inside a line."""
    return f"{{math}}`{latex}`"


def display(latex: str) -> str:
    """A formula of its own."""
    return f"```{{math}}\n{latex}\n```"


def aligned(lines: Iterable[str]) -> str:
    """Lines under each other, aligned at their `&`."""
    return display("\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}")


def code(text: str, language: str = "python") -> str:
    """A block of code, fenced by more backticks than it has."""
    fence = "`" * max(3, *(len(run) + 1 for run in [*re.findall("`+", text), ""]))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def folded(summary: str, body: str) -> str:
    """A part that opens on a click; `summary` is plain text."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n\n{body}\n\n</details>"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; the cells are Markdown without line breaks."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def numbered(items: Iterable[str]) -> str:
    """A numbered list of items of several lines."""
    return "\n\n".join(f"{n}. " + item.replace("\n", "\n" + " " * (len(str(n)) + 2)) for n, item in enumerate(items, 1))


def joined(*parts: str) -> str:
    """The parts that are not empty, a blank line between them."""
    return "\n\n".join(part for part in parts if part)


def bullets(items: Iterable[str]) -> str:
    """A list of items of one line each."""
    return "\n".join(f"- {item}" for item in items)
