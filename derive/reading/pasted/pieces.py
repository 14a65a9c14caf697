"""A line of mathematics to the pieces of a Python statement: unicode, LaTeX and missing signs read.

What is one quantity becomes one piece, with the time it is taken at where it has one: `m̂_{t-1}`,
`\\hat{m}_{t-1}` and `m_hat[t-1]` are the name m_hat at t - 1. Powers, fractions, roots, absolute
values and gradients become Python's; `times` and `normalise` do the rest.
"""

from __future__ import annotations

import re
from dataclasses import replace

from derive.reading.pasted.names import greek_parts, raw_group, spelled, subscript, time
from derive.reading.pasted.signs import (
    ACCENT_COMMANDS,
    CALLED,
    COMMANDS,
    FUNCTIONS,
    GRADIENT_WORDS,
    LATEX_GREEK,
    PYTHON_WORDS,
)
from derive.reading.pasted.tokens import (
    CLOSE,
    FUNCTION,
    NAME,
    NESTING,
    NUMBER,
    OPEN,
    SIGN,
    STRING,
    WORD,
    Piece,
    Tokens,
)


def pieces(given: Tokens, until: str = "") -> list[Piece]:
    """The pieces up to the closing token `until`, which is taken too. Raises UserError for what has no meaning."""
    given.depth += 1
    if given.depth > NESTING:
        raise given.error(f"more than {NESTING} nested brackets", "name the intermediate results")
    read: list[Piece] = []
    while given.at < len(given.items):
        if until and given.peek() == until:
            given.take()
            given.depth -= 1
            return read
        close_by = given.close_by()
        found = _next(given, read)
        if found:
            read += [replace(found[0], close_by=close_by), *found[1:]]
    if until:
        raise given.error(f"'{until}' is missing", "close every bracket")
    given.depth -= 1
    return read


def _next(given: Tokens, before: list[Piece]) -> list[Piece]:
    token = given.take()
    if token[0] == "\\":
        return _command(given, token[1:])
    if token[0] in "\"'" and len(token) > 1:
        return [Piece(STRING, token)]
    if token[0].isdigit() or (token[0] == "." and token[1:2].isdigit()):
        return _powered(given, [Piece(NUMBER, token)])
    if (token[0] == "_" and not token.strip("_")) or token == "^":
        return _script_after(given, token, before)
    if token[0].isalpha() or token[0] == "_":
        return _word(given, token)
    return _symbol(given, token, before)


_MIRROR = {"(": ")", "[": "]", "{": "}"}
_SIGNS = frozenset({
    "+", "-", "*", "/", "**", "=", "+=", "-=", "*=", "/=", "==", "!=", "<", ">", "<=", ">=", ",", ":", "@", ".", "~",
})  # fmt: skip


def _symbol(given: Tokens, token: str, before: list[Piece]) -> list[Piece]:
    if token in _MIRROR:
        inner = pieces(given, _MIRROR[token])
        if token == "{" and (not inner or any(p.kind == STRING or p.text == ":" for p in inner)):
            return [Piece(OPEN, "{"), *inner, Piece(CLOSE, "}")]
        left, right = ("[", "]") if token == "[" else ("(", ")")
        return _powered(given, [Piece(OPEN, left), *inner, Piece(CLOSE, right)])
    if token in ")]}":
        raise given.error(f"'{token}' closes nothing", "close every bracket")
    if token in (":=", "<-"):
        return [Piece(SIGN, "=")]
    if token == "|":
        inner = pieces(given, "|")
        return _powered(given, [*_call("abs", inner)])
    if token in ("&", "$"):
        return []
    if token == ";":
        return [Piece(SIGN, ";")]
    if token == "%":
        raise given.error("'%' can't be read", "leave the remainder out")
    if token not in _SIGNS:
        raise given.error(f"the sign '{token}' can't be read")
    if token == "." and before and before[-1].kind == NAME:
        return [Piece(SIGN, ".")]
    return [Piece(SIGN, token)]


def _call(name: str, inner: list[Piece]) -> list[Piece]:
    return [Piece(FUNCTION, name), Piece(OPEN, "("), *inner, Piece(CLOSE, ")")]


def _bracketed(inner: list[Piece]) -> list[Piece]:
    return [Piece(OPEN, "("), *inner, Piece(CLOSE, ")")]


# LaTeX


def _command(given: Tokens, name: str) -> list[Piece]:
    if name in ("frac", "dfrac", "tfrac"):
        top, bottom = _group(given), _group(given)
        derivative = _derivative(given, top, bottom)
        if derivative:
            return derivative
        return _powered(given, _bracketed([*_bracketed(top), Piece(SIGN, "/"), *_bracketed(bottom)]))
    if name in FUNCTIONS:
        return _function(given, FUNCTIONS[name])
    if name in CALLED:
        return [Piece(FUNCTION, CALLED[name])]
    if name == "partial":
        return _partial(given)
    if name == "nabla":
        return _nabla(given)
    if name in ACCENT_COMMANDS or name in LATEX_GREEK:
        given.at -= 1
        return _quantity(given)
    if name == "\\":
        return [Piece(SIGN, ";")] if given.peek() else []
    if name in COMMANDS:
        sign = COMMANDS[name]
        if name in ("left", "right") and given.peek() == ".":
            given.take()
        if not sign:
            return []
        return [Piece(SIGN, sign)]
    if name in ("label", "tag", "hspace", "vspace", "begin", "end"):
        _group(given)
        return []
    raise given.error(f"the command '\\{name}' can't be read")


def _group(given: Tokens) -> list[Piece]:
    """What a command takes: a group in braces, or the next token."""
    if given.peek() == "{":
        given.take()
        return pieces(given, "}")
    if not given.peek():
        raise given.error("a command at the end of a line takes nothing")
    token = given.peek()
    if token[0].isdigit() and len(token) > 1:  # \frac12
        given.items[given.at : given.at + 1] = [(c, given.items[given.at][1] + i) for i, c in enumerate(token)]
    given.depth += 1
    if given.depth > NESTING:
        raise given.error(f"more than {NESTING} nested brackets", "name the intermediate results")
    found = _next(given, [])
    given.depth -= 1
    return found


def _function(given: Tokens, name: str) -> list[Piece]:
    """A function with its argument, in brackets or not."""
    if given.peek() == "\\left":
        given.take()
    token = given.peek()
    if name == "sqrt" and token == "[":
        raise given.error("a root of another order can't be read", "write it as a power")
    if token == "(":
        given.take()
        return _powered(given, _call(name, pieces(given, ")")))
    if token == "^":
        raise given.error(f"the power of '{name}' without brackets can't be read", f"write ({name}(x))**2")
    return _call(name, _group(given))


# Gradients


def _derivative(given: Tokens, top: list[Piece], bottom: list[Piece]) -> list[Piece]:
    """`\\frac{\\partial L}{\\partial w}` as the gradient at w; with the function after it too."""
    if len(bottom) == 2 and bottom[0].text == "∂" and bottom[1].kind == NAME and top and top[0].text == "∂":
        if len(top) == 1:
            _quantity(given)
            if given.peek() == "(":
                given.take()
                pieces(given, ")")
        return _powered(given, _call("grad", bottom[1:]))
    if all(len(p) == 2 and p[0].text == "d" and p[1].kind == NAME for p in (top, bottom)):
        return _powered(given, _call("grad", bottom[1:]))
    names = [p[0].text for p in (top, bottom) if len(p) == 1 and p[0].kind == NAME]
    if len(names) == 2 and _is_leibniz(given, *names):
        at = bottom[0]
        return _powered(given, _call("grad", [replace(at, text=at.text[1:], shown=at.shown.removeprefix("d"))]))
    return []


def _partial(given: Tokens) -> list[Piece]:
    """`∂L/∂w`, `∂L(w)/∂w` as the gradient at w; inside a fraction the sign itself."""
    depth = 0
    for i in range(12):
        token = given.peek(i)
        depth += (token == "(") - (token == ")")
        if depth == 0 and token == "/" and given.peek(i + 1) == "\\partial":
            given.at += i + 2
            at = _quantity(given)
            if len(at) > 1:
                raise given.error("a derivative by a power can't be read", "write the gradient at a name")
            return _call("grad", at)
        if depth == 0 and token in ("", "+", "-", "*", "=", "/"):
            break
    return [Piece(SIGN, "∂")]


def _is_leibniz(given: Tokens, over: str, under: str) -> bool:
    """Whether dL over dw is a derivative: dL is no quantity of its own."""
    if not (re.fullmatch(r"d[A-Z]\w*", over) and re.fullmatch(r"d[^\W\d]\w*", under)):
        return False
    return over not in given.vocabulary.targets | given.vocabulary.alone


def _nabla(given: Tokens) -> list[Piece]:
    """`∇f(θ)`, `∇_θ J(θ; x, y)`, `∇θ J(θ)`: the gradient at what stands in the brackets; alone, a name."""
    start = given.at
    if given.peek() == "_":
        given.take()
        _group(given)
    names = 0
    while given.peek() and (given.peek()[0].isalpha() or given.peek()[0] in "\\_" or given.peek() == "{"):
        if given.peek() in ("\\left", "\\,", "\\bigl", "\\big"):
            given.take()
            continue
        if given.peek()[1:] in COMMANDS or names > 2:
            break
        if given.peek() == "_":
            given.take()
            _group(given)
            continue
        _plain_name(given)
        names += 1
    if given.peek() == "(" and names:
        given.take()
        return _call("grad", _first(pieces(given, ")")))
    if given.peek() == "(":
        raise given.error("'∇(' asks for the gradient of nothing", "write ∇f(w)")
    given.at = start
    if given.peek() == "_":
        given.take()
        _group(given)
        return [Piece(NAME, "grad_", shown="∇")]
    subject = _quantity(given)
    at = subject[0].at if subject else None
    return [
        Piece(NAME, f"grad_{subject[0].text}" if subject else "grad_", at, "∇" + (subject or [Piece("", "")])[0].shown)
    ]


def _plain_name(given: Tokens) -> None:
    """Takes a name whatever marks it has."""
    token = given.take()
    if token[0] == "\\" and token[1:] in ACCENT_COMMANDS and given.peek() == "{":
        _group(given)
    elif token[0] == "\\" and token[1:] not in LATEX_GREEK and token[1:] not in ACCENT_COMMANDS:
        raise given.error(f"the command '{token}' can't be read")
    elif token == "{":
        raise given.error("'∇' of a group can't be read", "write ∇f(w)")


def _first(inner: list[Piece]) -> list[Piece]:
    """The first argument: what follows `;` or a comma are data."""
    depth = 0
    for i, piece in enumerate(inner):
        depth += (piece.kind == OPEN) - (piece.kind == CLOSE)
        if depth == 0 and piece.text in (";", ","):
            return inner[:i]
    return inner


# Names


def _word(given: Tokens, token: str) -> list[Piece]:
    plain = token.rstrip("'")
    if token in PYTHON_WORDS:
        return [Piece(WORD, token)]
    follows = given.peek()
    if plain in FUNCTIONS and follows not in ("=", ")", ",", "", "."):
        return _function(given, FUNCTIONS[plain])
    if plain in CALLED and follows == "(":
        return [Piece(FUNCTION, CALLED[plain])]
    if (
        follows == "("
        and given.close_by()
        and (plain.lower() in GRADIENT_WORDS or (token != plain and plain.isalpha()))
    ):
        given.take()  # f'(x)
        return _powered(given, _call("grad", _first(pieces(given, ")"))))
    if plain in ("grad", "gradient") and follows and follows[0].isalpha() and given.peek(1) == "(":
        given.take()
        given.take()
        return _call("grad", _first(pieces(given, ")")))
    leibniz = _leibniz(given, token)
    if leibniz:
        return leibniz
    parts = greek_parts(token) if plain not in given.vocabulary.targets else [token]
    if len(parts) > 1:
        at = given.items[given.at - 1][1]
        given.items[given.at - 1 : given.at] = [(p, at + token.index(p)) for p in parts]
    given.at -= 1
    return _quantity(given)


def _leibniz(given: Tokens, token: str) -> list[Piece]:
    """`dL/dw` as the gradient at w."""
    under = given.peek(1)
    if given.peek() != "/" or not _is_leibniz(given, token, under):
        return []
    given.at += 2
    return _powered(given, _call("grad", [Piece(NAME, spelled(under[1:]), shown=under[1:])]))


def _quantity(given: Tokens) -> list[Piece]:
    """A name with its accents, subscripts and superscripts, and the powers of it."""
    start = given.at
    base, at = _base(given)
    if base == "E" and given.peek() == "[":  # the average E[g²] is one name
        base += "_" + re.sub(r"\W", "", raw_group(given))
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
    shown = "".join(text for text, _ in given.items[start:named])
    shown = re.sub(rf"_{at[0]}(?:[-+]\d)?$", "", shown) if at else shown
    return _raised([Piece(NAME, name, at, shown)], power)


def _base(given: Tokens) -> tuple[str, tuple[str, int] | None]:
    """The name itself: a word, a Greek letter, or one of them under an accent or in a typeface."""
    if not given.peek():
        raise given.error("a name is missing")
    token = given.take()
    if token[0] != "\\":
        return _timed_word(given, token)
    name = token[1:]
    if name in LATEX_GREEK:
        return LATEX_GREEK[name], None
    if name not in ACCENT_COMMANDS:
        raise given.error(f"the command '{token}' can't be read")
    at: tuple[str, int] | None = None
    if given.peek() == "{":
        given.take()
        inner = pieces(given, "}")
        names = [p for p in inner if p.kind in (NAME, NUMBER, FUNCTION, WORD)]
        if len(names) < len(inner) or not names:
            raise given.error(f"'{token}' of an expression can't be read", "put it over a name")
        base, at = "".join(p.text for p in names), names[0].at
    else:
        base, at = _base(given)
    return (f"{base}_{ACCENT_COMMANDS[name]}" if ACCENT_COMMANDS[name] else base), at


def _timed_word(given: Tokens, token: str) -> tuple[str, tuple[str, int] | None]:
    """A word, whose last part may be the time: `m_t`, and `m_t-1` written closely."""
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
    return [], None, _exponent(given)


_MARKS = frozenset({"corrected", "corr", "hat", "new", "old", "prev"})  # superscripts that are no powers


# Powers


def _exponent(given: Tokens) -> list[Piece]:
    if not given.vocabulary.powers:
        raise given.error("'^' is not a power in Python", "write **")
    if given.peek() in ("-", "+"):
        return [Piece(SIGN, given.take()), *_group(given)]
    token = given.peek()
    if token and token[0] not in "\\{(" and not token[0].isdigit():
        given.take()
        return [Piece(NAME, spelled(token), shown=token)]
    if token == "(":
        given.take()
        return pieces(given, ")")
    return _group(given)


def _raised(base: list[Piece], power: list[Piece]) -> list[Piece]:
    if not power:
        return base
    if len(power) == 1:
        return [*base, Piece(SIGN, "**"), *power]
    return [*base, Piece(SIGN, "**"), *_bracketed(power)]


def _powered(given: Tokens, base: list[Piece]) -> list[Piece]:
    """The pieces with the power that follows them."""
    if given.peek() != "^":
        return base
    given.take()
    return _raised(base, _exponent(given))


def _script_after(given: Tokens, token: str, before: list[Piece]) -> list[Piece]:
    """A power after something else than a name; a subscript there has no meaning."""
    if token == "^" and before and before[-1].kind in (CLOSE, NUMBER, NAME):
        return _raised([], _exponent(given))
    raise given.error(f"'{token}' stands after nothing it could belong to")
