"""What the reader says about a construct it does not read: the construct, and what would work."""

from __future__ import annotations

import ast

from derive.errors import UserError
from derive.reading.python.scope import Scope
from derive.reading.python.spellings import REDUCTIONS

_STRAIGHT = "write one step as straight-line assignments"
_NO_CHECKS = "declare the domain instead, as in beta=decay(0.9)"
_ONE_COORDINATE = "write the step for one coordinate"

_CONSTRUCTS: dict[type[ast.AST], tuple[str, str]] = {
    ast.While: ("a 'while' loop", _STRAIGHT),
    ast.For: ("a 'for' loop inside a step", _STRAIGHT),
    ast.Try: ("'try'", _STRAIGHT),
    ast.With: ("'with'", _STRAIGHT),
    ast.Match: ("'match'", "write if and else"),
    ast.FunctionDef: ("a function inside a step", "write its expression where it is used"),
    ast.ClassDef: ("a class inside a step", _STRAIGHT),
    ast.Return: ("'return' before the end", "assign in the branches and return once, at the end"),
    ast.Raise: ("'raise'", _NO_CHECKS),
    ast.Assert: ("'assert'", _NO_CHECKS),
    ast.Global: ("'global'", "pass the value as an argument"),
    ast.Nonlocal: ("'nonlocal'", "pass the value as an argument"),
    ast.Delete: ("'del'", "leave it out"),
    ast.Import: ("an import inside a step", "import at the top of the file"),
    ast.ImportFrom: ("an import inside a step", "import at the top of the file"),
    ast.Break: ("'break'", _STRAIGHT),
    ast.Continue: ("'continue'", _STRAIGHT),
    ast.Lambda: ("a lambda", "write the expression itself"),
    ast.NamedExpr: ("':='", "assign the name in a line of its own"),
    ast.List: ("a list", "write one name for each buffer"),
    ast.Tuple: ("a tuple inside an expression", "write one assignment for each name"),
    ast.Dict: ("a dictionary", "write one name for each buffer"),
    ast.ListComp: ("a comprehension", _ONE_COORDINATE),
    ast.GeneratorExp: ("a comprehension", _ONE_COORDINATE),
    ast.DictComp: ("a comprehension", _ONE_COORDINATE),
    ast.Await: ("'await'", _STRAIGHT),
    ast.Yield: ("'yield'", "return the result"),
    ast.Starred: ("'*'", "name every argument"),
}


def unreadable_expression(node: ast.expr, scope: Scope) -> UserError:
    """The refusal of an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return scope.error("'@' mixes coordinates and can't be read yet", node, _ONE_COORDINATE)
    if isinstance(node, ast.BinOp):
        return scope.error(f"the operator in '{text_of(node)}' can't be read", node, "use +, -, *, / or **")
    if isinstance(node, ast.Compare):
        return scope.error(f"the comparison '{text_of(node)}' can't be read", node, "use <, <=, >, >=, == or !=")
    if isinstance(node, ast.UnaryOp):
        what = f"'{text_of(node)}' is another number in Python than in NumPy"
        return scope.error(what, node, "use not or np.logical_not")
    what, fix = _CONSTRUCTS.get(type(node), (f"'{text_of(node)}'", "write arithmetic on names and numbers"))
    return scope.error(f"{what} can't be read", node, fix)


def unreadable_statement(node: ast.stmt, scope: Scope) -> UserError:
    """The refusal of a statement."""
    if isinstance(node, ast.AugAssign):
        return scope.error(f"the operator in '{text_of(node)}' can't be read", node, "use +=, -=, *=, /= or **=")
    what, fix = _CONSTRUCTS.get(type(node), (f"'{text_of(node)}'", _STRAIGHT))
    return scope.error(f"{what} can't be read", node, fix)


def unknown_function(node: ast.Call, path: str | None, scope: Scope) -> UserError:
    """The refusal of a call."""
    name, last = text_of(node.func), (path or "").rsplit(".", 1)[-1]
    if (path or "").startswith(".") and last.endswith("_") and not last.endswith("__"):
        return scope.error(f"the in-place method '{last}' can't be read", node, "write an assignment: m = ...")
    if last in REDUCTIONS or "linalg" in name.split("."):
        return scope.error(f"'{name}' mixes coordinates and can't be read yet", node, _ONE_COORDINATE)
    known = "use +, -, *, /, **, sqrt, exp, log, tanh, abs, sign, max, min or where"
    return scope.error(f"the function '{name}' can't be read", node, known)


def text_of(node: ast.AST) -> str:
    """The source of a node, on one line and not too long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 50 else f"{text[:47]}..."
