"""One coordinate of many: an index that only picks the part is left out, an item is its array.

`m[i]` is m, `v["dW" + str(l)]` is v["dW"], and in `for p, (m, v) in zip(params, states)` p is params,
m is states["m"].
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from derive.reading.python.bindings import bound_by
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import dotted, whole

Items = Mapping[str, ast.expr]


def base_of(node: ast.expr) -> ast.expr | None:
    """The arrays a sequence is of: a name, an attribute, or the values of one."""
    match node:
        case ast.Name() | ast.Attribute(value=ast.Name()):
            return node
        case ast.Subscript(value=ast.Name() | ast.Attribute(value=ast.Name()), slice=ast.Constant(value=str())):
            return node
        case ast.Call(func=ast.Attribute(value=base, attr="values" | "keys"), args=[]):
            return base
        case ast.Call(func=ast.Name(id="list"), args=[inner], keywords=[]):
            return base_of(inner)
    return None


def items_of(target: ast.expr, over: ast.expr) -> dict[str, ast.expr]:
    """Each name a loop gives an array of a sequence, with the array it is; a name alone where nothing names it."""
    match target, over:
        case ast.Tuple(elts=names), ast.Call(func=ast.Name(id="zip"), args=args) if len(names) == len(args):
            parts = [items_of(n, a) for n, a in zip(names, args, strict=True)]
            return {n: base for part in parts for n, base in part.items()} if all(parts) else {}
        case ast.Name(id=name), _:
            return {} if _reordered(over) else {name: base_of(over) or ast.Name(name, ast.Load())}
        case ast.Tuple(elts=names), _ if all(isinstance(n, ast.Name) for n in names):
            base, own = base_of(over), [n.id for n in names if isinstance(n, ast.Name)]
            if base is None:
                return {n: ast.Name(n, ast.Load()) for n in own}
            return {n: ast.Subscript(base, ast.Constant(n), ast.Load()) for n in own}
    return {}


def _reordered(over: ast.expr) -> bool:
    """Whether a sequence is another one from a later item on, or in another order: its items belong elsewhere."""
    match over:
        case ast.Subscript(slice=ast.Slice() as part):
            return not whole(part) and (part.lower is not None or part.step is not None)
        case ast.Call(func=ast.Name(id="reversed" | "sorted" | "set" | "shuffle" | "islice")):
            return True
        case ast.Call(args=args):
            return any(map(_reordered, args))
    return False


def index_of(node: ast.expr, index: str | None) -> tuple[str, str] | None:
    """What in a subscript is the index, and the key that stands before it."""
    if index is None or index not in loaded(node):
        return None
    match node:
        case ast.Name() | ast.BinOp(left=ast.Name(), op=ast.Add() | ast.Sub(), right=ast.Constant(value=int())):
            return ast.unparse(node), ""
        case ast.Call(func=ast.Name(id="id"), args=[ast.Name(id=name)]):
            return name, ""
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Add(), right=ast.Call(ast.Name("str"), [inner], [])):
            return ast.unparse(inner), key
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Add(), right=ast.Name()):
            return ast.unparse(node.right), key
        case ast.BinOp(left=ast.Constant(value=str(key)), op=ast.Mod(), right=inner):
            return ast.unparse(inner), key.replace("%d", "").replace("%s", "").replace("%i", "")
        case ast.JoinedStr(values=[ast.Constant(value=str(key)), ast.FormattedValue(value=inner)]):
            return ast.unparse(inner), key
    return None


def loaded(node: ast.AST) -> set[str]:
    """The names a node mentions."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


class Uses(ast.NodeVisitor):
    """The indices a name makes, the arrays they pick from and those they store into, and whether it does more."""

    def __init__(self, index: str | None, body: Iterable[ast.stmt]) -> None:
        self.index = index
        self.indices: set[str] = set()
        self.bases: set[str] = set()
        self.stored: set[str] = set()
        self.whole: set[str] = set()  # the same as `bases`, as the text writes them
        self.elsewhere = False
        for statement in body:
            self.visit(statement)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        found = index_of(node.slice, self.index)
        if found is None:
            self.generic_visit(node)
            return
        self.indices.add(found[0])
        if not found[1]:
            self.bases.add(dotted(node.value) or "")
            self.whole.add(ast.unparse(node.value))
        if not isinstance(node.ctx, ast.Load):
            self.stored.add(ast.unparse(node.value) + found[1])
        self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        """`key in m` asks whether the part is there."""
        base = asked_for(node, self.index)
        if base is None:
            self.generic_visit(node)
        else:
            self.bases.add(dotted(base) or "")

    def visit_Name(self, node: ast.Name) -> None:
        self.elsewhere |= node.id == self.index


def asked_for(node: ast.Compare, index: str | None) -> ast.expr | None:
    """The container in `key in m` and `key not in m`."""
    match node:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In() | ast.NotIn()], comparators=[base]) if name == index:
            return base
    return None


# What a body does with the names of its loop


def changed_in_place(body: Iterable[ast.stmt], names: Iterable[str]) -> set[str]:
    """The names whose arrays the statements write into."""
    wanted, found = set(names), set[str]()
    for node in (n for s in body for n in ast.walk(s)):
        match node:
            case ast.AugAssign(target=target):
                found |= _array_of(target)
            case ast.Assign(targets=targets):
                found |= {n for t in targets if not isinstance(t, ast.Name) for n in _array_of(t)}
            case ast.Call(func=ast.Attribute(value=array, attr=method)):
                stores = (method.endswith("_") and not method.endswith("__")) or method.startswith("assign")
                found |= _array_of(array) if stores else set()
    return found & wanted


def _array_of(node: ast.expr) -> set[str]:
    """The name in `p`, `p[:]`, `p.data`, `p.data[:]`; what is stored in `p.grad` is no part of p."""
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Attribute(value=value, attr="data" | "value"):
            return _array_of(value)
        case ast.Subscript(value=value, slice=index) if whole(index):
            return _array_of(value)
        case ast.Call(func=ast.Attribute(value=value)):  # m.mul_(b).add_(g)
            return _array_of(value)
    return set()


def rebound(body: Iterable[ast.stmt], names: Iterable[str]) -> list[str]:
    """Of the names, those that stand for another value after the statements."""
    bound = [n for s in body for n, _ in bound_by(s) if not _only_stores_inside(s, n)]
    return [n for n in dict.fromkeys(bound) if n in set(names)]


def _only_stores_inside(node: ast.stmt, name: str) -> bool:
    """Whether a statement stores into the array or an attribute of the name and does not bind it."""
    stores = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load)]
    augmented = {id(n.target) for n in ast.walk(node) if isinstance(n, ast.AugAssign)}
    return all(id(n) in augmented for n in stores)


def carried_plainly(body: Sequence[ast.stmt], own: Iterable[str]) -> list[str]:
    """The plain names, `own` aside, that the body reads before it surely gives them a value, and gives one."""
    given = {name for s in body for name, _ in bound_by(s) if not _only_attributes(s, name)}
    open_, _ = _open(body, set())
    return [*sorted((open_ & given) - set(own)), *sorted(_shared(body, {*own, *_picked(body, set(own))}))]


def _picked(body: Iterable[ast.stmt], own: set[str]) -> Iterator[str]:
    """What is picked by one array for itself: `state = self.state[p]`."""
    for s in body:
        match s:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(slice=ast.Name(id=index))) if index in own:
                yield name


def _shared(body: Iterable[ast.stmt], own: set[str]) -> set[str]:
    """The attributes and keys that the body changes and that are the same for every array: `self.t += 1`."""
    found = set[str]()
    for node in (n for s in body for n in ast.walk(s)):
        match node:
            case ast.AugAssign(target=target) if _is_shared(target, own):
                found.add(ast.unparse(target))
            case ast.Assign(targets=[target], value=value) if _is_shared(target, own):
                found |= {ast.unparse(target)} & {ast.unparse(n) for n in ast.walk(value) if isinstance(n, ast.expr)}
    return found


def _is_shared(target: ast.expr, own: set[str]) -> bool:
    match target:
        case ast.Attribute(value=ast.Name()) | ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str())):
            return loaded(target).isdisjoint(own)
    return False


def _only_attributes(node: ast.stmt, name: str) -> bool:
    return not any(isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load) for n in ast.walk(node))


def _open(body: Iterable[ast.stmt], sure: set[str]) -> tuple[set[str], set[str]]:
    """The names read before they are surely given a value; those surely given one at the end."""
    found, given = set[str](), set(sure)
    for s in body:
        if isinstance(s, ast.If):
            found |= _read([s.test]) - given
            left, right = _open(s.body, given), _open(s.orelse, given)
            found |= left[0] | right[0]
            given |= left[1] & right[1]
            continue
        if isinstance(s, ast.With):
            found |= _read(i.context_expr for i in s.items) - given
            inner, given = _open(s.body, given)
            found |= inner
            continue
        found |= _read([s]) - given
        given |= {name for name, _ in bound_by(s)} if not isinstance(s, ast.For | ast.While) else set()
    return found, given


def _read(nodes: Iterable[ast.AST]) -> set[str]:
    found = set[str]()
    for node in (n for each in nodes for n in ast.walk(each)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        if isinstance(node, ast.AugAssign):
            found |= {node.target.id} if isinstance(node.target, ast.Name) else set()
    return found


def unbound_indices(body: Sequence[ast.stmt], given: Iterable[str]) -> Iterator[str]:
    """The names that nothing binds and that do nothing but pick the part: `m[i] = b*m[i] + (1-b)*g[i]`."""
    bound = {*given, *(name for s in body for name, _ in bound_by(s))}
    slices = {n.slice.id for s in body for n in ast.walk(s)
              if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Name)}  # fmt: skip
    for name in sorted(slices - bound):
        uses = Uses(name, body)
        if uses.indices == {name} and not uses.elsewhere and uses.stored:
            yield name


class OneCoordinate(ast.NodeTransformer):
    """The statements without the index, and with items under the names of their arrays."""

    def __init__(self, index: str | None, items: Items) -> None:
        self.index, self.items = index, items

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        found = index_of(node.slice, self.index)
        if found is None:
            self.generic_visit(node)
            return node
        base = self.visit(node.value)
        if not found[1]:
            base.ctx = node.ctx
            return base  # type: ignore[no-any-return]
        key = ast.copy_location(ast.Constant(found[1]), node.slice)
        return ast.copy_location(ast.Subscript(base, key, node.ctx), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        base = asked_for(node, self.index)
        if base is None:
            return self.generic_visit(node)
        op = ast.Is() if isinstance(node.ops[0], ast.NotIn) else ast.IsNot()
        return ast.copy_location(ast.Compare(base, [op], [ast.copy_location(ast.Constant(None), node)]), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        base = self.items.get(node.id)
        if base is None:
            return node
        copy = ast.parse(text_of(base), mode="eval").body
        for n in ast.walk(copy):
            ast.copy_location(n, node)
        copy.ctx = node.ctx  # type: ignore[attr-defined]
        return copy
