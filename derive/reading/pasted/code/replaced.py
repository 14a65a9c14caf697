"""Definitions that are not what the name stands for later: decorated, wrapped, or with a method put in from outside.

@doubled                    step = twice(step)                    Adam.step = another
def step(w, dw): ...
"""

from __future__ import annotations

import ast

from derive.reading.python.bindings import DEFINED, Opaque
from derive.reading.python.functions import RULE_DECORATORS
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, dotted, function_path
from derive.reading.python.spellings import TRANSPARENT_DECORATORS
from derive.reading.source import Definition

# What people call decorators that do not change what a function computes.
_CUSTOMARY = frozenset({
    "jit", "njit", "pmap", "script", "no_grad", "inference_mode", "compile", "function", "staticmethod", "override",
    "final", "typechecked", "jaxtyped", "rule", "dataclass", "struct",
})  # fmt: skip


def refuse_decorators(definition: Definition) -> None:
    """Raises UserError for a decorator that may change the function."""
    scope = Scope(definition.file, outer=definition.outer)
    for node in definition.node.decorator_list if isinstance(definition.node, ast.FunctionDef) else []:
        called = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Call) and (dotted(called) or "").endswith("partial") and node.args:
            called = node.args[0]
        name = function_path(called, scope) or dotted(called) or ""
        own = isinstance(definition.outer.get(name.split(".")[0]), Opaque)
        known = name in (*TRANSPARENT_DECORATORS, *RULE_DECORATORS) or name.rsplit(".", 1)[-1] in _CUSTOMARY
        if own or not known:
            raise definition.error(f"the decorator '@{text_of(node)}' may change the function", node, "leave it out")


def refuse_replaced(definition: Definition) -> None:
    """Raises UserError where the text binds the name again, other than to what is compiled of it."""
    name, binding = definition.node.name, definition.outer.get(definition.node.name)
    if not isinstance(binding, Opaque) or binding.what == DEFINED:
        return
    for node in ast.walk(ast.parse(definition.text)):
        match node:
            case ast.Assign(targets=[ast.Name(id=to)], value=ast.Call(func=function)) if to == name:
                if (dotted(function) or "").rsplit(".", 1)[-1] not in _CUSTOMARY:
                    raise definition.error(f"{name!r} is bound again", node, "leave it out")
            case ast.Assign(targets=[*_, ast.Attribute(value=ast.Name(id=to))]) if to == name:
                raise definition.error(f"an attribute of {name!r} is changed", node, "write it in the class")
            case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=to), *_]) if to == name:
                raise definition.error(f"an attribute of {name!r} is changed", node, "write it in the class")
