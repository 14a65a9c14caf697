"""The reader's front door: a definition of any kind to a `Rule`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from types import FunctionType, MappingProxyType

from derive.errors import UserError
from derive.reading.limits import STATEMENTS
from derive.reading.python.classes import read_class
from derive.reading.python.functions import read_function
from derive.reading.python.loops import read_loop, step_loop
from derive.reading.python.optimizers import is_optimizer, read_optimizer
from derive.reading.python.tuples import with_items
from derive.reading.source import Definition, find_class, find_function, find_named, load_text
from derive.reading.step.roles import RULE_LANGUAGE, Roles, to_rule
from derive.reading.step.statements import Procedure
from derive.rule import Rule


def read_text(
    text: str,
    name: str,
    file: str = "input",
    roles: Roles = RULE_LANGUAGE,
    settings: Mapping[str, bool] = MappingProxyType({}),
) -> Rule:
    """The rule that the function or class `name` of a Python text is. Nothing of the text is executed.

    `file` is named in errors; `settings` says which way switches are set: {"nesterov": True}. Raises
    UserError, with the line, for what can't be read.
    """
    return to_rule(read_definition(with_settings(find_named(text, file, name), settings)), roles)


def with_settings(definition: Definition, settings: Mapping[str, bool]) -> Definition:
    """The definition with its switches set. Raises UserError for a switch that it does not have."""
    arguments = {a.arg for a in ast.walk(definition.node) if isinstance(a, ast.arg)}
    for unknown in sorted(settings.keys() - arguments):
        raise definition.error(f"there is no switch {unknown!r}", fix="give the name of an argument")
    return replace(definition, settings=settings)


def read_path(path: str, name: str) -> Rule:
    """The rule that the function or class `name` of a .py file is. The file is not imported."""
    return read_text(load_text(path), name, path)


def read_loaded(given: object) -> Rule:
    """The rule of a function or class that Python has defined already: its source is read, it is not called.

    Raises UserError for any other object, and where there is no source.
    """
    if isinstance(given, FunctionType):
        return to_rule(read_definition(find_function(given)))
    if isinstance(given, type):
        return to_rule(read_definition(find_class(given)))
    what = f"{type(given).__name__!r} is no rule, and no function or class that can be read as one"
    raise UserError(what, fix="give a rule, its name, PATH::NAME, or the function or class itself")


def read_definition(definition: Definition) -> Procedure:
    """One step of a function, a class, an optimizer of PyTorch's, or a function that loops over its steps."""
    _refuse_long(definition)
    definition = with_items(definition)
    if isinstance(definition.node, ast.ClassDef):
        return read_optimizer(definition) if is_optimizer(definition) else read_class(definition)
    if step_loop(definition.node) is not None:
        return read_loop(definition)
    return read_function(definition)


def _refuse_long(definition: Definition) -> None:
    """What is too long for one step is refused before anything looks into it."""
    statements = [n for n in ast.walk(definition.node) if isinstance(n, ast.stmt)]
    if len(statements) > 2 * STATEMENTS:  # a class has more than its step
        what = f"{len(statements)} statements are too many to read (at most {2 * STATEMENTS})"
        raise definition.error(what, fix="cut out the rule")
