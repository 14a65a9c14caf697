"""Starts that a text states and the reader does not look into: the rule's start can't stand in for these.

avg = values[0]      cache = g0**2      v = np.random.randn(3)      is what it is, and need not be 0
m, v = initialize(parameters)           m = Tensor.zeros(3)         says nothing else than the rule would
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from derive.reading.python.refusals import text_of
from derive.reading.python.scope import dotted

_DERIVATIVE = re.compile(r"d[a-zA-Z](_?d[a-zA-Z])?|f_?prime|derivative\w*")
_ODD = re.compile(r"ones|full|eye|rand|normal|uniform")
_GIVEN = re.compile(r"grad|deriv|prime|ones|full|eye|rand|normal|uniform|copy|clone|array|tensor")


def asks(name: str) -> bool:
    """Whether a function says by its name that it answers a gradient."""
    return ("grad" in name.lower() and name != "grad") or _DERIVATIVE.fullmatch(name) is not None


def is_odd(text: str) -> bool:
    """Whether what a function makes is surely no zeros."""
    return _ODD.search(text) is not None or re.fullmatch(r"-?[\d.]*[1-9][\d.]*", text) is not None


def hidden_starts(before: Iterable[ast.stmt], own: Iterable[ast.stmt] = ()) -> dict[str, str]:
    """The names that statements before the loop give such a value, and what the text says it is.

    `own` are the functions of the text, which may be what makes the value.
    """
    found: dict[str, str] = {}
    odd = {n.name for n in own if isinstance(n, ast.FunctionDef) and any(map(is_odd, hidden_starts(n.body).values()))}
    for node in (n for statement in before for n in ast.walk(statement)):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    found |= {n: text_of(v) for n, v in _pairs(target, value) if not _is_silent(v, odd)}
            case ast.AnnAssign(target=ast.Name() as target, value=ast.Call() as value):  # a field of a dataclass
                found |= {f"self.{n}": text_of(v) for n, v in _pairs(target, value) if not _is_silent(v, odd)}
            case ast.FunctionDef(args=arguments):
                plain = (
                    [*arguments.posonlyargs, *arguments.args][-len(arguments.defaults) :] if arguments.defaults else []
                )
                for a, value in zip(plain, arguments.defaults, strict=True):
                    if isinstance(value, ast.Dict):
                        pairs = _pairs(ast.Name(a.arg, ast.Store()), value)
                        found |= {n: text_of(v) for n, v in pairs if n != a.arg and not _is_silent(v, odd)}
            case ast.AugAssign(target=ast.Name(id=name)):
                found[name] = text_of(node)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """The names bound, each with its value; of what is taken apart the whole is the value of each."""
    if isinstance(target, ast.Name | ast.Attribute):
        return [(dotted(target) or "", value), *((f"{dotted(target)}.{key}", v) for key, v in _items(value))]
    if not isinstance(target, ast.Tuple | ast.List):
        return []
    apart = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
    values = value.elts if apart else [value] * len(target.elts)  # type: ignore[attr-defined]
    return [pair for t, v in zip(target.elts, values, strict=True) for pair in _pairs(t, v)]


def _items(value: ast.expr) -> list[tuple[str, ast.expr]]:
    """What a dictionary holds under its keys."""
    match value:
        case ast.Dict(keys=keys, values=values):
            return [(str(k.value), v) for k, v in zip(keys, values, strict=True) if isinstance(k, ast.Constant)]
        case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
            return [(k.arg, k.value) for k in keywords if k.arg]
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name[:1].isupper():  # State(v=...)
            return [(k.arg, k.value) for k in keywords if k.arg]
    return []


def _is_silent(value: ast.expr, odd: set[str]) -> bool:
    """Whether a value shows nothing: a container to be filled, or what a function of the text's own makes."""
    match value:
        case ast.Constant(value=number):
            return not number or isinstance(number, bool | str)
        case ast.Dict() | ast.List(elts=[]):
            return True
        case ast.Call(func=function, args=args, keywords=keywords) if (dotted(function) or "").endswith(
            ("defaultdict", "field")
        ):
            factories = [*args, *(k.value for k in keywords)]
            return all(_is_silent(f.body if isinstance(f, ast.Lambda) else f, odd) for f in factories)
        case ast.Name(id="float" | "int" | "dict" | "list"):
            return True
        case ast.Call(func=ast.Name(id=name)) if name in odd:
            return False
        case ast.Call(func=function):
            path = dotted(function) or "."
            root, name = path.split(".")[0], path.rsplit(".", 1)[-1]
            own = root in (name, "self")
            return "zeros" in name or (own and not _GIVEN.search(name.lower()))
    return False
