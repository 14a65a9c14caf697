"""The text that a person means: `PATH`, `PATH::NAME`, or what comes from standard input."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from derive.errors import UserError
from derive.reading.limits import BYTES
from derive.reading.source import load_text

HEAD = 1024  # bytes, by which a binary file is known
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Target:
    """A text, the file it is from, and the function or class that is meant."""

    text: str
    file: str
    name: str | None


def read_target(target: str) -> Target:
    """The text that `PATH`, `PATH::NAME` or `-` names. Raises UserError where it can't be read."""
    path, separator, name = target.rpartition("::")
    if not separator:
        path, name = target, ""
    if separator and not (path and name):
        raise UserError(f"{target!r} is not PATH::NAME", fix="write PATH or PATH::NAME")
    if path == "-":
        return Target(_standard_input(), "-", name or None)
    _refuse_what_is_no_text(path)
    text = load_text(path, "a text with code or pseudocode")
    return Target(_cells(text, path) if path.endswith(".ipynb") else text, path, name or None)


def _refuse_what_is_no_text(path: str) -> None:
    """A PDF or another binary file; UTF-16 is text, and refused as such."""
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError:
        return  # said better by who reads it
    if head.startswith(b"%PDF") or (b"\0" in head and not head.startswith(UTF16)):
        raise UserError("is no text", where=path, fix="copy the code or the formula out of it")


def _cells(text: str, path: str) -> str:
    """The code of a notebook, cell after cell; its lines are counted through all of them."""
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError("is no notebook", where=path, fix="copy the code out of it") from None
    lines = "\n".join(code).splitlines()
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)  # commands of IPython


def _standard_input() -> str:
    data = sys.stdin.buffer.read(BYTES + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where="-", fix="send UTF-8") from None
