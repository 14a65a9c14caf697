"""How much is read at all: bytes, lines, tokens and nesting before `ast` sees them, then the statements of a step."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

from derive.errors import UserError

BYTES = 1_000_000
LINES = 10_000
TOKENS = 150_000
STATEMENT_TOKENS = 5_000
BRACKETS = 60
DEPTH = 250  # of the syntax tree; everything after this may recurse
NUMBER_LENGTH = 100
STATEMENTS = 1_000  # of one step
BLOCKS = 20  # of a step, one inside another


def parse(text: str, file: str) -> ast.Module:
    """The syntax tree of a text within the limits. Raises UserError with the line of what is wrong."""
    _size_limits(text, file)
    try:
        _token_limits(text, file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's string escapes, for instance
            tree = ast.parse(text)
    except (SyntaxError, tokenize.TokenError, ValueError) as error:
        what, line = _named(error, text)
        raise UserError(f"not valid Python: {what}", where=f"{file}:{line}" if line else file) from None
    except (RecursionError, MemoryError):
        raise UserError("nested too deeply to be read", where=file, fix="name the intermediate results") from None
    _depth_limit(tree, file)
    return tree


def _size_limits(text: str, file: str) -> None:
    size, lines = len(text.encode("utf-8", "replace")), text.count("\n") + 1
    if size > BYTES:
        raise UserError(f"{size} bytes are too many to read (at most {BYTES})", where=file, fix="cut out the rule")
    if lines > LINES:
        raise UserError(f"{lines} lines are too many to read (at most {LINES})", where=file, fix="cut out the rule")


def _token_limits(text: str, file: str) -> None:
    brackets = in_statement = 0
    for count, token in enumerate(tokenize.generate_tokens(io.StringIO(text).readline)):
        where = f"{file}:{token.start[0]}"
        in_statement = 0 if token.type == tokenize.NEWLINE else in_statement + 1
        brackets += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        if brackets > BRACKETS:
            raise UserError(f"more than {BRACKETS} nested brackets", where=where, fix="name the intermediate results")
        if in_statement > STATEMENT_TOKENS or count > TOKENS:
            raise UserError("too long to be read", where=where, fix="cut out the rule")
        if token.type == tokenize.NUMBER and len(token.string) > NUMBER_LENGTH:
            raise UserError(f"a number of {len(token.string)} characters", where=where, fix="shorten it")


def _named(error: Exception, text: str) -> tuple[str, int | None]:
    """What is wrong and where. The tokenizer only knows that the text has ended; `ast` knows which bracket is open."""
    if isinstance(error, tokenize.TokenError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as better:
            error = better
    return (error.msg, error.lineno) if isinstance(error, SyntaxError) else (str(error.args[0]), None)


def _depth_limit(tree: ast.AST, file: str) -> None:
    stack = [(tree, 0, 1)]
    while stack:
        node, depth, line = stack.pop()
        line = getattr(node, "lineno", line)
        if depth > DEPTH:
            raise UserError("nested too deeply to be read", where=f"{file}:{line}", fix="name the intermediate results")
        stack.extend((child, depth + 1, line) for child in ast.iter_child_nodes(node))
