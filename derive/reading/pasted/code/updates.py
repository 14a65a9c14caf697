"""Updates that a function hands out: `updates[p] = x` and `updates.append((p, x))` are stored all at once, later."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator


def at_the_end(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements with what goes into `updates` stored all at once, where the dictionary or list is handed out.

    `updates[p] = x` and `updates.append((p, x))` change nothing by themselves.
    """
    made = next((n for n in body if _made(n)), None)
    name = _made(made) if made is not None else ""
    if not name or not any(_entries(n, name) for s in body for n in ast.walk(s)):
        return body
    changer = _Entries(name)
    return [changer.visit(s) for s in body if s is not made and not _hands_out(s, name)]


def _made(node: ast.stmt) -> str:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            empty = ast.unparse(value) in ("{}", "[]", "dict()", "OrderedDict()", "collections.OrderedDict()")
            return name if empty and name == "updates" else ""
    return ""


def _hands_out(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Return) and isinstance(node.value, ast.Name) and node.value.id == name


def _entries(node: ast.AST, name: str) -> tuple[ast.expr, ast.expr] | None:
    """What is to be stored, and where."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=to), slice=target)], value=value) if to == name:
            return target, value
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(ast.Name(id=to), "append"), args=[ast.Tuple(elts=[target, value])])
        ) if to == name:
            return target, value
    return None


class _Entries(ast.NodeTransformer):
    """The entries of each block gathered in one assignment at its end."""

    def __init__(self, name: str) -> None:
        self.name = name

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = list(self._gathered(body))  # type: ignore[attr-defined]
        return node

    def _gathered(self, body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
        targets, values, last = list[ast.expr](), list[ast.expr](), None
        for statement in body:
            entry = _entries(statement, self.name)
            if entry is None:
                yield statement
                continue
            kept = ast.Name(f"new_{len(values)}_", ast.Store())
            yield ast.copy_location(ast.Assign([kept], entry[1]), statement)
            whole = ast.Subscript(entry[0], ast.Slice(), ast.Store())
            targets, values, last = [*targets, whole], [*values, ast.Name(kept.id, ast.Load())], statement
        for target, value in zip(targets, values, strict=True):
            assert last is not None
            yield ast.copy_location(ast.Assign([target], value), last)
