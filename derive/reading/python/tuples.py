"""Hyperparameters given as a tuple: `betas=(0.9, 0.999)` is read as `beta1=0.9, beta2=0.999`.

Wherever the tuple stands (an argument, `self.betas`, `group["betas"]`), its items are taken by an
index or all at once; any other use leaves the name without a meaning, and is refused as such.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import replace
from typing import TypeVar

from derive.reading.python.bindings import all_args, bound_by
from derive.reading.source import Definition

Node = TypeVar("Node", bound=ast.AST)


def with_items(definition: Definition) -> Definition:
    """The definition with every tuple of hyperparameters as its items."""
    sizes = _sizes(definition.node)
    attributes = {n.attr for n in ast.walk(definition.node) if isinstance(n, ast.Attribute)}
    free = set[str]() if attributes & sizes.keys() else attributes  # self.beta1 is no name of an item then
    taken = {n for node in ast.walk(definition.node) if not _is_attribute(node, free) for n in _names(node)}
    items = {name: names for name, size in sizes.items() if taken.isdisjoint(names := item_names(name, size))}
    if not items:
        return definition
    visitor = _Items(items)
    node = visitor.visit(copy.deepcopy(definition.node))
    if any(visitor.is_stored(n) for n in ast.walk(node)):
        return definition  # the tuple is another one somewhere
    return replace(definition, node=ast.fix_missing_locations(node))


def _is_attribute(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in names


def item_names(name: str, size: int) -> tuple[str, ...]:
    """`betas` has the items beta1, beta2."""
    return tuple(f"{name.removesuffix('s')}{i + 1}" for i in range(size))


def _sizes(node: ast.AST) -> dict[str, int]:
    """The arguments whose default is a tuple, with its length."""
    sizes: dict[str, int] = {}
    for function in (n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)):
        for arg, default in defaults(function).items():
            if isinstance(default, ast.Tuple):
                sizes[arg] = len(default.elts)
    return sizes


def defaults(function: ast.FunctionDef) -> dict[str, ast.expr | None]:
    """Every argument with its default."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    none: list[ast.expr | None] = [None]
    padded = none * (len(positional) - len(a.defaults)) + list(a.defaults)
    return {arg.arg: d for arg, d in zip((*positional, *a.kwonlyargs), (*padded, *a.kw_defaults), strict=True)}


def _names(node: ast.AST) -> tuple[str, ...]:
    """The arguments, attributes, keys and names of a node, with which an item's name would be confused.

    A local name may be an item's where all it ever holds is that item.
    """
    match node:
        case ast.arg(arg=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return (name,)
        case ast.FunctionDef():
            own = {a.arg for a in all_args(node)}
            unpacked = {n for s in ast.walk(node) if isinstance(s, ast.Assign) for n in _unpacked(s, own)}
            once = [n for s in node.body for n, _ in bound_by(s)]
            tuples = {n for n, d in defaults(node).items() if isinstance(d, ast.Tuple)}
            return tuple(n for n in set(once) if tuples and not (n in unpacked and once.count(n) == 1))
    return ()


def _unpacked(node: ast.Assign, arguments: set[str]) -> tuple[str, ...]:
    """The names in `beta1, beta2 = betas` that are those of the items."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=elts)], value=ast.Name(id=name)) if name in arguments:
            names = item_names(name, len(elts))
            return names if names == tuple(e.id if isinstance(e, ast.Name) else "" for e in elts) else ()
    return ()


class _Items(ast.NodeTransformer):
    def __init__(self, items: dict[str, tuple[str, ...]]) -> None:
        self.items = items

    def _tuple(self, node: ast.AST) -> tuple[str, ...] | None:
        """The items of the tuple that a node names."""
        match node:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.items.get(name)
            case ast.Subscript(slice=ast.Constant(value=str(name))):
                return self.items.get(name)
        return None

    def is_stored(self, node: ast.AST) -> bool:
        """Whether a node may give a tuple's name another meaning."""
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return self._tuple(node) is not None and not isinstance(node.ctx, ast.Load)
        return isinstance(node, ast.stmt) and any(n in self.items for n, _ in bound_by(node))

    def _item(self, node: ast.AST, name: str, context: ast.expr_context) -> ast.expr:
        """The node with the item's name in place of the tuple's."""
        match node:
            case ast.Attribute(value=value):
                return ast.copy_location(ast.Attribute(value, name, context), node)
            case ast.Subscript(value=value):
                return ast.copy_location(ast.Subscript(value, _at(ast.Constant(name), node), context), node)
        return _at(ast.Name(name, context), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        for arg in [a for a in all_args(node) if a.arg in self.items]:
            self._split(node, arg)
        return self.generic_visit(node)

    def _split(self, node: ast.FunctionDef, arg: ast.arg) -> None:
        """One argument as its items, each with its default, last of the arguments given by keyword."""
        default = defaults(node)[arg.arg]
        if not isinstance(default, ast.Tuple):
            return
        a = node.args
        if arg in a.kwonlyargs:
            del a.kw_defaults[a.kwonlyargs.index(arg)]
            a.kwonlyargs.remove(arg)
        else:
            positional = [*a.posonlyargs, *a.args]
            del a.defaults[positional.index(arg) - len(positional)]
            (a.args if arg in a.args else a.posonlyargs).remove(arg)
        a.kwonlyargs += [_at(ast.arg(name), arg) for name in self.items[arg.arg]]
        a.kw_defaults += default.elts

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        names, index = self._tuple(node.value), _index(node.slice)
        if names is not None and index is not None and -len(names) <= index < len(names):
            return self._item(node.value, names[index], node.ctx)
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        names = self._tuple(node.value)
        if names is not None and isinstance(node.value, ast.Name) and _unpacked(node, {node.value.id}):
            return _at(ast.Pass(), node)
        if names is not None:
            node.value = _at(ast.Tuple([self._item(node.value, n, ast.Load()) for n in names], ast.Load()), node.value)
            target = self._tuple(node.targets[0])
            if target == names and len(node.targets) == 1:  # self.betas = betas
                parts = [self._item(node.targets[0], n, ast.Store()) for n in names]
                node.targets = [_at(ast.Tuple(parts, ast.Store()), node)]
        elif isinstance(node.value, ast.Tuple) and isinstance(node.targets[0], ast.Tuple):
            self._spread(node, node.targets[0], node.value)
        return self.generic_visit(node)

    def _spread(self, node: ast.Assign, left: ast.Tuple, right: ast.Tuple) -> None:
        """`self.lr, self.betas = lr, betas`."""
        if len(node.targets) != 1 or len(left.elts) != len(right.elts):
            return
        targets, values = list[ast.expr](), list[ast.expr]()
        for target, value in zip(left.elts, right.elts, strict=True):
            names = self._tuple(value)
            both = names is not None and names == self._tuple(target)
            targets += [self._item(target, n, ast.Store()) for n in names] if both and names else [target]
            values += [self._item(value, n, ast.Load()) for n in names] if both and names else [value]
        left.elts, right.elts = targets, values

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        keys, values = list[ast.expr | None](), list[ast.expr]()
        for key, value in zip(node.keys, node.values, strict=True):
            names = self._tuple(value)
            keys += [_at(ast.Constant(n), value) for n in names] if names else [key]
            values += [self._item(value, n, ast.Load()) for n in names] if names else [value]
        node.keys, node.values = keys, values
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        keywords: list[ast.keyword] = []
        for k in node.keywords:
            names = self._tuple(k.value)
            keywords += [_at(ast.keyword(n, self._item(k.value, n, ast.Load())), k) for n in names] if names else [k]
        node.keywords = keywords
        return self.generic_visit(node)


def _index(node: ast.expr) -> int | None:
    """A whole number written as an index."""
    match node:
        case ast.Constant(value=int(index)) if not isinstance(index, bool):
            return index
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(index))) if not isinstance(index, bool):
            return -index
    return None


def _at(node: Node, where: ast.AST) -> Node:
    return ast.copy_location(node, where)
