"""Normalising: a pasted text to Python text with the same line numbers and the same meaning.

A text that is Python already stays as it is. In any other, all quantities are real numbers, so `^`
is a power there and two quantities side by side a product; in Python's own text they are not.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from unicodedata import normalize

from derive.errors import UserError
from derive.reading.limits import BYTES, LINES, parse
from derive.reading.pasted.text import languages
from derive.reading.pasted.text.lines import Line, code_of, refuse_long, statements
from derive.reading.pasted.text.lowered import with_times
from derive.reading.pasted.text.pieces import pieces
from derive.reading.pasted.text.prose import indented_block, without_prompts
from derive.reading.pasted.text.signs import (
    ACCENTS,
    CALLED,
    CHARACTERS,
    GREEK,
    LATEX_GREEK,
    SENTENCE,
    SUBSCRIPTS,
    SUPERSCRIPTS,
)
from derive.reading.pasted.text.times import Written, separated, without_times
from derive.reading.pasted.text.tokens import NAME, WORD, Vocabulary, tokens
from derive.reading.pasted.text.writing import laid_out, python, quantities

_DEFINES = re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+\w+.*:", re.MULTILINE)


@dataclass(frozen=True)
class Normalised:
    """Python text, line for line.

    In code names stand for arrays, in mathematics for numbers. `spelled` says how the text itself
    writes a name, where it is another.
    """

    text: str
    is_code: bool
    spelled: Mapping[str, str] = field(default_factory=dict)


def normalise(text: str, file: str) -> Normalised:
    """The pasted text as Python. Raises UserError, with the line, for prose and for signs without a meaning."""
    _refuse_size(text, file)
    lines = code_of(text, file)
    for strip in (list, without_prompts, indented_block):  # what stands around code, where it is no code as it is
        lines = strip(lines)
        plain = textwrap.dedent("\n".join(lines))
        if _is_python(plain, file):
            return Normalised(plain, True)
    return _from_pseudocode(languages.plainly(plain.split("\n"), file), file)


def _refuse_size(text: str, file: str) -> None:
    size, count = len(text.encode("utf-8", "replace")), text.count("\n") + 1
    if size > BYTES or count > LINES:
        raise UserError(f"{size} bytes in {count} lines are too much to read", where=file, fix="cut out the rule")
    if "\0" in text:
        raise UserError("this is no text", where=file, fix="give text")


def _is_python(text: str, file: str) -> bool:
    """Whether the text is Python and means what Python means by it."""
    try:
        tree = parse(text, file)
    except UserError:
        return False
    if _DEFINES.search(text):
        return True
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    only_called = called - {n.id for n in _uncalled(tree)}
    lines = text.split("\n")
    if _indexes_time(tree):
        return False
    return (
        bool(tree.body)
        and not any(_is_notation(n, called - only_called) or _is_factor(n, lines) for n in ast.walk(tree))
        and all(name.isascii() for name in names)
    )


def _indexes_time(tree: ast.AST) -> bool:
    """Whether arrays hold one value for each step: `v[t] = mu * v[t-1] + g[t]`."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)]
    stored = {(n.value.id, ast.unparse(n.slice)) for n in nodes if not isinstance(n.ctx, ast.Load)}  # type: ignore[attr-defined]
    loaded = {(n.value.id, ast.unparse(n.slice)) for n in nodes if isinstance(n.ctx, ast.Load)}  # type: ignore[attr-defined]
    return any((name, f"{index} - 1") in loaded for name, index in stored if index.isidentifier())


def _is_factor(node: ast.AST, lines: Sequence[str]) -> bool:
    """Whether a call is set apart as a factor is: `lr (1 - b)`."""
    match node:
        case ast.Call(func=ast.Name(id=name, end_lineno=int(line), end_col_offset=int(column))):
            words = name in CALLED or name == "print" or "grad" in name.lower()
            return not words and lines[line - 1].encode()[column : column + 1] == b" "
    return False


def _uncalled(tree: ast.AST) -> list[ast.Name]:
    """The names that stand for a value somewhere."""
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    functions |= {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}  # an object may be called too
    return [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions]


def _is_notation(node: ast.AST, quantities: set[str]) -> bool:
    """Whether a node is Python by accident: `g^2`, `(1 - b)(g)`, `lr(g)`, `w[t+1]`, `m_t-1` beside `m_t`."""
    match node:
        case ast.BinOp(op=ast.BitXor()) | ast.AugAssign(op=ast.BitXor()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in quantities
        case ast.Call(func=function):
            return not isinstance(function, ast.Attribute)
        case ast.Subscript(slice=ast.BinOp(left=ast.Name(), right=ast.Constant(value=int())), ctx=ast.Store()):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if re.fullmatch(r"\w+_[a-z]", name):
            return any(
                isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and isinstance(n.left, ast.Name)
                and n.left.id[-2:] == name[-2:] and isinstance(n.right, ast.Constant) and n.right.value == 1
                and n.right.col_offset == n.left.end_col_offset + 1  # type: ignore[operator]
                for n in ast.walk(value)
            )  # fmt: skip
        case ast.Expr(value=ast.Name() | ast.Compare()):
            return True
    return False


# Pseudocode


def _from_pseudocode(lines: Sequence[str], file: str) -> Normalised:
    refuse_long(lines, file)
    lines = with_times(lines)
    read = list(statements(lines, bool(_DEFINES.search("\n".join(lines)))))
    vocabulary = _vocabulary(lines)
    written, problems = list[Written](), dict[int, Line]()
    for line in read:
        if line.text:
            where = f"{file}:{line.number}"
            found = pieces(tokens(line.text, where, vocabulary))
            written += separated(line.number, found) or [Written(line.number, ())]
            problems[line.number] = line
    spelled = {p.text: p.shown for w in written for p in w.pieces if p.kind == NAME and p.shown}
    written = without_times([w for w in written if w.pieces], file)
    names = {p.text for w in written for p in w.pieces if p.kind == NAME and p.shown}
    numbers = quantities(written)
    by_line: dict[int, list[str]] = {}
    for w in written:
        _refuse_prose(w, problems[w.line], f"{file}:{w.line}")
        by_line.setdefault(w.line, []).append(python(w, numbers, f"{file}:{w.line}"))
    text = laid_out(read, by_line, len(lines), file)
    shown = {n: _as_typed(s, lines) for n, s in spelled.items() if n in names and s != n}
    if not by_line:
        raise UserError("nothing in this text assigns anything", where=file, fix="give the lines of the update")
    return Normalised(text, bool(_DEFINES.search(text)), shown)


def _as_typed(shown: str, lines: Sequence[str]) -> str:
    """`β_{1}` is shown as the β₁ it was, `\\\\hat{m}` as m̂."""
    if any(shown in line for line in lines):
        return shown
    marks = {word: mark for mark, word in ACCENTS.items()}
    shown = re.sub(r"\\(hat|tilde|bar|dot)\{(.)\}", lambda m: normalize("NFC", m[2] + marks[m[1]]), shown)
    back = {typed: c for c, typed in SUBSCRIPTS.items()}
    return re.sub(r"_\{(\w+)\}", lambda m: "".join(back.get(c, c) for c in m[1]), shown)


_INDEX = re.compile(
    r"_\s*\{?\(?([a-z])[-+]\d|_\{?\w{1,20},([a-z])[-+]\d|\[([a-z])[-+]\d\]|\^\{?\(([a-z])[-+]\d\)|\w_([a-z])[-+]1\b"
)
_ASSIGNS = re.compile(r"[-+*/:]?=(?!=)|←|<-|\\gets\b|\\leftarrow\b")
_MARK = r"\s?[\^_]\s?[{(]?\(?(?:\\text\{)?[A-Za-z0-9+,-]*\}?\)?[})]?|'|\[[\w+ -]*\]"
_TARGET = re.compile(rf"\\?(?P<name>[^\W\d](?:\w*[^\W_])?)\}}?(?P<marks>(?:{_MARK})*)\s*&?\s*$")
_LEIBNIZ = re.compile(r"\bd[A-Z]\w*\s*/\s*d[^\W\d]|\\[dt]?frac\s*\{\s*d[A-Z]\w*\s*\}\s*\{\s*d[^\W\d]")
_RAISED_TIME = re.compile(r"\^[{(]?\(?([a-z])(?:[-+]\d)?\)?[})]?$")


def _vocabulary(lines: Sequence[str]) -> Vocabulary:
    """What counts time in this text, and what it assigns."""
    text = "\n".join(lines)
    for table, sign in ((SUBSCRIPTS, "_"), (SUPERSCRIPTS, "^")):
        runs = re.compile(f"[{''.join(map(re.escape, table))}]+")
        text = runs.sub(lambda m, c=table, s=sign: s + "{" + "".join(c[x] for x in m[0]) + "}", text)  # type: ignore[misc]
    text = "".join(CHARACTERS.get(c, c) for c in text).replace("^ ", "^").replace("\\left(", "(")
    letters = {letter for m in _INDEX.finditer(text.replace(" ", "")) for letter in m.groups() if letter}
    targets: set[str] = set()
    for before in (part for line in text.split("\n") for part in _ASSIGNS.split(line)[:-1]):
        if found := _TARGET.search(before[-100:]):
            name = found["name"]
            bases = {name, LATEX_GREEK.get(name, name), GREEK.get(name, name), name.rpartition("_")[0] or name}
            marks = re.sub(r"[{} ]|\\text", "", found["marks"])
            targets |= bases | {f"{b}{marks}" for b in bases}
            if raised := _RAISED_TIME.search(found["marks"]):
                letters.add(raised[1])
                targets |= {f"{b}^" for b in bases}
    alone = frozenset(re.findall(r"\bd[A-Z]\w*", _LEIBNIZ.sub(" ", text)))
    return Vocabulary(frozenset(letters), frozenset(targets), alone, not _DEFINES.search(text))


def _refuse_prose(written: Written, line: Line, where: str) -> None:
    """A statement assigns to a name, or begins with a word of Python."""
    first = written.pieces[0]
    said = [p.text for p in written.pieces if p.kind == NAME and p.text.lower() in SENTENCE]
    sign = written.sign
    targets = written.pieces[: sign or 0]
    odd = any(a.kind == b.kind == NAME for a, b in pairwise(targets))
    calls = any(p.text == "." for p in written.pieces) or first.kind == WORD or line.head
    words = [p.kind == NAME and len(p.text) > 2 and p.text not in LATEX_GREEK.values() for p in written.pieces]
    run = any(all(words[i : i + 3]) for i in range(len(words) - 2))  # three words side by side
    if said or odd or run or (sign is None and not calls):
        shown = line.text if len(line.text) <= 40 else f"{line.text[:37]}..."
        raise UserError(f"'{shown}' is not read as code", where=where, fix="leave the line out, or begin it with #")
