"""Where a definition stands: its file, its node, and what the names around it are bound to."""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from derive.errors import UserError
from derive.reading.limits import BYTES, parse

DefinitionNode = ast.FunctionDef | ast.ClassDef


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


@dataclass(frozen=True)
class Definition:
    """A function or class in a text, with the bindings its free names may refer to."""

    file: str
    text: str
    node: DefinitionNode
    outer: Mapping[str, Binding]
    is_method: bool = False

    @property
    def first_line(self) -> int:
        return min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)])

    @property
    def where(self) -> str:
        return f"{self.file}:{self.node.lineno}"

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def source(self) -> str:
        """The definition's own text, dedented."""
        lines = self.text.splitlines()[self.first_line - 1 : self.node.end_lineno]
        return textwrap.dedent("\n".join(lines))

    def error(self, what: str, at: ast.AST | int | None = None, fix: str = "") -> UserError:
        """The error to raise about `what` at a node or line of this text."""
        line = at if isinstance(at, int) else getattr(at, "lineno", self.node.lineno)
        return UserError(what, where=f"{self.file}:{line}", fix=fix)


def definitions(text: str, file: str) -> tuple[Definition, ...]:
    """Every function and class of the text in order, nested ones included. `file` is named in errors."""
    return _definitions(text, Path(file).name if file else "input")


@lru_cache(maxsize=16)
def _definitions(text: str, file: str) -> tuple[Definition, ...]:
    tree = parse(text, file)
    return tuple(_walk(tree.body, bindings(tree.body), file, text, False))


def _walk(
    body: Iterable[ast.stmt], outer: dict[str, Binding], file: str, text: str, in_class: bool
) -> Iterator[Definition]:
    for node in _flat(body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield Definition(file, text, node, outer, in_class)
            inner = outer
            if isinstance(node, ast.FunctionDef):  # a class body is no scope for what is inside its methods
                arguments = {a.arg: Opaque("an argument of the enclosing function", a.lineno) for a in all_args(node)}
                inner = {**outer, **arguments, **bindings(node.body)}
            yield from _walk(node.body, inner, file, text, isinstance(node, ast.ClassDef))


def all_args(node: ast.FunctionDef) -> list[ast.arg]:
    """Every argument of a function, `*args` and `**kwargs` included."""
    a = node.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else []), *([a.kwarg] if a.kwarg else [])]


def find_named(text: str, file: str, name: str) -> Definition:
    """The one function or class `name` of a text, methods aside. Raises UserError with what there is."""
    there = [d for d in definitions(text, file) if not d.is_method]
    found = [d for d in there if d.node.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        lines = ", ".join(str(d.node.lineno) for d in found)
        raise UserError(f"{name!r} is defined more than once (lines {lines})", where=Path(file).name, fix="rename one")
    names = ", ".join(d.node.name for d in there[:10]) or "none"
    raise UserError(f"no function or class {name!r}", where=Path(file).name, fix=f"defined there: {names}")


def find_loaded(filename: str, line: int, name: str, module_globals: dict[str, object]) -> Definition:
    """The definition a code object came from, by its file and first line; the file is read, not run."""
    text = "".join(linecache.getlines(filename, module_globals))
    if not text:
        raise UserError(
            f"the source of {name!r} is not available", where=Path(filename).name, fix="save the rule to a .py file"
        )
    for definition in definitions(text, filename):
        if definition.node.name == name and definition.first_line == line:
            return definition
    where = f"{Path(filename).name}:{line}"
    raise UserError(f"{name!r} is not here any more", where=where, fix="the file has changed: import it again")


def load_text(path: str) -> str:
    """The text of a file of at most `limits.BYTES` bytes."""
    try:
        with open(path, "rb") as file:
            data = file.read(BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=path, fix="give the path of a .py file") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where=path, fix="save it as UTF-8") from None


def bindings(body: Iterable[ast.stmt]) -> dict[str, Binding]:
    """What the statements of a scope bind each name to; a name bound twice or in a branch is opaque."""
    bound: dict[str, Binding] = {}
    straight = {id(node) for node in body}
    for node in _flat(body):
        for name, binding in _bound_by(node):
            certain = id(node) in straight and name not in bound
            same_import = isinstance(binding, Imported) and bound.get(name, binding) == binding
            bound[name] = binding if certain or same_import else Opaque("a name bound more than once", node.lineno)
    for node in body:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                bound.update({name: Opaque("a global that a function changes", inner.lineno) for name in inner.names})
    return bound


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a scope, those inside its branches and loops included."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _flat(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            yield from _flat(handler.body)


def _bound_by(node: ast.stmt) -> list[tuple[str, Binding]]:
    match node:
        case ast.Import(names=names):
            return [(a.asname or a.name.split(".")[0], Imported(a.name if a.asname else a.name.split(".")[0]))
                    for a in names]  # fmt: skip
        case ast.ImportFrom(module=module, names=names):
            return [(a.asname or a.name, Imported(f"{module or ''}.{a.name}")) for a in names]
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            return [(name, Constant(value))]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [(node.name, Opaque("a definition in this file", node.lineno))]
    stored = (n for field in ast.iter_child_nodes(node) if isinstance(field, ast.expr | ast.withitem)
              for n in ast.walk(field))  # fmt: skip
    return [(n.id, Opaque("a name this file changes", node.lineno))
            for n in stored if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]  # fmt: skip
