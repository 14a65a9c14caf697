"""A line of mathematics to the pieces of a Python statement: unicode, LaTeX and missing signs read.

What is one quantity becomes one piece, with the time it is taken at where it has one: `m̂_{t-1}`,
`\\hat{m}_{t-1}` and `m_hat[t-1]` are the name m_hat at t - 1. Powers, fractions, roots, absolute
values and gradients become Python's; `times` and `normalise` do the rest.
"""

from __future__ import annotations

from dataclasses import replace

from derive.reading.pasted.text.gradients import derivative, first, leibniz, nabla, partial
from derive.reading.pasted.text.names import greek_parts
from derive.reading.pasted.text.quantities import asked, bracketed, call, exponent, powered, quantity, raised, scripted
from derive.reading.pasted.text.signs import (
    ACCENT_COMMANDS,
    CALLED,
    COMMANDS,
    FUNCTIONS,
    GRADIENT_WORDS,
    LATEX_GREEK,
    PYTHON_WORDS,
)
from derive.reading.pasted.text.tokens import (
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
        return powered(given, [Piece(NUMBER, token)])
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
        if token == "{" and len(inner) == 1 and inner[0].kind == NAME and given.peek() in ("_", "^"):
            return scripted(given, inner[0])
        left, right = ("[", "]") if token == "[" else ("(", ")")
        return powered(given, [Piece(OPEN, left), *inner, Piece(CLOSE, right)])
    if token in ")]}":
        raise given.error(f"'{token}' closes nothing", "close every bracket")
    if token in (":=", "<-"):
        return [Piece(SIGN, "=")]
    if token == "|":
        inner = pieces(given, "|")
        return powered(given, [*call("abs", inner)])
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


# LaTeX


def _command(given: Tokens, name: str) -> list[Piece]:
    if name in ("frac", "dfrac", "tfrac"):
        top, bottom = group(given), group(given)
        at = derivative(given, top, bottom)
        if at:
            return at
        return powered(given, bracketed([*bracketed(top), Piece(SIGN, "/"), *bracketed(bottom)]))
    if name in FUNCTIONS:
        return _function(given, FUNCTIONS[name])
    if name in CALLED:
        return [Piece(FUNCTION, CALLED[name])]
    if name == "partial":
        return partial(given)
    if name == "nabla":
        return nabla(given)
    if name in ACCENT_COMMANDS or name in LATEX_GREEK:
        given.at -= 1
        return quantity(given)
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
        group(given)
        return []
    raise given.error(f"the command '\\{name}' can't be read")


def group(given: Tokens) -> list[Piece]:
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
        return powered(given, call(name, pieces(given, ")")))
    if token == "^":
        raise given.error(f"the power of '{name}' without brackets can't be read", f"write ({name}(x))**2")
    return call(name, group(given))


# Words


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
        return powered(given, asked(given, first(pieces(given, ")"))))
    if plain in ("grad", "gradient") and follows and follows[0].isalpha() and given.peek(1) == "(":
        given.take()
        given.take()
        return asked(given, first(pieces(given, ")")))
    derivative = leibniz(given, token)
    if derivative:
        return derivative
    parts = greek_parts(token) if plain not in given.vocabulary.targets else [token]
    if len(parts) > 1:
        at = given.items[given.at - 1][1]
        given.items[given.at - 1 : given.at] = [(p, at + token.index(p)) for p in parts]
    given.at -= 1
    return quantity(given)


def _script_after(given: Tokens, token: str, before: list[Piece]) -> list[Piece]:
    """A power after something else than a name; a subscript there has no meaning."""
    if token == "^" and before and before[-1].kind in (CLOSE, NUMBER, NAME):
        return raised([], exponent(given))
    raise given.error(f"'{token}' stands after nothing it could belong to")
