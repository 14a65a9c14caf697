"""Gradients that a framework computes: where they are taken, and that each is that of one step.

`backward()` and a tape take the gradient at the point where they stand, and what nothing clears adds up
from step to step: a text that moves the point before, or never clears, is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from derive.errors import UserError
from derive.reading.python.scope import dotted

ASSIGNING = frozenset({"assign", "assign_add", "assign_sub"})
_CLEARING = frozenset({"zero_grad", "zero_", "detach_", "requires_grad_"})


def tapes(node: ast.With) -> list[str]:
    return [i.optional_vars.id for i in node.items
            if isinstance(i.optional_vars, ast.Name) and isinstance(i.context_expr, ast.Call)
            and (dotted(i.context_expr.func) or "").endswith("GradientTape")]  # fmt: skip


def is_backward(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="backward"))):
            return True
    return False


def is_clearing_call(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="zero_grad"))):
            return True
    return False


def clears(node: ast.stmt) -> bool:
    """Whether a statement sets a gradient to nothing: `p.grad = None`, `p.grad.data.zero_()`."""
    match node:
        case ast.Assign(targets=[ast.Attribute(attr="grad")], value=value):
            return (isinstance(value, ast.Constant) and not value.value) or "zeros" in ast.unparse(value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=array, attr=method), args=[])) if method in _CLEARING:
            return any(isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(array))
    return False


def refuse_never_cleared(tree: ast.AST, file: str) -> None:
    """In a loop that never clears them, gradients add up: each is the sum of all before."""
    for loop in (n for n in ast.walk(tree) if isinstance(n, ast.For | ast.While)):
        inside = [n for n in ast.walk(loop) if isinstance(n, ast.stmt)]
        backward = next((n for n in inside if is_backward(n)), None)
        used = any(isinstance(n, ast.Attribute) and n.attr == "grad" for n in ast.walk(loop))
        if backward is not None and used and not any(clears(n) or is_clearing_call(n) for n in inside):
            what = "the gradients add up from step to step: nothing clears them"
            raise UserError(what, where=f"{file}:{backward.lineno}", fix="write w.grad.zero_() after the step")


def refuse_moved_after_tape(tree: ast.AST, file: str) -> None:
    """The gradient of a tape is that at the point where the tape was recorded."""
    ends = {name: n.end_lineno or 0 for n in ast.walk(tree) if isinstance(n, ast.With) for name in tapes(n)}
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and ends):
        match node:
            case ast.Call(func=ast.Attribute(ast.Name(id=tape), "gradient"), args=[_, at]) if tape in ends:
                points = {ast.unparse(p) for p in (at.elts if isinstance(at, ast.List | ast.Tuple) else [at])}
                between = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and ends[tape] < n.lineno < node.lineno]
                for moved in sorted(points & {name for n in between for name in _changed(n)}):
                    what = f"{moved!r} is changed between the tape and its gradient"
                    raise UserError(what, where=f"{file}:{node.lineno}", fix="change it after the gradient is taken")


def refuse_late_backward(scope: ast.AST, file: str) -> None:
    """The gradient is that at the point where `backward` is called: it has to be where the step starts."""
    owners = {ast.unparse(n.value) for n in ast.walk(scope) if isinstance(n, ast.Attribute) and n.attr == "grad"}
    lines = [n.lineno for n in ast.walk(scope) if isinstance(n, ast.stmt) and is_backward(n)]
    for node in (n for n in ast.walk(scope) if isinstance(n, ast.stmt) and lines):
        for changed in _changed(node):
            if changed in owners and node.lineno < min(lines) and _in_one_loop(scope, node, min(lines)):
                what = f"the gradient is taken in the middle of the step, after {changed!r} is changed"
                raise UserError(what, where=f"{file}:{min(lines)}", fix="write g = grad(point)")


def _in_one_loop(scope: ast.AST, node: ast.stmt, line: int) -> bool:
    """Whether the innermost loop around a statement has the line in it too."""
    loops = [n for n in ast.walk(scope) if isinstance(n, ast.For | ast.While) and n.lineno < node.lineno
             and (n.end_lineno or 0) >= (node.end_lineno or 0)]  # fmt: skip
    inner = max(loops, key=lambda n: n.lineno, default=None)
    return inner is None or (inner.end_lineno or 0) >= line


def _changed(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.AugAssign(target=target):
            yield _owner(target)
        case ast.Assign(targets=[ast.Attribute(attr="data") | ast.Subscript() as target]):
            yield _owner(target)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=array, attr=name))) if (
            name.endswith("_") or name in ASSIGNING
        ):
            yield _owner(array)


def _owner(node: ast.expr) -> str:
    plain = node.value if isinstance(node, ast.Subscript) else node
    return ast.unparse(plain).removesuffix(".data")
