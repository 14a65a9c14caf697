"""Loops over the parts of a model: what happens to each array happens to one coordinate like any other.

    for l in range(L):                         for key in params:               for p, g in zip(params, grads):
        v["dW" + str(l)] = ... grads["dW" + str(l)]    m[key] = ... grads[key]          p -= lr * g

Such a loop is left out. It changes arrays in place, and its index does nothing but pick the part: any
other loop is one over steps or over data.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from derive.errors import UserError
from derive.reading.pasted.code.indices import (
    Items,
    OneCoordinate,
    Uses,
    base_of,
    carried_plainly,
    changed_in_place,
    items_of,
    loaded,
    rebound,
    unbound_indices,
)
from derive.reading.python.bindings import Function, all_args
from derive.reading.python.scope import dotted

_MAPS = frozenset({
    "tree_map", "jax.tree_map", "jax.tree.map", "jax.tree_util.tree_map", "tree_util.tree_map", "tree.map",
    "tree_multimap", "jax.tree_multimap", "jtu.tree_map",
})  # fmt: skip
_CREATED = ast.Dict | ast.List


def without_coordinates(
    tree: ast.Module, file: str, made: frozenset[str] = frozenset()
) -> tuple[ast.Module, frozenset[str]]:
    """The tree, read for one coordinate, and the containers of its arrays, which keep what is stored in them.

    `made` are variables that each array has of its own.

    Raises UserError where a loop mixes coordinates or loses what it stores.
    """
    walker = _Coordinates(file, made)
    tree = walker.visit(tree)
    return (_Emptied(walker.bases).visit(tree) if walker.bases else tree), frozenset(walker.bases)


class _Coordinates(ast.NodeTransformer):
    def __init__(self, file: str, made: frozenset[str]) -> None:
        self.file, self.made = file, made
        self.bases: set[str] = set()

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.generic_visit(node)
        node.body = self._without_unbound(node.body, ())
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = self._without_unbound(node.body, [a.arg for a in all_args(node)])
        return node

    def _without_unbound(self, body: list[ast.stmt], given: Iterable[str]) -> list[ast.stmt]:
        if any(isinstance(s, Function | ast.ClassDef) for s in body):
            return body
        for index in unbound_indices(body, given):
            self.bases |= Uses(index, body).bases
            body = [OneCoordinate(index, {}).visit(s) for s in body]
        return body

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        index, items = _head(node)
        uses = Uses(index, node.body)
        if index in items:  # for p in params: p is the array itself, an index into others, or both
            uses.elsewhere = False
        changed = changed_in_place(node.body, items)
        lost = rebound(node.body, {*items, *([index] if index else [])})
        if node.orelse or uses.elsewhere or not (uses.indices or changed or items):
            return node
        plain = carried_plainly(node.body, {*items, *self.made, *([index] if index else [])})
        if not changed and (plain or not uses.indices or (uses.indices and not uses.stored)):
            if lost and not plain and not uses.stored:
                raise self._lost(node, lost[0])
            return node
        if plain:
            what = f"{plain[0]!r} goes from one array of the loop to the next"
            raise UserError(what, where=f"{self.file}:{node.lineno}", fix="write the step for one coordinate")
        if len(uses.indices) > 1:
            what = f"the indices {' and '.join(sorted(uses.indices))} mix coordinates"
            raise UserError(what, where=f"{self.file}:{node.lineno}", fix="write the step for one coordinate")
        return self._one(node, index, self._kept(node, items, changed, lost, uses))

    def _kept(self, node: ast.For, items: Items, changed: set[str], lost: list[str], uses: Uses) -> Items:
        """The items with their arrays; one that is bound anew is a name of the step from then on.

        That is the gradient's, if it is the only array that nothing is stored into. Any other value is lost.
        """
        if not lost:
            return items
        changed = changed | {n for n, base in items.items() if ast.unparse(base) in uses.stored}
        reads = {n for n in items if n not in changed and n in set().union(*(loaded(s) for s in node.body))}
        by_index = uses.whole - uses.stored
        if len(lost) > 1 or reads - set(lost) or by_index or lost[0] not in items:
            raise self._lost(node, lost[0])
        name = lost[0]
        first = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], items[name]), node.body[0])
        node.body.insert(0, ast.fix_missing_locations(first))
        return {n: base for n, base in items.items() if n != name}

    def _lost(self, node: ast.For, name: str) -> UserError:
        what = f"{name!r} is given a new value in the loop over its arrays, which keeps none"
        return UserError(what, where=f"{self.file}:{node.lineno}", fix=f"write {name}[:] = ...")

    def _one(self, node: ast.For, index: str | None, items: Items) -> list[ast.stmt]:
        uses = Uses(index, node.body)
        self.bases |= uses.bases | {dotted(b) or "" for b in items.values()}
        one = OneCoordinate(index, items)
        return [one.visit(s) for s in node.body]

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node, node.elt)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`tree_map(lambda p, g: p - lr * g, params, grads)` does the same to every array."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=function, args=[ast.Lambda(args=ast.arguments(args=names), body=body), *arrays]) if (
                dotted(function) in _MAPS and len(names) == len(arrays) and not node.keywords
            ):
                bases = [_array(a) for a in arrays]
                if all(b is not None for b in bases):
                    items = {n.arg: b for n, b in zip(names, bases, strict=True) if b is not None}
                    return OneCoordinate(None, items).visit(body)  # type: ignore[no-any-return]
            case ast.Call(func=function, args=[ast.Name() | ast.Attribute() as each, *arrays], keywords=[]) if (
                dotted(function) in _MAPS
            ):
                return ast.copy_location(ast.Call(each, arrays, []), node)
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node, node.value)

    def _comprehension(self, node: ast.ListComp | ast.DictComp, value: ast.expr) -> ast.AST:
        """`[np.zeros_like(p) for p in params]` is zeros like params."""
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=over, ifs=[])] if name not in loaded(value):
                return value
            case [ast.comprehension(target=ast.Tuple() | ast.Name() as target, iter=over, ifs=[])]:
                index, items = _head(ast.For(target, over, [ast.Expr(value)], []))
                uses = Uses(index, [ast.Expr(value)])
                if items and all(_named(b) for b in items.values()) and not (uses.elsewhere and index not in items):
                    return OneCoordinate(index, items).visit(value)  # type: ignore[no-any-return]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """`[0.0] * n` is 0.0 in every place."""
        self.generic_visit(node)
        match node:
            case ast.BinOp(left=ast.List(elts=[value]), op=ast.Mult()):
                return value
        return node


class _Emptied(ast.NodeTransformer):
    """Leaves out `m = {}` and `m = []` where m is picked apart by a loop."""

    def __init__(self, bases: set[str]) -> None:
        self.bases = bases

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        targets = [t for target in node.targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
        return None if all(map(_is_empty, values)) and all(dotted(t) in self.bases for t in targets) else node


def _is_empty(value: ast.expr) -> bool:
    made = isinstance(value, _CREATED) and not ast.unparse(value).strip("{}[]")
    if isinstance(value, ast.Call) and dotted(value.func) in ("defaultdict", "collections.defaultdict"):
        return all(re.search(r"zeros|^(float|int|dict|list|lambda: (0|0\.0))$", ast.unparse(a)) for a in value.args)
    return made or (isinstance(value, ast.Call) and dotted(value.func) in ("dict", "list"))


# The loop's head


def _head(node: ast.For) -> tuple[str | None, dict[str, ast.expr]]:
    """The index of a loop over parts, and each of its items with the array it is a part of."""
    match node.target, node.iter:
        case ast.Name(id=i), over if _is_counting(over):
            return i, {}
        case ast.Name(id=i), ast.Call(func=ast.Attribute(attr="keys"), args=[]):
            return i, {}
        case ast.Tuple(elts=[ast.Name(id=i), target]), ast.Call(func=ast.Attribute(value=base, attr="items"), args=[]):
            return i, items_of(target, base)
        case ast.Tuple(elts=[ast.Name(id=i), target]), ast.Call(func=ast.Name(id="enumerate"), args=[over]):
            return i, items_of(target, over)
        case ast.Tuple() as target, ast.Call(func=ast.Name(id="zip")) as over:
            return None, items_of(target, over)
        case ast.Name(id=i), over:
            index = i if Uses(i, node.body).indices else None
            return index, items_of(node.target, over) if _is_value(i, node.body) else {}
        case ast.Tuple(), _:
            return None, items_of(node.target, node.iter)
    return None, {}


def _is_counting(over: ast.expr) -> bool:
    """Whether a loop goes over numbers, and so over no arrays: `range(n)`, `count(1)`, `tqdm(range(n))`."""
    match over:
        case ast.Call(func=function, args=args):
            name = (dotted(function) or "").rsplit(".", 1)[-1]
            return name in ("range", "arange", "trange", "count", "linspace") or any(map(_is_counting, args))
    return False


def _is_value(name: str, body: Iterable[ast.stmt]) -> bool:
    """Whether a name stands anywhere but in an index."""
    return Uses(name, body).elsewhere


def _named(base: ast.expr) -> bool:
    return base_of(base) is not None


def _array(node: ast.expr) -> ast.expr | None:
    """An array or a tree of them that has a name."""
    return node if isinstance(node, ast.Subscript) and dotted(node.value) else base_of(node)
