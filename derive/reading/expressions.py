"""Expressions: a Python syntax tree to an `Expr`, in a scope that says what its names mean."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply, substitute
from derive.ops import OPS, TRUTHS
from derive.reading.bindings import Constant, Opaque
from derive.reading.limits import parse
from derive.reading.refusals import text_of, unknown_function, unreadable_expression
from derive.reading.scope import ASKED, Scope, dotted, function_path, place, whole
from derive.reading.spellings import (
    CUSTOMARY,
    FLOATING,
    ROWS,
    SHAPES,
    STORAGE_KEYWORDS,
    TRUTH_ARGUMENTS,
    VARIADIC,
    VIEWS,
)

NUMBER_BITS = 2_000

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_LOGIC: dict[type[ast.operator], str] = {ast.BitAnd: "and", ast.BitOr: "or"}


def read_expression(text: str, names: Iterable[str] | None = None, file: str = "expression") -> Expr:
    """One expression of the rule language over the given names (over any names where None). Raises UserError."""
    try:
        return _read_expression(text, None if names is None else list(names), file)
    except UserError as error:  # the text is shown instead of a line number
        shown = text.strip() if len(text) <= 50 else f"{text.strip()[:47]}..."
        what = f"{shown!r} can't be read: {error.what.removeprefix('not valid Python: ')}"
        raise UserError(what, where=file, fix=error.fix or "write it as in Python: lr * (1 - beta)") from None


def _read_expression(text: str, names: Sequence[str] | None, file: str) -> Expr:
    match parse(text.strip(), file).body:
        case [ast.Expr(value=value)]:
            called = {n.func.id for n in ast.walk(value) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            used = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} - called
            known = used if names is None else set(names)
            for name in sorted(used - known - CUSTOMARY.keys()):
                raise UserError(f"unknown name {name!r}", fix=f"the names are {', '.join(names or ()) or 'none'}")
            return to_value(value, Scope(file, known=known))
    raise UserError("it is not one expression")


def to_expr(node: ast.expr, scope: Scope) -> Expr:
    """The number a syntax tree means. A truth value in a number's place counts as 1 or 0, as in Python."""
    return _as_number(to_value(node, scope), scope)


def _as_number(value: Expr, scope: Scope) -> Expr:
    return apply("where", value, 1, 0) if is_truth(value, scope.truths) else value


def to_number(node: ast.expr, scope: Scope) -> Expr:
    """The number a syntax tree means, where Python and NumPy disagree on what a truth value would count as."""
    value = to_value(node, scope)
    if is_truth(value, scope.truths):
        what = f"'{text_of(node)}' is a truth value where a number is needed"
        raise scope.error(what, node, "write where(condition, 1, 0)")
    return value


def arithmetic(op: ast.operator, left: ast.expr, right: ast.expr, scope: Scope) -> Expr:
    """`left op right`. Beside a number a truth value counts as 1 or 0; two of them NumPy would join, not add."""
    a, b = to_value(left, scope), to_value(right, scope)
    if is_truth(a, scope.truths) and is_truth(b, scope.truths):
        what = f"'{text_of(left)}' and '{text_of(right)}' are truth values where numbers are needed"
        raise scope.error(what, left, "write where(condition, 1, 0)")
    return apply(ARITHMETIC[type(op)], _as_number(a, scope), _as_number(b, scope))


def to_truth(node: ast.expr, scope: Scope) -> Expr:
    """The truth value a syntax tree means. A number where a truth value belongs is refused."""
    value = to_value(node, scope)
    if not is_truth(value, scope.truths):
        raise scope.error(f"'{text_of(node)}' is a number where a truth value is needed", node, "compare it: x != 0")
    return value


def is_truth(value: Expr, truths: Iterable[str] = ()) -> bool:
    """Whether an expression is a truth value; `truths` names the symbols that are."""
    if isinstance(value, Symbol):
        return value.name in truths
    return isinstance(value, Apply) and value.op in TRUTHS


def to_value(node: ast.expr, scope: Scope) -> Expr:
    """The number or truth value a syntax tree means."""
    match node:
        case ast.Constant(value=value):
            return _constant(value, node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
            return Number(-_constant(value, node, scope).value)
        case ast.Name() | ast.Attribute():
            return _name(node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return apply("neg", to_expr(operand, scope))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return to_expr(operand, scope)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return apply("not", to_truth(operand, scope))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            return arithmetic(op, left, right, scope)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _LOGIC:
            return apply(_LOGIC[type(op)], to_truth(left, scope), to_truth(right, scope))
        case ast.BoolOp(op=op, values=values):
            return _joined("and" if isinstance(op, ast.And) else "or", [to_truth(v, scope) for v in values])
        case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
            return _comparison(node, scope)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return apply("where", to_truth(test, scope), to_number(body, scope), to_number(orelse, scope))
        case ast.Call():
            return _call(node, scope)
        case ast.Subscript():
            return _subscript(node, scope)
    raise unreadable_expression(node, scope)


# Numbers


def _constant(value: object, node: ast.expr, scope: Scope) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise scope.error(f"{value!r} is not a real number", node, "write a number or a comparison")
    return Number(_number(value, node, scope))


def _number(value: int | float, node: ast.expr, scope: Scope) -> Fraction:
    """The shortest decimal that gives the double is what the author meant: 0.9 is 9/10."""
    text = repr(value)
    if text in ("inf", "nan"):
        raise scope.error("a number too large for a double can't be read", node, "write it as a power")
    return Fraction(text)


def constant_value(node: ast.expr, scope: Scope) -> Fraction | None:
    """The exact value of literals joined by + - * / **; None for anything else, or if it is huge."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _number(value, node, scope)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = constant_value(operand, scope)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            a, b = constant_value(left, scope), constant_value(right, scope)
            return None if a is None or b is None else _constant_operation(ARITHMETIC[type(op)], a, b)
    return None


def _constant_operation(op: str, a: Fraction, b: Fraction) -> Fraction | None:
    bits = max(x.bit_length() for x in (a.numerator, a.denominator, b.numerator, b.denominator))
    if bits > NUMBER_BITS or (op == "pow" and bits * abs(b) > NUMBER_BITS):
        return None
    value = OPS[op].exact(a, b)
    return value if isinstance(value, Fraction) else None


# Names and places


def _name(node: ast.Name | ast.Attribute, scope: Scope) -> Expr:
    name = place(node, scope)
    if name is not None and name in scope.known:
        return Symbol(name)
    if isinstance(node, ast.Attribute):
        raise scope.error(f"the attribute '{text_of(node)}' can't be read", node, "pass its value as an argument")
    if scope.is_local(node.id):
        fix = f"if it is state, make it an argument with its initial value: {node.id}=0"
        raise scope.error(f"{node.id!r} is used before it is assigned", node, fix)
    match scope.outer.get(node.id):
        case Constant(value=value):
            number = constant_value(value, scope)
            if number is None:
                raise scope.error(f"{node.id!r} is not a literal constant", node, "pass it as an argument")
            return Number(number)
        case Opaque(what=what, line=line):
            raise scope.error(f"{node.id!r} is {what} (line {line})", node, "pass it as an argument")
    raise scope.error(f"unknown name {node.id!r}", node, "make it an argument, or a constant of the file")


def _subscript(node: ast.Subscript, scope: Scope) -> Expr:
    name = place(node, scope)
    if name is not None and name in scope.known:
        return Symbol(name)
    if whole(node.slice):
        return to_expr(node.value, scope)
    raise scope.error(f"the index in '{text_of(node)}' can't be read", node, "write the step for one coordinate")


def _comparison(node: ast.Compare, scope: Scope) -> Expr:
    terms = [to_expr(n, scope) for n in (node.left, *node.comparators)]
    pairs = zip(node.ops, terms, terms[1:], strict=False)
    return _joined("and", [apply(_COMPARE[type(op)], a, b) for op, a, b in pairs])


def _joined(op: str, values: list[Expr]) -> Expr:
    result = values[0]
    for value in values[1:]:
        result = apply(op, result, value)
    return result


# Calls


@dataclass(frozen=True)
class Meaning:
    """A row of the table of spellings, read: argument names, their defaults, and the formula over them."""

    names: tuple[str, ...]
    defaults: Mapping[str, Expr]
    formula: Expr


@cache
def meanings() -> dict[str, Meaning]:
    """Every spelling with what it means."""
    rows = {path: _meaning(signature, formula) for signature, formula, paths in ROWS for path in paths}
    return rows | dict.fromkeys(VIEWS, _meaning("x", "x"))


def _meaning(signature: str, formula: str) -> Meaning:
    match ast.parse(f"def f({signature}): return {formula}").body:
        case [ast.FunctionDef(args=arguments, body=[ast.Return(value=ast.expr() as body)])]:
            names = tuple(a.arg for a in arguments.args)
            scope = Scope("spellings", known=set(names), truths=set(TRUTH_ARGUMENTS), functions={op: op for op in OPS})
            defaults = [to_expr(d, scope) for d in arguments.defaults]
            with_default = names[len(names) - len(defaults) :]
            return Meaning(names, dict(zip(with_default, defaults, strict=True)), to_value(body, scope))
    raise AssertionError(formula)


def _call(node: ast.Call, scope: Scope) -> Expr:
    if isinstance(node.func, ast.Name) and node.func.id in scope.functions:
        return _operation(scope.functions[node.func.id], node, scope)
    path = function_path(node.func, scope)
    if path == "derive.language.grad" or dotted(node.func) in scope.oracles:
        return _gradient(node, scope)
    receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and path == f".{node.func.attr}" else []
    arguments = [*receiver, *node.args]
    if path in VARIADIC and len(arguments) > 1 and not node.keywords:
        return _joined(VARIADIC[path], [to_number(a, scope) for a in arguments])
    meaning = meanings().get(path or "")
    if meaning is None:
        raise unknown_function(node, path, scope)
    return _expanded(node, meaning, arguments, scope)


def _operation(op: str, node: ast.Call, scope: Scope) -> Expr:
    if node.keywords or len(node.args) != OPS[op].arity:
        raise scope.error(f"'{text_of(node.func)}' takes {OPS[op].arity} arguments", node)
    return apply(op, *(to_truth(a, scope) if op == "where" and a is node.args[0] else to_expr(a, scope)
                       for a in node.args))  # fmt: skip


def _gradient(node: ast.Call, scope: Scope) -> Expr:
    if len(node.args) != 1 or node.keywords:
        raise scope.error("a gradient is asked for at one point", node, "write grad(theta)")
    scope.asked.append((to_number(node.args[0], scope), node.lineno))
    return Symbol(ASKED)


def _expanded(node: ast.Call, meaning: Meaning, arguments: list[ast.expr], scope: Scope) -> Expr:
    given = dict(zip(meaning.names, arguments, strict=False))
    for keyword in node.keywords:
        if keyword.arg in STORAGE_KEYWORDS:
            _refuse_storage(keyword, scope)
            continue
        if keyword.arg not in meaning.names or keyword.arg in given:
            what = f"'{keyword.arg or '**'}=' of '{text_of(node.func)}' can't be read"
            raise scope.error(what, node, "write the result as an assignment: name = expression")
        given[keyword.arg] = keyword.value
    missing = [n for n in meaning.names if n not in given and n not in meaning.defaults]
    if missing or len(arguments) > len(meaning.names) or any(isinstance(a, ast.Starred) for a in arguments):
        names = ", ".join(meaning.names)
        raise scope.error(f"'{text_of(node.func)}' is read with the arguments ({names}) only", node)
    values = {n: _argument(n, a, meaning, scope) for n, a in given.items()}
    return substitute([meaning.formula], {**meaning.defaults, **values})[0]


def _argument(name: str, node: ast.expr, meaning: Meaning, scope: Scope) -> Expr:
    if name in TRUTH_ARGUMENTS:
        return to_truth(node, scope)
    if isinstance(meaning.formula, Number) or meaning.formula is Symbol("value") is not Symbol(name):
        refuse_effects(node, scope)
        return Number(0)  # zeros_like(x), full(shape, value): x is there for its shape only
    return to_number(node, scope)


# What is not looked into


def _refuse_storage(keyword: ast.keyword, scope: Scope) -> None:
    """A number stored as another type than a floating one would be another number."""
    refuse_effects(keyword.value, scope)
    if keyword.arg == "dtype" and not _is_floating(keyword.value, scope):
        what = f"'dtype={text_of(keyword.value)}' may change the numbers"
        raise scope.error(what, keyword.value, "use a floating type, or leave it out")


def _is_floating(node: ast.expr, scope: Scope) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is None or value in FLOATING
        case ast.Attribute(value=array, attr="dtype") if place(array, scope) is not None:
            return place(array, scope) in scope.known
    module, _, name = (function_path(node, scope) or "").rpartition(".")
    return name in FLOATING and module in ("builtins", "numpy", "torch", "jax.numpy")


def refuse_effects(node: ast.expr, scope: Scope) -> None:
    """An expression that is not looked into must do nothing: it calls what computes and binds no name."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda):
            raise unreadable_expression(inner, scope)
        if isinstance(inner, ast.Call):
            path = function_path(inner.func, scope) or ""
            if path not in meanings() and path not in SHAPES:
                raise unknown_function(inner, path, scope)
