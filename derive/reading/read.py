"""The reader's front door: a definition of any kind to a `Rule`."""

from __future__ import annotations

import ast

from derive.reading.functions import read_function
from derive.reading.roles import to_rule
from derive.reading.source import Definition, find_loaded, find_named, load_text
from derive.rule import Rule


def read_definition(definition: Definition) -> Rule:
    """The rule a function or class is."""
    return to_rule(read_function(definition))


def read_text(text: str, name: str, file: str = "input") -> Rule:
    """The rule that the function or class `name` of a Python text is. Nothing of the text is executed."""
    return read_definition(find_named(text, file, name))


def read_path(path: str, name: str) -> Rule:
    """The rule that the function or class `name` of a .py file is. The file is not imported."""
    return read_text(load_text(path), name, path)


def read_loaded(function: object) -> Rule:
    """The rule of a function that Python has defined already: its source is read, it is not called."""
    code = getattr(function, "__code__", None)
    if code is None:
        raise TypeError("@rule stands before a function")
    return read_definition(find_loaded(code.co_filename, code.co_firstlineno, code.co_name, function.__globals__))  # type: ignore[attr-defined]
