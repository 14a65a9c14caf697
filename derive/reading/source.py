"""Where a definition stands: its file, its node, and what the names around it are bound to."""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType

from derive.errors import UserError
from derive.reading.limits import BYTES, parse
from derive.reading.python.bindings import DEFINED, Binding, Function, Opaque, all_args, bindings, type_parameters

DefinitionNode = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Definition:
    """A function or class in a text, with the bindings its free names may refer to.

    `settings` are the switches (`nesterov=True`) that whoever asks has set.
    """

    file: str
    text: str
    node: DefinitionNode
    outer: Mapping[str, Binding]
    is_method: bool = False
    settings: Mapping[str, bool] = field(default_factory=dict)

    @property
    def first_line(self) -> int:
        return _first_line(self.node)

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


def _first_line(node: DefinitionNode) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def definitions(text: str, file: str) -> tuple[Definition, ...]:
    """Every function and class of the text in order, nested ones included. `file` is named in errors."""
    return _definitions(text, Path(file).name if file else "input")


@lru_cache(maxsize=16)
def _definitions(text: str, file: str) -> tuple[Definition, ...]:
    tree = parse(text, file)
    return tuple(_walk(tree.body, bindings(tree.body), file, text, False))


def _walk(
    body: Iterable[ast.AST], outer: dict[str, Binding], file: str, text: str, in_class: bool
) -> Iterator[Definition]:
    for node in _scopes(body):
        inner = outer | {name: Opaque("a type parameter", node.lineno) for name in type_parameters(node)}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield Definition(file, text, node, inner, in_class)
        if not isinstance(node, ast.ClassDef):  # a class body is no scope for what is inside its methods
            arguments = {a.arg: Opaque("an argument of the enclosing function", a.lineno) for a in all_args(node)}
            inner = inner | bindings(node.body) | arguments
        yield from _walk(node.body, inner, file, text, isinstance(node, ast.ClassDef))


def _scopes(nodes: Iterable[ast.AST]) -> Iterator[Function | ast.ClassDef]:
    """The functions and classes of a scope in order, those inside its branches and loops included."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        elif not isinstance(node, ast.expr):
            yield from _scopes(ast.iter_child_nodes(node))


def find_named(text: str, file: str, name: str) -> Definition:
    """The one function or class `name` of a text, methods aside. Raises UserError with what there is."""
    there = [d for d in definitions(text, file) if not d.is_method]
    found = [d for d in there if d.node.name == name]
    if len(found) == 1:
        _refuse_rebound(found[0])
        return found[0]
    if found:
        lines = ", ".join([*(str(d.node.lineno) for d in found[:10]), *(["..."] if found[10:] else [])])
        raise UserError(f"{name!r} is defined more than once (lines {lines})", where=Path(file).name, fix="rename one")
    raise UserError(f"no function or class {name!r}", where=Path(file).name, fix=_choice(name, there))


def _refuse_rebound(definition: Definition) -> None:
    """The last of a name's bindings is what Python would find under it."""
    binding = definition.outer.get(definition.node.name)
    if isinstance(binding, Opaque) and binding.what != DEFINED:
        raise definition.error(f"{definition.node.name!r} is {binding.what}", binding.line, "rename one")


def _choice(name: str, there: list[Definition]) -> str:
    """The nearest of the names that are there, or the first of them."""
    names = list(dict.fromkeys(d.node.name for d in there))
    near = get_close_matches(name, names, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"defined there: {', '.join([*names[:10], *(['...'] if names[10:] else [])]) or 'none'}"


def find_function(function: FunctionType) -> Definition:
    """The definition a function came from, by its file and first line; the file is read, not run."""
    code = function.__code__
    if code.co_name == "<lambda>":
        raise UserError("a lambda can't be read", where=_place(code), fix="write it as a function with def")
    there = _loaded(code, function.__globals__)
    found = [d for d in there if _is_at(d.node, code)]
    if not found:
        raise _moved(function.__name__, code)
    if found[0].is_method:
        raise found[0].error(f"{function.__name__!r} is a method", fix="give its class")
    return found[0]


def find_class(cls: type) -> Definition:
    """The definition a class came from: the one in which its methods stand."""
    own = [f for f in vars(cls).values() if isinstance(f, FunctionType) and _is_method(f, cls)]
    if not own:
        raise UserError(f"the class {cls.__name__!r} has no methods in Python", fix="give a class with a step method")
    code = own[0].__code__
    for definition in _loaded(code, own[0].__globals__):
        inside = definition.node.body if isinstance(definition.node, ast.ClassDef) else []
        if definition.node.name == cls.__name__ and any(_is_at(node, code) for node in inside):
            _refuse_replaced(definition, cls)
            return definition
    raise _moved(cls.__name__, code)


def _refuse_replaced(definition: Definition, cls: type) -> None:
    """A method that was given to the class later is not the one in its source."""
    for node in definition.node.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            method = vars(cls).get(node.name)
            if not isinstance(method, FunctionType) or not _is_at(node, method.__code__):
                raise definition.error(f"the method {node.name!r} has been replaced", node, "write it in the class")


def _is_method(function: FunctionType, cls: type) -> bool:
    return function.__code__.co_qualname == f"{cls.__qualname__}.{function.__code__.co_name}"


def _is_at(node: ast.stmt, code: CodeType) -> bool:
    """Whether this is the definition that the code was made from."""
    return isinstance(node, ast.FunctionDef) and (node.name, _first_line(node)) == (code.co_name, code.co_firstlineno)


def _loaded(code: CodeType, module_globals: dict[str, object]) -> tuple[Definition, ...]:
    """The definitions in the file of a code object."""
    text = "".join(linecache.getlines(code.co_filename, module_globals))
    if not text:
        what = f"the source of {code.co_name!r} is not available"
        raise UserError(what, where=Path(code.co_filename).name, fix="save the rule to a .py file")
    return definitions(text, code.co_filename)


def _moved(name: str, code: CodeType) -> UserError:
    return UserError(f"{name!r} is not here any more", where=_place(code), fix="the file has changed: import it again")


def _place(code: CodeType) -> str:
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def load_text(path: str, wanted: str = "a .py file") -> str:
    """The text of a file of at most `limits.BYTES` bytes; `wanted` says of what kind, should there be none."""
    try:
        with open(path, "rb") as file:
            data = file.read(BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=path, fix=f"give the path of {wanted}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("is not UTF-8 text", where=path, fix="save it as UTF-8") from None
