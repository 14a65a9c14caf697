"""Checks: statements that do nothing but raise. A run that raises is no run, so where `__init__` makes them
of its arguments they are left out: what they refuse are settings the rule is never run with.
"""

from __future__ import annotations

import ast

from derive.reading.python.scope import Scope, function_path
from derive.reading.python.spellings import INQUIRIES, SHAPES


def is_check(statement: ast.stmt, scope: Scope) -> bool:
    """Whether a statement raises or does nothing."""
    match statement:
        case ast.Assert(test=test):
            return _changes_nothing(test, scope)
        case ast.If(test=test, body=body, orelse=orelse):
            raising = all(isinstance(s, ast.Raise) or is_check(s, scope) for s in (*body, *orelse))
            return raising and _changes_nothing(test, scope)
    return False


def _changes_nothing(test: ast.expr, scope: Scope) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
            return False
        if isinstance(node, ast.Call):
            path = function_path(node.func, scope) or ""
            if path not in SHAPES and path.removeprefix("builtins.") not in INQUIRIES:
                return False
    return True
