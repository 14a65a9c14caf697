"""The reader's front door: a definition of any kind to a `Rule`."""

from __future__ import annotations

import ast
from types import FunctionType

from derive.reading.classes import read_class
from derive.reading.functions import read_function
from derive.reading.loops import read_loop, step_loop
from derive.reading.roles import RULE_LANGUAGE, Roles, to_rule
from derive.reading.source import Definition, find_loaded, find_named, load_text
from derive.reading.statements import Procedure
from derive.rule import Rule


def read_text(text: str, name: str, file: str = "input", roles: Roles = RULE_LANGUAGE) -> Rule:
    """The rule that the function or class `name` of a Python text is. Nothing of the text is executed.

    `file` is named in errors. Raises UserError, with the line, for what can't be read.
    """
    return to_rule(read_definition(find_named(text, file, name)), roles)


def read_path(path: str, name: str) -> Rule:
    """The rule that the function or class `name` of a .py file is. The file is not imported."""
    return read_text(load_text(path), name, path)


def read_loaded(function: object) -> Rule:
    """The rule of a function that Python has defined already: its source is read, it is not called."""
    if not isinstance(function, FunctionType):
        raise TypeError("@rule stands before a function")
    code = function.__code__
    found = find_loaded(code.co_filename, code.co_firstlineno, code.co_name, function.__globals__)
    return to_rule(read_definition(found))


def read_definition(definition: Definition) -> Procedure:
    """One step of a function, a class, or a function that loops over its steps."""
    if isinstance(definition.node, ast.ClassDef):
        return read_class(definition)
    if step_loop(definition.node) is not None:
        return read_loop(definition)
    return read_function(definition)
