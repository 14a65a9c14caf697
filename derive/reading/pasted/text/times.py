"""Times: `m_t` and `m_{t-1}` are the new and the old value of one buffer.

The value given in this step is the latest time of a name. Read before it is given, the name alone
means the value before; read after, a copy is kept (`m_old`). What is two steps old is a buffer of
its own (`theta_prev`), renewed where the newer value is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from derive.errors import UserError
from derive.reading.pasted.text.tokens import CLOSE, NAME, NUMBER, OPEN, SIGN, Piece

ASSIGNS = frozenset({"=", "+=", "-=", "*=", "/="})


@dataclass(frozen=True)
class Written:
    """A statement of the text in pieces."""

    line: int
    pieces: tuple[Piece, ...]

    @property
    def sign(self) -> int | None:
        """Where the assignment's sign stands."""
        return next((i for i, p in _outside(self.pieces) if p.text in ASSIGNS and p.kind == SIGN), None)

    @property
    def target(self) -> Piece | None:
        """The one name assigned to."""
        return self.pieces[0] if self.sign == 1 and self.pieces[0].kind == NAME else None


def _outside(pieces: Sequence[Piece]) -> Iterator[tuple[int, Piece]]:
    """The pieces outside every bracket, with their places."""
    depth = 0
    for i, piece in enumerate(pieces):
        depth -= piece.kind == CLOSE
        if depth == 0 and piece.kind != OPEN:
            yield i, piece
        depth += piece.kind == OPEN


def separated(line: int, pieces: Sequence[Piece]) -> list[Written]:
    """The statements of a line: `m = 0; v = 0`, or with commas where each part assigns."""
    parts = _split(pieces, ";")
    found: list[Written] = []
    for part in parts:
        by_comma = [Written(line, tuple(p)) for p in _split(part, ",")]
        several = len(by_comma) > 1 and all(w.target is not None for w in by_comma)
        found += by_comma if several else [Written(line, tuple(part))]
    return [w for w in found if w.pieces]


def _split(pieces: Sequence[Piece], sign: str) -> list[list[Piece]]:
    parts: list[list[Piece]] = [[]]
    places = {i for i, p in _outside(pieces) if p.text == sign}
    for i, piece in enumerate(pieces):
        if i in places:
            parts.append([])
        else:
            parts[-1].append(piece)
    return [p for p in parts if p]


@dataclass(frozen=True)
class Timed:
    """What the text says about one name: when it is given, when it is read, and that it stands without a time too."""

    given: frozenset[int]
    read: frozenset[int]
    bare: bool

    @property
    def now(self) -> int:
        return max(self.given or self.read)


def timed_names(statements: Iterable[Written]) -> dict[str, Timed]:
    """Every name that has a time somewhere."""
    given, read, bare = dict[str, set[int]](), dict[str, set[int]](), set[str]()
    for statement in statements:
        sign = statement.sign
        for i, piece in enumerate(statement.pieces):
            if piece.kind != NAME:
                continue
            if piece.at is None:
                if not _starts(statement):
                    bare.add(piece.text)
                continue
            (given if sign is not None and i < sign else read).setdefault(piece.text, set()).add(piece.at[1])
    names = {**given, **read}
    return {n: Timed(frozenset(given.get(n, ())), frozenset(read.get(n, ())), n in bare) for n in names}


def _starts(statement: Written) -> bool:
    """Whether the statement gives a name a number: what it is at first."""
    return statement.target is not None and all(p.kind == NUMBER or p.text == "-" for p in statement.pieces[2:])


def without_times(statements: Sequence[Written], file: str) -> list[Written]:
    """The statements in names alone. Raises UserError where the times can't be one step."""
    timed = timed_names(statements)
    _refuse_impossible(statements, timed, file)
    done: set[str] = set()
    out: list[Written] = []
    for k, statement in enumerate(statements):
        sign = statement.sign or 0
        read = [_resolved(p, timed, done, statement, file) for p in statement.pieces[sign:]]
        target = statement.target
        if target is None or target.at is None:
            starts = [_start_of(p, timed) for p in statement.pieces[:sign]]
            out.append(replace(statement, pieces=(*starts, *read)))
            continue
        name, about = target.text, timed[target.text]
        plain = replace(target, text=_plain(name, about), at=None)
        done.add(name)
        lagged = about.now - 2 in about.read
        later = any(p.text == name and p.at and p.at[1] < about.now for s in statements[k + 1 :] for p in s.pieces)
        if lagged:
            comma = Piece(SIGN, ",")
            previous = replace(plain, text=f"{plain.text}_prev")
            out.append(replace(statement, pieces=(plain, comma, previous, read[0], *_tupled(read[1:]), comma, plain)))
        else:
            copy = replace(plain, text=f"{plain.text}_old")
            out += [Written(statement.line, (copy, Piece(SIGN, "="), plain))] if later else []
            out.append(replace(statement, pieces=(plain, *read)))
    return out + _renewed(statements, timed)


def _tupled(value: Sequence[Piece]) -> list[Piece]:
    return [Piece(OPEN, "("), *value, Piece(CLOSE, ")")]


def _plain(name: str, about: Timed) -> str:
    """`alpha_t` beside `alpha` is a name of its own."""
    return f"{name}_t" if about.bare else name


def _resolved(piece: Piece, timed: dict[str, Timed], done: set[str], statement: Written, file: str) -> Piece:
    if piece.kind != NAME or piece.at is None:
        return piece
    about, age = timed[piece.text], timed[piece.text].now - piece.at[1]
    name = _plain(piece.text, about)
    renewed = piece.text in done
    if age == 0 and about.given and not renewed:
        what, fix = f"'{piece.shown}' is read before it is given", "put the line that gives it first"
        raise UserError(what, where=f"{file}:{statement.line}", fix=fix)
    lagged = about.now - 2 in about.read
    old = f"{name}_prev" if lagged else f"{name}_old"
    if age == 2 and renewed:
        what, fix = f"'{piece.shown}' is read after '{name}' is given", "name its value before that line"
        raise UserError(what, where=f"{file}:{statement.line}", fix=fix)
    words = {0: name, 1: old if renewed else name, 2: f"{name}_prev"}
    if not about.given:
        words = {0: name, 1: f"{name}_prev"}
    return replace(piece, text=words[age], at=None)


def _start_of(piece: Piece, timed: dict[str, Timed]) -> Piece:
    """`m_0 = 0` says what m is at first, where m has times."""
    base = piece.text[:-2] if piece.text.endswith("_0") else piece.text.removesuffix("0")
    return replace(piece, text=_plain(base, timed[base])) if piece.text != base and base in timed else piece


def _renewed(statements: Sequence[Written], timed: dict[str, Timed]) -> list[Written]:
    """At the end of the step, the values that are given from outside and read one step later."""
    late = [n for n, about in timed.items() if not about.given and len(about.read) > 1]
    line = statements[-1].line if statements else 1
    return [
        Written(line, (Piece(NAME, f"{_plain(n, timed[n])}_prev"), Piece(SIGN, "="), Piece(NAME, _plain(n, timed[n]))))
        for n in late
    ]


def _refuse_impossible(statements: Sequence[Written], timed: dict[str, Timed], file: str) -> None:
    letters = {p.at[0] for s in statements for p in s.pieces if p.at}
    if len(letters) > 1:
        raise UserError(
            f"{' and '.join(sorted(letters))} both count time", where=file, fix="use one index for the step"
        )
    latest = max((max(about.given) for about in timed.values() if about.given), default=None)
    for statement in statements:
        for piece in statement.pieces:
            if piece.at is None:
                continue
            about = timed[piece.text]
            if latest is not None and not about.given and about.now < latest - 1:
                what = f"'{piece.shown}' is of an earlier step"
                raise UserError(what, where=f"{file}:{statement.line}", fix="keep older values in buffers")
            allowed = 2 if about.given else 1
            if len(about.given) > 1:
                what = f"'{piece.text}' is given at two times in one step"
                raise UserError(what, where=f"{file}:{statement.line}", fix="write one step")
            if not 0 <= about.now - piece.at[1] <= allowed:
                what = f"'{piece.shown}' is too far from this step"
                raise UserError(what, where=f"{file}:{statement.line}", fix="keep older values in buffers")
