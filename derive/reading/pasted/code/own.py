"""A parameter that carries its own gradient and state, as a method of its optimizer is given it.

def opt_step(self, p):                          def opt_step(self):
    if not hasattr(p, "avg"): p.avg = 0             if self.avg is None: self.avg = 0
    p.avg = self.b * p.avg + p.grad                 self.avg = self.b * self.avg + self.p.grad
    p -= self.lr * p.avg                            self.p -= self.lr * self.avg
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from derive.errors import UserError
from derive.reading.pasted.code.indices import rebound
from derive.reading.pasted.code.objects import OF_ARRAYS


def with_own_parameter(node: ast.ClassDef, step: ast.FunctionDef, file: str) -> Mapping[str, str]:
    """Changes the step so; the attributes of `self` that are made, and how the text writes them.

    Raises UserError where the parameter's name is bound anew: the parameter itself stays as it is.
    """
    given = [a.arg for a in step.args.args[1:] if _has_gradient(step, a.arg)]
    if len(given) != 1 or step.args.defaults:
        return {}
    [name] = given
    stores = [n for n in ast.walk(step) if _is_of(n, name) and not isinstance(n.ctx, ast.Load)]  # type: ignore[attr-defined]
    kept = {n.attr for n in stores} - OF_ARRAYS  # type: ignore[attr-defined]
    kept |= {key for n in ast.walk(step) if (key := _key_of(n, name)) is not None}
    taken = {n.attr for n in ast.walk(node) if _is_of(n, "self")}  # type: ignore[attr-defined]
    if not kept or (kept | {name}) & taken:
        return {}
    if rebound(step.body, [name]):
        fix = f"store into it, as in {name} -= ..."
        raise UserError(f"the new {name!r} never leaves the method", where=f"{file}:{step.lineno}", fix=fix)
    step.args.args = [a for a in step.args.args if a.arg != name]
    step.body = [_Own(name, kept).visit(s) for s in step.body]
    ast.fix_missing_locations(step)
    return {f"self.{name}": name, **{f"self.{attr}": f"{name}.{attr}" for attr in kept}}


def _has_gradient(step: ast.FunctionDef, name: str) -> bool:
    return any(_is_of(n, name) and n.attr == "grad" for n in ast.walk(step))  # type: ignore[attr-defined]


def _is_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name


def _key_of(node: ast.AST, name: str) -> str | None:
    match node:
        case ast.Subscript(value=ast.Name(id=base), slice=ast.Constant(value=str(key))) if base == name:
            return key
    return None


class _Own(ast.NodeTransformer):
    def __init__(self, name: str, kept: set[str]) -> None:
        self.name, self.kept = name, kept

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _of_self(self.name, node.ctx, node) if node.id == self.name else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if _is_of(node, self.name) and node.attr in self.kept:
            return _of_self(node.attr, node.ctx, node)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        key = _key_of(node, self.name)
        return self.generic_visit(node) if key is None else _of_self(key, node.ctx, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """`"avg" not in p` asks whether it is there yet."""
        match node:
            case ast.Compare(left=ast.Constant(value=str(attr)), ops=[ast.In() | ast.NotIn() as op],
                             comparators=[ast.Name(id=name)]) if name == self.name:  # fmt: skip
                asked = ast.Is() if isinstance(op, ast.NotIn) else ast.IsNot()
                left = _of_self(attr, ast.Load(), node)
                return ast.copy_location(ast.Compare(left, [asked], [ast.Constant(None)]), node)
        return self.generic_visit(node)


def _of_self(attr: str, ctx: ast.expr_context, at: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Attribute(ast.Name("self", ast.Load()), attr, ctx), at)
