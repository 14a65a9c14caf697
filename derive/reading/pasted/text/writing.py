"""Pieces written as Python: signs of multiplication supplied, blocks indented, every line where it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from derive.errors import UserError
from derive.reading.limits import BRACKETS
from derive.reading.pasted.text.lines import Line
from derive.reading.pasted.text.signs import CHARACTERS, GREEK
from derive.reading.pasted.text.times import Written
from derive.reading.pasted.text.tokens import CLOSE, FUNCTION, NAME, NUMBER, OPEN, SIGN, WORD, Piece


def quantities(written: Sequence[Written]) -> frozenset[str]:
    """The names that stand for a number somewhere: brackets after them are a factor, not arguments."""
    found = set[str]()
    for w in written:
        for piece, after in zip(w.pieces, [*w.pieces[1:], Piece(SIGN, "")], strict=True):
            if piece.kind == NAME and after.text not in ("(", "."):
                found.add(piece.text)
    return frozenset(found)


def _refuse_ambiguous(written: Written, i: int, where: str) -> None:
    """`a / 2b` means a / (2 b) to one reader and (a / 2) b to another."""
    left, divided = written.pieces[max(i - 3, 0) : i], written.pieces[i - 1]
    if len(left) < 3 or left[1].text != "/" or divided.kind not in (NAME, NUMBER) or not written.pieces[i].close_by:
        return
    if not left[0].kind == divided.kind == NUMBER:
        what = f"'/ {divided.text}{written.pieces[i].text}' can be read in two ways"
        raise UserError(what, where=where, fix="write the brackets")


def python(written: Written, quantities: frozenset[str], where: str) -> str:
    """The statement as Python, signs of multiplication supplied."""
    out: list[str] = []
    before: Piece | None = None
    unary = False
    for i, piece in enumerate(written.pieces):
        if before is not None and _is_product(before, piece, quantities):
            _refuse_ambiguous(written, i, where)
        if before is not None and _is_product(before, piece, quantities):
            out.append(" * ")
        elif before is not None and _spaced(before, piece) and not unary:
            out.append(" ")
        leads = before is None or before.kind in (OPEN, WORD) or (before.kind == SIGN and before.text != ".")
        unary = leads and piece.kind == SIGN and piece.text == "-"
        out.append(piece.text)
        before = piece
    return "".join(out).strip()


def _is_product(before: Piece, piece: Piece, quantities: frozenset[str]) -> bool:
    ends = before.kind in (NAME, NUMBER) or (before.kind == CLOSE and before.text != "}")
    begins = piece.kind in (NAME, NUMBER, FUNCTION) or (piece.kind == OPEN and piece.text == "(")
    if not (ends and begins):
        return False
    if before.kind == NAME and piece.text == "(":
        greek = any(c in GREEK for c in before.shown) or before.shown[:1] == "\\"
        return before.text in quantities or greek or not (piece.close_by or "grad" in before.text)
    return True


def _spaced(before: Piece, piece: Piece) -> bool:
    loose = {"=", "+", "-", "*", "/", "+=", "-=", "*=", "/=", "==", "!=", "<", ">", "<=", ">="}
    if before.kind == OPEN or before.text == "**":
        return False
    if (piece.kind == SIGN and piece.text in loose) or (before.kind == SIGN and before.text in loose | {","}):
        return True
    return WORD in (before.kind, piece.kind)


def laid_out(read: Sequence[Line], by_line: Mapping[int, list[str]], count: int, file: str) -> str:
    """The statements on the lines they came from, blocks indented by what opens them."""
    out = [""] * count
    # Where a block's head stood in the text, its depth, and whether its lines are set no deeper there.
    blocks: list[tuple[int, int, bool]] = []
    opened: Line | None = None
    bodies = [line for line in read if line.text or line.head or line.closes]
    for line in bodies:
        if opened is not None:
            flat = line.indent <= opened.indent
            blocks.append((opened.indent, len(blocks) + 1, flat))
            opened = None
            if line.closes or (flat and line.head in ("else:", "elif")):
                raise UserError("this block is empty", where=f"{file}:{line.number}", fix="write its lines")
        else:
            while blocks and not blocks[-1][2] and line.indent <= blocks[-1][0]:
                blocks.pop()
        if line.closes or line.head in ("else:", "elif"):
            flat_close = bool(blocks) and blocks[-1][2]
            if flat_close:
                blocks.pop()
        if line.closes:
            continue
        said = "; ".join(by_line.get(line.number, []))
        if line.head in ("if", "elif"):
            said = f"{line.head} {re.sub(r'(?<![=<>!])=(?!=)', '==', said)}:"
        elif line.head:
            said = _ascii(line.head)
        if line.text or line.head:
            out[line.number - 1] = " " * 4 * len(blocks) + said
        if line.head:
            opened = line
        if len(blocks) > BRACKETS:
            raise UserError("nested too deeply to be read", where=f"{file}:{line.number}", fix="write the step alone")
    return "\n".join(out)


def _ascii(head: str) -> str:
    """A head of Python's own, in names as they are spelled."""
    return "".join(GREEK.get(c, CHARACTERS.get(c, c)) for c in head)
