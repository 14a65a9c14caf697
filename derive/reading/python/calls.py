"""Calls: a function or method of the table of spellings to what it means, and to what it stores.

An in-place method on a new array is its formula; on an array that has a name it is a store, done
before the rest of the statement, and the call's value is that array.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from derive.expr import GLOBAL_NORM, NORM, Expr, Number, Symbol, apply, substitute, symbols
from derive.ops import OPS
from derive.reading.python.expressions import joined, to_expr, to_number, to_truth, to_value
from derive.reading.python.refusals import text_of, unknown_function, unreadable_expression
from derive.reading.python.scope import ASKED, Scope, dotted, function_path, place
from derive.reading.python.spellings import (
    FLOATING,
    IN_PLACE,
    PAIRWISE,
    ROWS,
    SHAPES,
    STORAGE_KEYWORDS,
    TRUTH_ARGUMENTS,
    VARIADIC,
    Row,
)
from derive.reading.step.sharing import is_method, may_share, named_array
from derive.reading.step.statements import Query, Store


@dataclass(frozen=True)
class Meaning:
    """A row of the table of spellings, read: argument names, and the formula over them."""

    positional: tuple[str, ...]
    keywords: tuple[str, ...]
    formula: Expr

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.positional, *self.keywords)


@cache
def meanings() -> dict[str, tuple[Meaning, ...]]:
    """Every spelling with what it means, by signature."""
    return _read(ROWS)


@cache
def in_place_meanings() -> dict[str, tuple[Meaning, ...]]:
    """The same for what stores its result into its first argument."""
    return _read(IN_PLACE)


def _read(rows: Iterable[Row]) -> dict[str, tuple[Meaning, ...]]:
    read: dict[str, tuple[Meaning, ...]] = {}
    for signature, formula, paths in rows:
        meaning = _meaning(signature, formula)
        read |= {path: (*read.get(path, ()), meaning) for path in paths}
    return read


def _meaning(signature: str, formula: str) -> Meaning:
    match ast.parse(f"def f({signature}): return {formula}").body:
        case [ast.FunctionDef(args=arguments, body=[ast.Return(value=ast.expr() as body)])]:
            positional, keywords = tuple(a.arg for a in arguments.args), tuple(a.arg for a in arguments.kwonlyargs)
            scope = Scope("spellings", known={*positional, *keywords}, truths=set(TRUTH_ARGUMENTS),
                          functions={op: op for op in OPS})  # fmt: skip
            return Meaning(positional, keywords, to_value(body, scope))
    raise AssertionError(formula)


def read_call(node: ast.Call, scope: Scope) -> Expr:
    """The value of a call. What it stores and asks for is added to `scope.asked`."""
    if isinstance(node.func, ast.Name) and node.func.id in scope.functions:
        return _operation(scope.functions[node.func.id], node, scope)
    path = function_path(node.func, scope)
    if path == "derive.language.grad" or dotted(node.func) in scope.oracles:
        return _gradient(node, scope)
    arguments = [*receiver(node, path), *node.args]
    if path == "derive.language.norm" and node.keywords:
        return _norm(node, scope)
    if path in in_place_meanings():
        return _stored_into(arguments[0], node, _evaluated(node, in_place_meanings()[path], arguments, scope), scope)
    value = _value(node, path, arguments, scope)
    for target in output(node):
        return _stored_into(target, node, value, scope)
    return value


def _value(node: ast.Call, path: str | None, arguments: list[ast.expr], scope: Scope) -> Expr:
    fold = VARIADIC if not node.keywords else {}
    if path in PAIRWISE and len(arguments) == 2 and not isinstance(arguments[1], ast.Constant | ast.UnaryOp):
        fold = PAIRWISE
    if path in fold and len(arguments) > 1 and all(k.arg == "out" for k in node.keywords):
        return joined(fold[path], [to_number(a, scope) for a in arguments])
    if path not in meanings():
        raise unknown_function(node, path, scope)
    return _evaluated(node, meanings()[path], arguments, scope)


def receiver(node: ast.Call, path: str | None) -> list[ast.expr]:
    """The object that a method is called on, as its first argument; nothing for a function."""
    return [node.func.value] if isinstance(node.func, ast.Attribute) and is_method(path) else []


def output(node: ast.Call) -> list[ast.expr]:
    """What `out=` names."""
    return [k.value for k in node.keywords if k.arg == "out"]


def _operation(op: str, node: ast.Call, scope: Scope) -> Expr:
    if node.keywords or len(node.args) != OPS[op].arity:
        raise scope.error(f"'{text_of(node.func)}' takes {OPS[op].arity} arguments", node)
    return apply(op, *(to_truth(a, scope) if op == "where" and a is node.args[0] else to_expr(a, scope)
                       for a in node.args))  # fmt: skip


def _gradient(node: ast.Call, scope: Scope) -> Expr:
    if len(node.args) != 1 or node.keywords:
        raise scope.error("a gradient is asked for at one point", node, "write grad(theta)")
    scope.asked.append(Query(ASKED, to_number(node.args[0], scope), node.lineno))
    return Symbol(ASKED)


def _norm(node: ast.Call, scope: Scope) -> Expr:
    match node.args, node.keywords:
        case [argument], [ast.keyword(arg="over", value=ast.Constant(value="tensor" | "all" as over))]:
            return apply(NORM if over == "tensor" else GLOBAL_NORM, to_number(argument, scope))
    what = f"'{text_of(node)}' is no norm of a tensor or of all tensors"
    raise scope.error(what, node, 'write norm(x), or norm(x, over="all")')


def _stored_into(target: ast.expr, node: ast.Call, value: Expr, scope: Scope) -> Expr:
    """The value of a call that stores it into an array: a store where the array has a name."""
    name = named_array(target, scope)
    if name is not None:
        scope.asked.append(Store(name, value, node.lineno, in_place=True, is_array=True, certain=True))
        return Symbol(name)
    if may_share(target, scope) or output(node):
        what = f"'{text_of(node)}' stores into what can't be followed"
        raise scope.error(what, node, "give the array a name: m = ...")
    return value


# Arguments


def _evaluated(node: ast.Call, choices: tuple[Meaning, ...], arguments: list[ast.expr], scope: Scope) -> Expr:
    """The formula of the first signature that takes the arguments, with their values."""
    fits = [(m, given) for m in choices if (given := _given(node, m, arguments)) is not None]
    if not fits:
        raise _unfit(node, choices, scope)
    meaning, given = fits[0]
    for keyword in node.keywords:
        if keyword.arg in STORAGE_KEYWORDS and keyword.arg not in meaning.names:
            _refuse_storage(keyword.arg or "", keyword.value, scope)
    values = {n: _argument(n, a, meaning, scope) for n, a in given.items()}  # in the order of the text
    return substitute([meaning.formula], values)[0]


def _given(node: ast.Call, meaning: Meaning, arguments: list[ast.expr]) -> dict[str, ast.expr] | None:
    """The arguments by name; None where the signature does not take them."""
    if len(arguments) > len(meaning.positional) or any(isinstance(a, ast.Starred) for a in arguments):
        return None
    given = dict(zip(meaning.positional, arguments, strict=False))
    for keyword in node.keywords:
        if keyword.arg == "out" or (keyword.arg in STORAGE_KEYWORDS and keyword.arg not in meaning.names):
            continue
        if keyword.arg not in meaning.names or keyword.arg in given:
            return None
        given[keyword.arg] = keyword.value
    return given if given.keys() >= set(meaning.names) else None


def _unfit(node: ast.Call, choices: tuple[Meaning, ...], scope: Scope) -> Exception:
    """The refusal of arguments that no signature takes."""
    known = {name for m in choices for name in m.names} | STORAGE_KEYWORDS | {"out"}
    for keyword in node.keywords:
        if keyword.arg not in known:
            what = f"'{keyword.arg or '**'}=' of '{text_of(node.func)}' can't be read"
            return scope.error(what, node, "write the result as an assignment: name = expression")
    names = " or ".join(dict.fromkeys(f"({', '.join(m.names)})" for m in choices))
    return scope.error(f"'{text_of(node.func)}' is read with the arguments {names} only", node)


def _argument(name: str, node: ast.expr, meaning: Meaning, scope: Scope) -> Expr:
    if name in TRUTH_ARGUMENTS:
        return to_truth(node, scope)
    if name == "dtype":
        _refuse_storage(name, node, scope)
        return Number(0)
    if name not in symbols(meaning.formula):
        refuse_effects(node, scope)
        return Number(0)  # zeros_like(x), full(shape, value): x is there for its shape only
    return to_number(node, scope)


# What is not looked into


def _refuse_storage(name: str, node: ast.expr, scope: Scope) -> None:
    """A number stored as another type than a floating one would be another number."""
    refuse_effects(node, scope)
    if name == "dtype" and not _is_floating(node, scope):
        what = f"'dtype={text_of(node)}' may change the numbers"
        raise scope.error(what, node, "use a floating type, or leave it out")


def _is_floating(node: ast.expr, scope: Scope) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is None or value in FLOATING
        case ast.Attribute(value=array, attr="dtype" | "device") if place(array, scope) is not None:
            return place(array, scope) in scope.known
    if place(node, scope) in scope.known:
        return True  # .type_as(x): the type of an array
    module, _, name = (function_path(node, scope) or "").rpartition(".")
    return name in FLOATING and module in ("builtins", "numpy", "torch", "jax.numpy")


def refuse_effects(node: ast.expr, scope: Scope) -> None:
    """An expression that is not looked into must do nothing: it calls what computes and binds no name."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
            raise unreadable_expression(inner, scope)
        if isinstance(inner, ast.Call):
            path = function_path(inner.func, scope) or ""
            if (path not in meanings() and path not in SHAPES) or output(inner):
                raise unknown_function(inner, path, scope)
