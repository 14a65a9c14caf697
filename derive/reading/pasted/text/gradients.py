"""Gradients as mathematics writes them.

Each is `grad(point)` or, where no point is named, a name: ∇f(θ), ∇_θ J(θ; x), \\frac{\\partial L}{\\partial w},
∂L/∂w, dL/dw.
"""

from __future__ import annotations

import re
from dataclasses import replace

from derive.reading.pasted.text.names import spelled
from derive.reading.pasted.text.quantities import asked, group, inside, powered, quantity
from derive.reading.pasted.text.signs import ACCENT_COMMANDS, COMMANDS, LATEX_GREEK
from derive.reading.pasted.text.tokens import CLOSE, FUNCTION, NAME, OPEN, SIGN, Piece, Tokens


def derivative(given: Tokens, top: list[Piece], bottom: list[Piece]) -> list[Piece]:
    """`\\frac{\\partial L}{\\partial w}` as the gradient at w; with the function after it too."""
    if len(bottom) == 2 and bottom[0].text == "∂" and bottom[1].kind == NAME and top and top[0].text == "∂":
        if len(top) == 1:
            _subject(given)
        return powered(given, asked(given, bottom[1:]))
    if all(len(p) == 2 and p[0].text == "d" and p[1].kind == NAME for p in (top, bottom)):
        return powered(given, asked(given, bottom[1:]))
    names = [p[0].text for p in (top, bottom) if len(p) == 1 and p[0].kind == NAME]
    if len(names) == 2 and _is_leibniz(given, *names):
        at = bottom[0]
        return powered(given, asked(given, [replace(at, text=at.text[1:], shown=at.shown.removeprefix("d"))]))
    return []


def _subject(given: Tokens) -> None:
    """Takes the function that is derived, with its arguments."""
    quantity(given)
    if given.peek() == "(":
        given.take()
        inside(given, ")")


def partial(given: Tokens) -> list[Piece]:
    """`∂L/∂w`, `∂L(w)/∂w` as the gradient at w; inside a fraction the sign itself."""
    depth = 0
    for i in range(12):
        token = given.peek(i)
        depth += (token == "(") - (token == ")")
        if depth == 0 and token == "/" and given.peek(i + 1) == "\\partial":
            given.at += i + 2
            at = quantity(given)
            if len(at) > 1:
                raise given.error("a derivative by a power can't be read", "write the gradient at a name")
            if i == 0:  # ∂/∂w L(w)
                _subject(given)
            return asked(given, at)
        if depth == 0 and token in ("", "+", "-", "*", "=", "/"):
            break
    return [Piece(SIGN, "∂")]


def _is_leibniz(given: Tokens, over: str, under: str) -> bool:
    """Whether dL over dw is a derivative: dL is no quantity of its own."""
    if not (re.fullmatch(r"d[A-Z]\w*", over) and re.fullmatch(r"d[^\W\d]\w*", under)):
        return False
    return over not in given.vocabulary.targets | given.vocabulary.alone


def nabla(given: Tokens) -> list[Piece]:
    """`∇f(θ)`, `∇_θ J(θ; x, y)`, `∇θ J(θ)`: the gradient at what stands in the brackets; alone, a name."""
    point: list[Piece] = []
    if given.peek() == "_":
        given.take()
        point = group(given)
    start = given.at
    if given.peek() in _SUMS:
        _sum(given)
    if _function(given) and given.peek() == "(":
        given.take()
        return powered(given, asked(given, _at(inside(given, ")"), point)))
    if given.peek() == "(" and not point:
        raise given.error("'∇(' asks for the gradient of nothing", "write ∇f(w)")
    given.at = start
    name = "_".join(["grad", *(p.text for p in point[:1])])
    shown = f"∇_{point[0].shown}" if point else "∇"
    if point:
        return [Piece(NAME, name, _time_of_function(given), shown)]
    subject = quantity(given)
    return [Piece(NAME, f"grad_{subject[0].text}", subject[0].at, f"∇{subject[0].shown}"), *subject[1:]]


_SUMS = frozenset({"\\sum", "Σ", "∑"})


def _sum(given: Tokens) -> None:
    """Takes a sum over data, which is part of what the gradient is taken of."""
    given.take()
    while given.peek() in ("_", "^"):
        given.take()
        group(given)


def _function(given: Tokens) -> bool:
    """Takes the name of a function, as it stands before its brackets."""
    names = 0
    while given.peek() and (given.peek()[0].isalpha() or given.peek()[0] in "\\_" or given.peek() == "{"):
        if given.peek() in ("\\left", "\\,", "\\bigl", "\\big"):
            given.take()
            continue
        if given.peek()[1:] in COMMANDS or names > 2:
            break
        if given.peek() == "_":
            given.take()
            group(given)
            continue
        _plain_name(given)
        names += 1
    return names > 0


def _time_of_function(given: Tokens) -> tuple[str, int] | None:
    """The time in `∇_w L^{(t)}`, where the function has no brackets; its name is taken, for it is no factor."""
    start = given.at
    token = given.peek()
    if token[:1].isalpha() or (token[:1] == "\\" and token[1:] in {*ACCENT_COMMANDS, "ell"}):
        name = quantity(given)
        if (
            len(name) == 1
            and re.fullmatch(r"[A-Z]|f|ell|loss|cost", name[0].text.partition("_")[0])
            and (name[0].text not in given.vocabulary.targets)
        ):
            return name[0].at
    given.at = start
    return None


def _at(inner: list[Piece], point: list[Piece]) -> list[Piece]:
    """Where the gradient is taken: the argument with the point in it, or the point of a function of functions."""
    arguments = _arguments(inner)
    if not point or point[0].kind != NAME:
        return arguments[0]
    for argument in arguments:
        depth, calls = 0, False
        for before, piece in zip([Piece("", ""), *argument], argument, strict=False):
            calls |= piece.kind == OPEN and before.kind in (NAME, FUNCTION)
            depth += (piece.kind == OPEN) - (piece.kind == CLOSE)
            if piece.kind == NAME and piece.text == point[0].text:
                return [piece] if calls and depth else argument
    return point


def _arguments(inner: list[Piece]) -> list[list[Piece]]:
    """What stands between the commas, `;` and bars of a function's brackets."""
    found: list[list[Piece]] = [[]]
    depth = 0
    for piece in inner:
        depth += (piece.kind == OPEN) - (piece.kind == CLOSE)
        if depth == 0 and piece.text in (";", ","):
            found.append([])
        else:
            found[-1].append(piece)
    return found


def _plain_name(given: Tokens) -> None:
    """Takes a name whatever marks it has."""
    token = given.take()
    if token[0] == "\\" and token[1:] in ACCENT_COMMANDS and given.peek() == "{":
        group(given)
    elif token[0] == "\\" and token[1:] not in LATEX_GREEK and token[1:] not in ACCENT_COMMANDS:
        raise given.error(f"the command '{token}' can't be read")
    elif token == "{":
        raise given.error("'∇' of a group can't be read", "write ∇f(w)")


def first(inner: list[Piece]) -> list[Piece]:
    """The first argument: what follows `;` or a comma are data."""
    return _arguments(inner)[0]


def leibniz(given: Tokens, token: str) -> list[Piece]:
    """`dL/dw` as the gradient at w."""
    under = given.peek(1)
    if given.peek() != "/" or not _is_leibniz(given, token, under):
        return []
    given.at += 2
    return powered(given, asked(given, [Piece(NAME, spelled(under[1:]), shown=under[1:])]))
