"""One quantity in mathematics: a name with its accents, subscripts and superscripts, and the powers of it."""

from __future__ import annotations

import re

from derive.reading.pasted.text.names import raw_group, spelled, subscript, time
from derive.reading.pasted.text.signs import ACCENT_COMMANDS, LATEX_GREEK
from derive.reading.pasted.text.tokens import CLOSE, FUNCTION, NAME, NUMBER, OPEN, SIGN, WORD, Piece, Tokens


def inside(given: Tokens, until: str) -> list[Piece]:
    """The pieces up to the closing token."""
    from derive.reading.pasted.text.pieces import pieces  # formulas and names contain each other

    return pieces(given, until)


def group(given: Tokens) -> list[Piece]:
    """What a command takes: a group in braces, or the next token."""
    from derive.reading.pasted.text.pieces import group  # formulas and names contain each other

    return group(given)


def quantity(given: Tokens) -> list[Piece]:
    """A name with its accents, subscripts and superscripts, and the powers of it."""
    start = given.at
    base, at = _base(given)
    if base == "E" and given.peek() == "[":  # the average E[g²] is one name
        base += "_" + re.sub(r"\W", "", raw_group(given))
    return _scripts(given, base, at, start)


def scripted(given: Tokens, name: Piece) -> list[Piece]:
    """A name in braces with what stands above and below it: `{\\hat {m}}_{w}`."""
    return _scripts(given, name.text, name.at, given.at, name.shown)


def _scripts(given: Tokens, base: str, at: tuple[str, int] | None, start: int, before: str = "") -> list[Piece]:
    named = given.at
    suffixes: list[str] = []
    above: list[str] = []
    power: list[Piece] = []
    while given.peek() in ("_", "^", "[") or (given.peek() == "'" and given.close_by()):
        sign = given.peek()
        if sign == "[":
            index = _time_in(given)
            if index is None:
                break
            at = index
        elif sign == "_":
            given.take()
            words, when = subscript(given)
            suffixes += words
            at = when or at
        elif sign == "'":
            given.take()
            suffixes.append("new")
        elif power:
            break
        else:
            word, when, power = _superscript(given, base)
            above += word
            at = when or at
        named = named if power or at else given.at
    digits = len(base) > 1 and "_" not in base  # β₁ is beta1, m₁ is m_1
    name = base + "".join(s if s.isdigit() and digits else f"_{s}" for s in (*suffixes, *above))
    shown = before + "".join(text for text, _ in given.items[start:named])
    shown = re.sub(rf"_{at[0]}(?:[-+]\d)?$", "", shown) if at else shown
    return raised([Piece(NAME, name, at, shown)], power)


def _base(given: Tokens) -> tuple[str, tuple[str, int] | None]:
    """The name itself: a word, a Greek letter, or one of them under an accent or in a typeface."""
    if not given.peek():
        raise given.error("a name is missing")
    token = given.take()
    if token[0] != "\\":
        return _timed_word(given, token)
    name = token[1:]
    if name == "Delta" and _names_more(given.peek()):  # \\Delta\\theta is one quantity
        base, when = _base(given)
        return f"Delta{base}", when
    if name in LATEX_GREEK:
        return LATEX_GREEK[name], None
    if name not in ACCENT_COMMANDS:
        raise given.error(f"the command '{token}' can't be read")
    at: tuple[str, int] | None = None
    if given.peek() == "{":
        given.take()
        inner = inside(given, "}")
        names = [p for p in inner if p.kind in (NAME, NUMBER, FUNCTION, WORD)]
        if len(names) < len(inner) or not names:
            raise given.error(f"'{token}' of an expression can't be read", "put it over a name")
        base, at = "".join(p.text for p in names), names[0].at
    else:
        base, at = _base(given)
    return (f"{base}_{ACCENT_COMMANDS[name]}" if ACCENT_COMMANDS[name] else base), at


def _names_more(token: str) -> bool:
    return token[:1].isalpha() or (token[:1] == "\\" and token[1:] in {*LATEX_GREEK, *ACCENT_COMMANDS})


def _timed_word(given: Tokens, token: str) -> tuple[str, tuple[str, int] | None]:
    """A word, whose last part may be the time: `m_t`, and `m_t-1` written closely."""
    if token.endswith("'") and token not in given.vocabulary.targets and token.rstrip("'").isalnum():
        return f"{spelled(token.rstrip(chr(39)))}.T", None  # a matrix turned over
    head, _, last = token.rpartition("_")
    if not (head and last in given.vocabulary.letters):
        return spelled(token), None
    offset = 0
    close = given.peek() in ("+", "-") and given.close_by() and given.close_by(1) and given.peek(1).isdigit()
    if close and head in given.vocabulary.targets and len(given.peek(1)) == 1 and given.peek(2) not in (".", "("):
        offset = int(given.take() + given.take())
    return spelled(head), (last, offset)


def _time_in(given: Tokens) -> tuple[str, int] | None:
    """The time in `[t+1]`, which is taken only if it is one."""
    start, texts = given.at, list[str]()
    while given.peek() and given.peek() != "]" and len(texts) < 5:
        texts.append(given.take())
    index = time("".join(texts[1:]), given.vocabulary) if given.peek() == "]" else None
    if index is None:
        given.at = start
        return None
    given.take()
    return index


def _superscript(given: Tokens, base: str) -> tuple[list[str], tuple[str, int] | None, list[Piece]]:
    """What a superscript is: a word of the name, the time `(t)`, or a power."""
    given.take()
    start = given.at
    bracketed = given.peek() == "{" and given.peek(1) == "("
    text = raw_group(given)
    inner = text.strip("()")
    when = time(inner, given.vocabulary)
    if when and (bracketed or f"{base}^" in given.vocabulary.targets):
        return [], when, []
    if re.fullmatch(r"\[\w+\]", text):
        return [text[1:-1]], None, []
    if re.fullmatch(r"[A-Za-z]{3,}", text) and (text in _MARKS or f"{base}^{text}" in given.vocabulary.targets):
        return [text], None, []
    given.at = start
    return [], None, exponent(given)


_MARKS = frozenset({"corrected", "corr", "hat", "new", "old", "prev"})  # superscripts that are no powers


# Powers


def exponent(given: Tokens) -> list[Piece]:
    if not given.vocabulary.powers:
        raise given.error("'^' is not a power in Python", "write **")
    if given.peek() in ("-", "+"):
        return [Piece(SIGN, given.take()), *group(given)]
    token = given.peek()
    if token and token[0] not in "\\{(" and not token[0].isdigit():
        given.take()
        return [Piece(NAME, spelled(token), shown=token)]
    if token == "(":
        given.take()
        return inside(given, ")")
    return group(given)


def raised(base: list[Piece], power: list[Piece]) -> list[Piece]:
    if not power:
        return base
    if len(power) == 1:
        return [*base, Piece(SIGN, "**"), *power]
    return [*base, Piece(SIGN, "**"), *bracketed(power)]


def powered(given: Tokens, base: list[Piece]) -> list[Piece]:
    """The pieces with the power that follows them."""
    if given.peek() != "^":
        return base
    given.take()
    return raised(base, exponent(given))


def call(name: str, inner: list[Piece]) -> list[Piece]:
    return [Piece(FUNCTION, name), Piece(OPEN, "("), *inner, Piece(CLOSE, ")")]


def asked(given: Tokens, at: list[Piece]) -> list[Piece]:
    """The gradient at a point; where the text calls a value `grad`, by another name."""
    return call("gradient_of" if "grad" in given.vocabulary.targets else "grad", at)


def bracketed(inner: list[Piece]) -> list[Piece]:
    return [Piece(OPEN, "("), *inner, Piece(CLOSE, ")")]
