"""Objects and dictionaries that carry a layer's arrays, a state or settings, all as dictionaries of buffers.

layer.vW = b * layer.vW + layer.dW        layer["vW"] = b * layer["vW"] + layer["dW"]
config.setdefault("lr", 1e-2)             config["lr"] is given, or state that starts so
if not hasattr(layer, "vW"): ...          if "vW" not in layer: ...
return updates, State(mu=mu, nu=nu)       return updates, {"mu": mu, "nu": nu}
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from derive.reading.python.bindings import Function, Imported, all_args, bindings
from derive.reading.python.scope import dotted
from derive.reading.python.spellings import CUSTOMARY

# What an array has by itself; all else is kept in an object by its name.
OF_ARRAYS = frozenset({
    "T", "shape", "data", "grad", "dtype", "size", "ndim", "device", "is_sparse", "real", "imag", "param_groups",
    "value", "at", "name",
})  # fmt: skip


def with_records(tree: ast.Module) -> tuple[ast.Module, dict[str, str]]:
    """The tree with objects as dictionaries, and how the text writes their keys: {"layer.vW": "layer.vW"}."""
    modules = {n for n, b in bindings(tree.body).items() if isinstance(b, Imported)} | CUSTOMARY.keys()
    inside = any(isinstance(n, ast.ClassDef) for n in ast.walk(tree))
    objects = _objects(tree) - modules - ({"self"} if inside else set())
    changer = _Records(objects, _stored_keys(tree, objects))
    changer.visit(tree)
    return ast.fix_missing_locations(tree), changer.spelled


def _objects(tree: ast.AST) -> set[str]:
    """The names that stand for nothing but what has attributes."""
    owned = Counter(n.value.id for n in ast.walk(tree) if _is_kept(n))  # type: ignore[attr-defined]
    bases = Counter(
        n.value.id for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    )
    asked = Counter(n.args[0].id for n in ast.walk(tree) if _asks_for(n))  # type: ignore[attr-defined]
    handed = Counter(n for r in ast.walk(tree) if isinstance(r, ast.Return) for n in _returned_plainly(r))
    called = Counter(n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    loads = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    looped = {n.target.id for n in ast.walk(tree) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)}
    given = {a.arg for n in ast.walk(tree) if isinstance(n, Function) for a in all_args(n)}
    return {
        name for name in owned
        if loads[name] <= bases[name] + asked[name] + handed[name] + called[name]
        and (name in given | looped or name not in bound)
    }  # fmt: skip


def _is_kept(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(), attr=attr):
            return attr not in OF_ARRAYS
    return False


def _asks_for(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="hasattr"), args=[ast.Name(), ast.Constant(value=str())]):
            return True
    return False


def _returned_plainly(node: ast.Return) -> Iterator[str]:
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    yield from (v.id for v in values if isinstance(v, ast.Name))


def _stored_keys(tree: ast.AST, objects: set[str]) -> set[tuple[str, str]]:
    """The keys that a statement stores, by the name of the dictionary or object."""
    found = set[tuple[str, str]]()
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=base, slice=ast.Constant(value=str(key)), ctx=ast.Store()):
                found.add((dotted(base) or "", key))
            case ast.Attribute(value=ast.Name(id=base), attr=key, ctx=ast.Store()) if base in objects:
                found.add((base, key))
    return found


class _Records(ast.NodeTransformer):
    def __init__(self, objects: set[str], stored: set[tuple[str, str]]) -> None:
        self.objects, self.stored = objects, stored
        self.spelled: dict[str, str] = {}
        self.before: list[ast.stmt] = []

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if _is_kept(node) and isinstance(node.value, ast.Name) and node.value.id in self.objects:
            name = node.value.id if node.value.id != "self" else "self_"  # `self` is a class's word
            self.spelled[f"{name}.{node.attr}"] = f"{node.value.id}.{node.attr}"
            record = ast.copy_location(ast.Name(name, ast.Load()), node)
            return ast.copy_location(ast.Subscript(record, ast.Constant(node.attr), node.ctx), node)
        return node

    def _changed(self, node: ast.expr) -> ast.expr:
        found = self.visit(node)
        assert isinstance(found, ast.expr)
        return found

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and self._is_method(node):
            node.func.value = self._changed(node.func.value)
            node.args = [self._changed(a) for a in node.args]
            for keyword in node.keywords:
                keyword.value = self._changed(keyword.value)
        else:
            self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="hasattr"), args=[base, ast.Constant(value=str()) as key]):
                return ast.copy_location(ast.Compare(key, [ast.In()], [base]), node)
            case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[ast.Constant(value=str(key)), *default]):
                return self._got(base, key, default, node)
        return node

    def _is_method(self, node: ast.Call) -> bool:
        """A method of an object is called and no key of it."""
        return isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)

    def _got(self, base: ast.expr, key: str, default: list[ast.expr], node: ast.Call) -> ast.AST:
        """`config.get("v", start)`: what is stored later starts so, all else is given."""
        place = ast.copy_location(ast.Subscript(base, ast.Constant(key), ast.Load()), node)
        if default and (dotted(base) or "", key) in self.stored:
            self.before.append(_unless_there(base, key, default[0], node))
        return place

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(left=left, ops=[ast.In()], comparators=comparators)):
                return ast.copy_location(ast.Compare(left, [ast.NotIn()], comparators), node)
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """A state made anew is its keys: `State(mu=mu, nu=nu)`, `state._replace(mu=mu)`."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Tuple):
            node.value.elts = [_as_dictionary(v) for v in node.value.elts]
        return node

    # Statements

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        if not isinstance(node, ast.stmt) or isinstance(node, Function | ast.ClassDef | ast.For | ast.While | ast.With):
            return super().visit(node)  # type: ignore[no-any-return]
        if _is_default_of_none(node):
            return ast.copy_location(ast.Pass(), node)
        match node:
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(base, "setdefault"), args=[ast.Constant(value=str(key)), start])
            ):
                if (dotted(base) or "", key) not in self.stored:
                    return ast.copy_location(ast.Pass(), node)
                return _unless_there(base, key, start, node)
        outer, self.before = self.before, []
        done = super().visit(node)
        statements = [*self.before, done]
        self.before = outer
        return statements if len(statements) > 1 else done


def _unless_there(base: ast.expr, key: str, start: ast.expr, at: ast.AST) -> ast.stmt:
    test = ast.Compare(ast.Constant(key), [ast.NotIn()], [base])
    store = ast.Assign([ast.Subscript(base, ast.Constant(key), ast.Store())], start)
    return ast.fix_missing_locations(ast.copy_location(ast.If(test, [store], []), at))


def _is_default_of_none(node: ast.stmt) -> bool:
    """`if config is None: config = {}`, `config = config or {}`: a dictionary is given."""
    match node:
        case ast.If(
            test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant(value=None)]),
            body=[ast.Assign(targets=[ast.Name(id=made)], value=value)],
            orelse=[],
        ):
            return name == made and ast.unparse(value) in ("{}", "dict()")
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BoolOp(op=ast.Or(), values=[ast.Name(id=other), value])):
            return name == other and ast.unparse(value) in ("{}", "dict()")
    return False


def _as_dictionary(node: ast.expr) -> ast.expr:
    match node:
        case ast.Call(func=function, args=[], keywords=[_, *_] as keywords) if all(k.arg for k in keywords):
            name = (dotted(function) or "").rsplit(".", 1)[-1]
            if name == "_replace" or name.lstrip("_")[:1].isupper():
                keys: list[ast.expr | None] = [ast.copy_location(ast.Constant(k.arg), node) for k in keywords]
                return ast.copy_location(ast.Dict(keys, [k.value for k in keywords]), node)
    return node
