"""What the names of a scope are bound to: every way Python has of binding one, and the few that leave it certain.

A name counts as a constant only where one statement of the scope binds it, and nothing else does:
no branch, loop, pattern, handler or `:=`, no `global` or `nonlocal` of a function inside, no star
import after it, nothing that writes into the names themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from derive.language import __all__ as language_words

DEFINED = "a definition in this file"
STAR = "*"  # stands in a scope's bindings for whatever names its star imports may bind
_UNASSIGNED = "a name without a value"
_WRITES_NAMES = frozenset({"globals", "locals", "vars", "exec"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Imported:
    """A name bound by an import: `np` to "numpy", `sqrt` to "math.sqrt"."""

    path: str


@dataclass(frozen=True)
class Constant:
    """A name bound exactly once, to an expression that may be a literal."""

    value: ast.expr


@dataclass(frozen=True)
class Opaque:
    """A name bound to something the reader does not look into: a definition, a loop variable, two values."""

    what: str
    line: int


Binding = Imported | Constant | Opaque
_Bound = tuple[str, Binding]


def bindings(body: Iterable[ast.stmt]) -> dict[str, Binding]:
    """What the statements of a scope bind each name to; a name bound twice or in a branch is opaque."""
    bound: dict[str, Binding] = {}
    for statement in body:
        straight = isinstance(statement, ast.Assign | ast.AnnAssign)
        for name, binding in bound_by(statement):
            if name == STAR:
                bound = {n: Opaque("a name that a later 'import *' may bind", statement.lineno) for n in bound}
            if isinstance(binding, Constant) and not straight:
                binding = Opaque("a name bound in a branch", binding.value.lineno)
            bound[name] = _both(bound.get(name), binding, statement.lineno)
    for statement in body:
        bound |= _changed_within(statement, bound)
    return bound


def _both(before: Binding | None, binding: Binding, line: int) -> Binding:
    """A name's binding after another: certain only where there was none, or the same import."""
    if before is None or (isinstance(before, Opaque) and before.what == _UNASSIGNED):
        return binding
    if isinstance(binding, Opaque) and binding.what == _UNASSIGNED:
        return before
    if isinstance(binding, Imported) and before == binding:
        return binding
    return Opaque("a name bound more than once", getattr(binding, "line", line))


def _changed_within(statement: ast.stmt, bound: dict[str, Binding]) -> dict[str, Binding]:
    """The names that functions inside bind (`global`, `nonlocal`), or all where names are written as data."""
    changed: dict[str, Binding] = {}
    for node in ast.walk(statement):
        match node:
            case ast.Global(names=names):
                changed |= {name: Opaque("a global that a function changes", node.lineno) for name in names}
            case ast.Nonlocal(names=names):
                changed |= {name: Opaque("a name that a function inside changes", node.lineno) for name in names}
            case ast.Call(func=ast.Name(id=function), args=args) if function in _WRITES_NAMES:
                if function in ("globals", "exec") or not args:
                    all_names = [n for n in (*bound, STAR) if isinstance(bound.get(n), Constant) or n == STAR]
                    changed |= {n: Opaque(f"a name that {function}() may change", node.lineno) for n in all_names}
    return changed


def bound_by(node: ast.AST) -> Iterator[_Bound]:
    """Every name that a statement or expression binds in its own scope, in the order of the text."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imported(node)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, Constant(value)
            yield from bound_by(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            yield name, Constant(value) if value is not None else Opaque(_UNASSIGNED, node.lineno)
            yield from _parts([node.annotation, value])
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name, Opaque(DEFINED, node.lineno)
            yield from _parts([*node.decorator_list, node.args, node.returns])
        case ast.ClassDef():
            yield node.name, Opaque(DEFINED, node.lineno)
            yield from _parts([*node.decorator_list, *node.bases, *node.keywords])
        case ast.Lambda():
            yield from bound_by(node.args)
        case ast.comprehension():  # its targets are its own; a := inside is not
            yield from _parts([node.iter, *node.ifs])
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name, Opaque("a name this file changes", node.lineno)
        case _:
            yield from _named(node)
            yield from _parts(ast.iter_child_nodes(node))


def _parts(nodes: Iterable[ast.AST | None]) -> Iterator[_Bound]:
    for node in nodes:
        if node is not None:
            yield from bound_by(node)


def _named(node: ast.AST) -> Iterator[_Bound]:
    """Names that stand in the tree as text, and a name one of whose attributes is stored."""
    match node:
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, Opaque("a name this file changes", node.lineno)
        case ast.MatchMapping(rest=str(name)):
            yield name, Opaque("a name this file changes", node.lineno)
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            yield name, Opaque("a name whose attributes are changed", node.lineno)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from ((name, Opaque("a name of another scope", node.lineno)) for name in names)


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[_Bound]:
    if isinstance(node, ast.Import):
        for a in node.names:
            root = a.name.split(".")[0]
            yield (a.asname, Imported(a.name)) if a.asname else (root, Imported(root))
        return
    for a in node.names:
        if node.level:
            yield a.asname or a.name, Opaque("imported from a file beside this one", node.lineno)
        elif (node.module, a.name) == ("derive.language", STAR):
            yield from ((word, Imported(f"derive.language.{word}")) for word in language_words)
        else:
            yield a.asname or a.name, Imported(f"{node.module}.{a.name}")


def all_args(node: Function) -> list[ast.arg]:
    """Every argument of a function, `*args` and `**kwargs` included."""
    a = node.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else []), *([a.kwarg] if a.kwarg else [])]


def names_bound(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Every name that the statements of a scope bind anywhere."""
    return frozenset(name for statement in body for name, _ in bound_by(statement))


def type_parameters(node: Function | ast.ClassDef) -> list[str]:
    """The names in `def f[T](...)`, which hide those of the file."""
    return [parameter.name for parameter in getattr(node, "type_params", [])]
