"""The text that a person means: `PATH`, `PATH::NAME`, or what comes from standard input."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from derive.errors import UserError
from derive.reading.limits import BYTES
from derive.reading.source import load_text


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
    return Target(load_text(path, "a text with code or pseudocode"), path, name or None)


def _standard_input() -> str:
    data = sys.stdin.buffer.read(BYTES + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where="-", fix="send UTF-8") from None
