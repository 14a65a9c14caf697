"""Arguments and indices that stand for others, written out.

def update(g, state): x, v = state; ...; return x, (m, v)     def update(g, x, v): ...; return x, m, v
self.m[self.index_of(w)]                                      self.m, which has one array for each w
b1, b2 = group["betas"]                                       b1 = group["beta1"]; b2 = group["beta2"]
gradient(x[0], x[1])                                          gradient(x)
lr / len(batch)                                               lr / batch_len
"""

from __future__ import annotations

import ast

from derive.reading.python.bindings import all_args
from derive.reading.python.scope import dotted


def written_out(tree: ast.Module) -> tuple[ast.Module, frozenset[str], dict[str, str]]:
    """The tree, the containers that have one array for each parameter, and how the text writes sizes."""
    changer = _WrittenOut()
    changer.visit(tree)
    return ast.fix_missing_locations(tree), frozenset(changer.containers), changer.spelled


class _WrittenOut(ast.NodeTransformer):
    def __init__(self) -> None:
        self.containers: set[str] = set()
        self.spelled: dict[str, str] = {}
        self.keyed = ""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        for more in (node.args.vararg, node.args.kwarg):
            if more is not None and not _uses(node, more.arg):
                node.args.vararg = None if more is node.args.vararg else node.args.vararg
                node.args.kwarg = None if more is node.args.kwarg else node.args.kwarg
        for statement in node.body:
            names = _unpacked(statement)
            given = next((a for a in node.args.args if names and a.arg == statement.value.id), None)  # type: ignore[attr-defined]
            if given is not None and _uses(node, given.arg) == 1 and not {a.arg for a in all_args(node)} & set(names):
                at = node.args.args.index(given)
                if len(node.args.args) - at > len(node.args.defaults):  # it has no default
                    node.args.args[at : at + 1] = [ast.copy_location(ast.arg(n), given) for n in names]
                    node.body = [s for s in node.body if s is not statement] or [ast.Pass()]
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Tuple):
            inner = [e.elts if isinstance(e, ast.Tuple) else [e] for e in node.value.elts]
            node.value.elts = [e for part in inner for e in part]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """`b1, b2 = group["betas"]` as two settings with names of their own."""
        self.generic_visit(node)
        match node:
            case ast.Assign(
                targets=[ast.Tuple(elts=elts)],
                value=ast.Subscript(value=ast.Name() as base, slice=ast.Constant(value="betas")),
            ):
                keys = [ast.Constant(f"beta{i}") for i in range(1, len(elts) + 1)]
                made = [ast.Assign([e], ast.Subscript(base, k, ast.Load())) for e, k in zip(elts, keys, strict=True)]
                return [ast.copy_location(m, node) for m in made]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        key = _key(node.slice)
        self.generic_visit(node)
        if key and self.keyed in ("", key):  # another array's entries are others
            self.keyed = key
            self.containers.add(dotted(node.value) or ast.unparse(node.value))
            node.value.ctx = node.ctx  # type: ignore[attr-defined]
            return node.value
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        coordinates = [a for a in node.args if _is_coordinate(a)]
        if len(coordinates) == len(node.args) > 1 and not node.keywords:
            arrays = {ast.unparse(a.value) for a in coordinates if isinstance(a, ast.Subscript)}
            numbers = [ast.unparse(a.slice) for a in coordinates if isinstance(a, ast.Subscript)]
            if len(arrays) == 1 and numbers == [str(i) for i in range(len(numbers))]:
                node.args = [coordinates[0].value]  # type: ignore[attr-defined]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        node.left, node.right = self._size(node.left), self._size(node.right)
        return node

    def _size(self, node: ast.expr) -> ast.expr:
        """How large something is, which stays the same, as a name of its own."""
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)], keywords=[]):
                size = f"{name}_len"
            case ast.Attribute(value=ast.Name(id=name), attr="size"):
                size = f"{name}_size"
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=ast.Constant(value=i)):
                size = f"{name}_shape{i!r}"
            case _:
                return node
        self.spelled[size] = ast.unparse(node)
        return ast.copy_location(ast.Name(size, ast.Load()), node)


def _unpacked(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=elts) | ast.List(elts=elts)], value=ast.Name()):
            names = [e.id for e in elts if isinstance(e, ast.Name)]
            return names if len(names) == len(elts) else []
    return []


def _uses(node: ast.AST, name: str) -> int:
    return sum(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def _key(node: ast.expr) -> str:
    """The array of which a method of the object makes an index: w in `self._index(w)`."""
    if isinstance(node, ast.Subscript):
        return _key(node.slice)
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self")), args=[ast.Name(id=name)], keywords=[]):
            return name
        case ast.Call(func=ast.Name(id="id"), args=[ast.Name(id=name)], keywords=[]):
            return name
    return ""


def _is_coordinate(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=int())):
            return True
    return False
