"""Loops over the parts of a model: what happens to each array happens to one coordinate like any other.

    for l in range(L):                         for key in params:               for p, g in zip(params, grads):
        v["dW" + str(l)] = ... grads["dW" + str(l)]    m[key] = ... grads[key]          p -= lr * g

The loop is left out and the index with it: `m[key]` is m, `v["dW" + str(l)]` is v["dW"]. Only a loop
whose index does nothing but pick the part is one over coordinates.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from derive.errors import UserError
from derive.reading.bindings import bound_by
from derive.reading.refusals import text_of
from derive.reading.scope import dotted

_MAPS = frozenset({"tree_map", "jax.tree_map", "jax.tree.map", "jax.tree_util.tree_map", "tree_util.tree_map"})
_CREATED = ast.Dict | ast.List


def without_coordinates(tree: ast.Module, file: str) -> tuple[ast.Module, frozenset[str]]:
    """The tree, read for one coordinate, and the containers of its arrays, which keep what is stored in them.

    Raises UserError where a loop mixes coordinates or loses what it stores.
    """
    walker = _Coordinates(file)
    tree = walker.visit(tree)
    return (_Emptied(walker.bases).visit(tree) if walker.bases else tree), frozenset(walker.bases)


class _Coordinates(ast.NodeTransformer):
    def __init__(self, file: str) -> None:
        self.file = file
        self.bases: set[str] = set()

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        index, items = _head(node)
        if index is None and not items:
            return node
        body = node.body
        uses = _Uses(index)
        for s in body:
            uses.visit(s)
        if uses.elsewhere or not (uses.indices or items) or node.orelse:
            return node
        plain = _carried_plainly(body, {*items, *([index] if index else [])})
        if plain:
            if items:
                what = f"{plain[0]!r} is given a new value in the loop over its arrays, which keeps none"
                raise UserError(what, where=f"{self.file}:{node.lineno}", fix=f"write {plain[0]}[:] = ...")
            return node
        if len(uses.indices) > 1:
            what = f"the indices {' and '.join(sorted(uses.indices))} mix coordinates"
            raise UserError(what, where=f"{self.file}:{node.lineno}", fix="write the step for one coordinate")
        self.bases |= uses.bases | {dotted(b) or "" for b in items.values()}
        one = _OneCoordinate(index, items)
        return [one.visit(s) for s in body]

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node, node.elt)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`tree_map(lambda p, g: p - lr * g, params, grads)` does the same to every array."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=function, args=[ast.Lambda(args=ast.arguments(args=names), body=body), *arrays]) if (
                dotted(function) in _MAPS and len(names) == len(arrays) and not node.keywords
            ):
                bases = [_base(a) for a in arrays]
                if all(b is not None for b in bases):
                    items = {n.arg: b for n, b in zip(names, bases, strict=True) if b is not None}
                    return _OneCoordinate(None, items).visit(body)  # type: ignore[no-any-return]
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node, node.value)

    def _comprehension(self, node: ast.ListComp | ast.DictComp, value: ast.expr) -> ast.AST:
        """`[np.zeros_like(p) for p in params]` is zeros like params."""
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=over, ifs=[])] if _base(over) is not None:
                one: ast.AST = _OneCoordinate(None, {name: _base(over) or over}).visit(value)
                return one
            case [
                ast.comprehension(target=ast.Tuple() as target, iter=ast.Call(func=ast.Name(id="zip")) as over, ifs=[])
            ]:
                items = _items(target, over)
                return _OneCoordinate(None, items).visit(value) if items else node
            case [ast.comprehension(target=ast.Name(id=name), ifs=[])]:
                return node if name in _loaded(value) else value
        return node


class _Emptied(ast.NodeTransformer):
    """Leaves out `m = {}` and `m = []` where m is picked apart by a loop."""

    def __init__(self, bases: set[str]) -> None:
        self.bases = bases

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        made = isinstance(node.value, _CREATED) and not ast.unparse(node.value).strip("{}[]")
        called = isinstance(node.value, ast.Call) and dotted(node.value.func) in ("dict", "list", "defaultdict")
        return None if (made or called) and all(dotted(t) in self.bases for t in node.targets) else node


# The loop's head


def _head(node: ast.For) -> tuple[str | None, dict[str, ast.expr]]:
    """The index of a loop over parts, and each of its items with the array it is a part of."""
    match node.target, node.iter:
        case ast.Name(id=i), ast.Call(func=ast.Name(id="range")):
            return i, {}
        case ast.Name(id=i), ast.Call(func=ast.Attribute(attr="keys"), args=[]):
            return i, {}
        case ast.Tuple(elts=[ast.Name(id=i), ast.Name(id=x)]), ast.Call(
            func=ast.Attribute(value=base, attr="items"), args=[]
        ):
            return i, {x: base}
        case ast.Tuple(elts=[ast.Name(id=i), target]), ast.Call(func=ast.Name(id="enumerate"), args=[over]):
            return i, _items(target, over)
        case ast.Tuple() as target, ast.Call(func=ast.Name(id="zip")) as over:
            return None, _items(target, over)
        case ast.Name(id=i), ast.Name() | ast.Attribute():
            return i, {}
    return None, {}


def _items(target: ast.expr, over: ast.expr) -> dict[str, ast.expr]:
    match target, over:
        case ast.Tuple(elts=names), ast.Call(func=ast.Name(id="zip"), args=args) if len(names) == len(args):
            pairs = zip(names, args, strict=True)
            found = {n.id: base for n, a in pairs if isinstance(n, ast.Name) and (base := _base(a)) is not None}
            return found if len(found) == len(names) else {}
        case ast.Name(id=name), ast.Name() | ast.Attribute():
            return {name: over}
    return {}


def _base(node: ast.expr) -> ast.expr | None:
    """The arrays a sequence is of: a name, an attribute, or the values of one."""
    match node:
        case ast.Name() | ast.Attribute(value=ast.Name()):
            return node
        case ast.Call(func=ast.Attribute(value=base, attr="values" | "keys"), args=[]):
            return base
    return None


# What the index does


class _Uses(ast.NodeVisitor):
    """The indices a name makes, the arrays they pick from, and whether it does anything else."""

    def __init__(self, index: str | None) -> None:
        self.index = index
        self.indices: set[str] = set()
        self.bases: set[str] = set()
        self.elsewhere = False

    def visit_Subscript(self, node: ast.Subscript) -> None:
        found = _index_of(node.slice, self.index)
        if found is None:
            self.generic_visit(node)
            return
        self.indices.add(found[0])
        if not found[1]:
            self.bases.add(dotted(node.value) or "")
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        self.elsewhere |= node.id == self.index


def _index_of(node: ast.expr, index: str | None) -> tuple[str, str] | None:
    """What in a subscript is the index, and the key that stands before it."""
    if index is None or index not in _loaded(node):
        return None
    match node:
        case ast.Name() | ast.BinOp(left=ast.Name(), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return ast.unparse(node), ""
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Add(), right=ast.Call(ast.Name("str"), [inner], [])):
            return ast.unparse(inner), key
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Add(), right=ast.Name()):
            return ast.unparse(node.right), key
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Mod(), right=inner):
            return ast.unparse(inner), key.replace("%d", "").replace("%s", "").replace("%i", "")
        case ast.JoinedStr(values=[ast.Constant(value=str(key)), ast.FormattedValue(value=inner)]):
            return ast.unparse(inner), key
    return None


def _loaded(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _carried_plainly(body: Sequence[ast.stmt], own: Iterable[str]) -> list[str]:
    """The plain names the body changes after reading them: they would go from one part to the next."""
    own, given, found = set(own), set[str](), list[str]()
    for s in body:
        read = {n.id for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        bound = {name for name, _ in bound_by(s)}
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name) and s.target.id not in own:
            read.add(s.target.id)
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name) and s.target.id in own:
            bound -= {s.target.id}  # an item's array is changed in place
        found += sorted((bound & own) - set(found))
        late = {n for later in body for n, _ in bound_by(later)}
        found += sorted(((read - given) & late) - own - set(found))
        given |= bound
    return found


class _OneCoordinate(ast.NodeTransformer):
    """The body without the index, and with items under the names of their arrays."""

    def __init__(self, index: str | None, items: dict[str, ast.expr]) -> None:
        self.index, self.items = index, items

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        found = _index_of(node.slice, self.index)
        if found is None:
            self.generic_visit(node)
            return node
        base = self.visit(node.value)
        if not found[1]:
            base.ctx = node.ctx
            return base  # type: ignore[no-any-return]
        key = ast.copy_location(ast.Constant(found[1]), node.slice)
        return ast.copy_location(ast.Subscript(base, key, node.ctx), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        base = self.items.get(node.id)
        if base is None:
            return node
        copy = ast.parse(text_of(base), mode="eval").body
        for n in ast.walk(copy):
            ast.copy_location(n, node)
        copy.ctx = node.ctx  # type: ignore[attr-defined]
        return copy
