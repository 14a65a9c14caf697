"""The body of a class: its constants and methods, and whatever else there may change what an attribute is.

`self.m` is what the step and `__init__` store only where the class itself binds no `m`, or binds it
once to a literal: a property, a base class or a second binding would be another value, unseen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from derive.expr import Expr, Number
from derive.reading.python.bindings import DEFINED, Binding, Constant, Opaque, all_args, bindings
from derive.reading.python.expressions import constant_value
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path
from derive.reading.python.spellings import TRANSPARENT_DECORATORS
from derive.reading.source import Definition

STEP_METHODS = ("step", "update", "__call__")
HOOKS = ("__getattr__", "__getattribute__", "__setattr__", "__new__")
_EMPTY_BASES = ("builtins.object", "abc.ABC", "typing.Protocol", "typing.Generic")


def refuse_unseen(definition: Definition, node: ast.ClassDef) -> None:
    """Raises UserError for what may change any attribute: a decorator, a base class, a hook of Python's."""
    scope = Scope(definition.file, outer=definition.outer)
    for base in node.bases:
        if function_path(base.value if isinstance(base, ast.Subscript) else base, scope) not in _EMPTY_BASES:
            what = f"the base class '{text_of(base)}' may change what an attribute is"
            raise definition.error(what, base, "write its attributes and methods in the class itself")
    refuse_hooks(definition, node)


def refuse_hooks(definition: Definition, node: ast.ClassDef) -> None:
    """The same for all but the base classes."""
    for decorator in node.decorator_list:
        raise definition.error(f"the decorator '@{text_of(decorator)}' may change the class", decorator, "leave it out")
    for keyword in node.keywords:
        raise definition.error(f"'{text_of(keyword)}' may change the class", keyword, "leave it out")
    bound = bindings(node.body)
    for name in (n for n in HOOKS if n in bound):
        what = f"{name!r} may change what an attribute is"
        raise definition.error(what, _line(bound[name], node), "leave it out")
    _refuse_private(definition, node)


def _refuse_private(definition: Definition, node: ast.ClassDef) -> None:
    """Python renames `__m` inside a class to `_Name__m`, so that two spellings may be one name."""
    renamed = f"_{node.name.lstrip('_')}__"
    for n in ast.walk(node):
        name = n.id if isinstance(n, ast.Name) else n.attr if isinstance(n, ast.Attribute) else ""
        private = isinstance(n, ast.Name) and name.startswith("__") and not name.endswith("__")
        if private or name.startswith(renamed):
            raise definition.error(f"Python renames {name!r} inside a class", n, "use one underscore")


def methods(definition: Definition, node: ast.ClassDef) -> tuple[ast.FunctionDef | None, ast.FunctionDef]:
    """`__init__`, where there is one, and the step. Raises UserError for one that is decorated or bound twice."""
    found = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    bound = bindings(node.body)
    for name in ("__init__", *STEP_METHODS):
        binding = bound.get(name)
        if binding is not None and (name not in found or not isinstance(binding, Opaque) or binding.what != DEFINED):
            what = f"the method {name!r} is not one 'def' of the class"
            raise definition.error(what, _line(binding, node), "define it once")
    step = next((found[name] for name in STEP_METHODS if name in found), None)
    if step is None:
        raise definition.error(f"the class {node.name!r} has no step", fix=f"name it {STEP_METHODS[0]!r}")
    init = found.get("__init__")
    scope = Scope(definition.file, outer=definition.outer)
    for method in (m for m in (init, step) if m is not None):
        for decorator in (d for d in method.decorator_list if not _is_transparent(d, scope)):
            what = f"the decorator '@{text_of(decorator)}' may change the method"
            raise definition.error(what, decorator, "leave it out")
    return init, step


def refuse_changed_elsewhere(definition: Definition, node: ast.ClassDef, own: Iterable[ast.FunctionDef]) -> None:
    """Raises UserError for an attribute that the step uses and another method changes.

    What a method sets to a literal, as `reset` does, is how a run begins; hyperparameters stay what they are
    during a run, whoever sets them.
    """
    init, step = own
    attributes = [n for n in ast.walk(step) if isinstance(n, ast.Attribute) and _is_own(n)]
    used = {n.attr for n in attributes}
    given = {a.arg for a in all_args(init)}
    plain = {
        n for s in init.body for n, value in _attributes_set(s) if isinstance(value, ast.Name) and value.id in given
    }
    counted = {n.attr for n in attributes if isinstance(n.ctx, ast.Store)}
    for method in (n for n in node.body if isinstance(n, ast.FunctionDef) and n is not init and n is not step):
        for statement in (n for n in ast.walk(method) if isinstance(n, ast.stmt)):
            for name, value in _attributes_set(statement):
                begins = name in counted and isinstance(value, ast.Constant | ast.Dict | ast.List)
                if name in used - plain and not begins:
                    what = f"'self.{name}' is changed in {method.name!r} and not in the step"
                    raise definition.error(what, statement, "change it in the step")


def _is_own(node: ast.AST) -> bool:
    """Whether this is an attribute of `self`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _attributes_set(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """The attributes a statement gives a value, with what is written on the right where that is the value."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if (
                    isinstance(target, ast.Tuple)
                    and isinstance(value, ast.Tuple)
                    and len(target.elts) == len(value.elts)
                ):
                    pairs = zip(target.elts, value.elts, strict=True)
                    yield from ((t.attr, v) for t, v in pairs if isinstance(t, ast.Attribute) and _is_own(t))
                else:
                    yield from ((t.attr, value) for t in [target] if isinstance(t, ast.Attribute) and _is_own(t))
        case ast.AugAssign(target=ast.Attribute(attr=name) as target) if _is_own(target):
            yield name, None


def _is_transparent(decorator: ast.expr, scope: Scope) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return function_path(function, scope) in TRANSPARENT_DECORATORS


def class_constants(
    definition: Definition, node: ast.ClassDef, used_in: Iterable[ast.FunctionDef]
) -> dict[str, Expr | None]:
    """What the class binds the attributes to that its methods use: numbers, or None. Raises UserError for all else."""
    attributes = (n for method in used_in for n in ast.walk(method) if isinstance(n, ast.Attribute))
    used = {n.attr for n in attributes if isinstance(n.value, ast.Name) and n.value.id == "self"}
    scope, found = Scope(definition.file, outer=definition.outer), dict[str, Expr | None]()
    for name, binding in bindings(node.body).items():
        if name not in used:
            continue
        value = binding.value if isinstance(binding, Constant) else None
        number = constant_value(value, scope) if value is not None else None
        if number is None and not (isinstance(value, ast.Constant) and value.value is None):
            said = binding.what if isinstance(binding, Opaque) else "no literal number"
            what = f"the class's {name!r} is {said}"
            raise definition.error(what, _line(binding, node), f"say self.{name} = ... in __init__ only")
        found[f"self.{name}"] = None if number is None else Number(number)
    return found


def _line(binding: Binding, node: ast.ClassDef) -> int:
    if isinstance(binding, Opaque):
        return binding.line
    return binding.value.lineno if isinstance(binding, Constant) else node.lineno
