"""Expressions: a Python syntax tree to an `Expr`, in a scope that says what its names mean."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, apply
from derive.ops import OPS, TRUTHS
from derive.reading.limits import parse
from derive.reading.python.bindings import Constant, Opaque
from derive.reading.python.conditions import decided, undecided
from derive.reading.python.refusals import text_of, unreadable_expression
from derive.reading.python.scope import Scope, place, whole
from derive.reading.python.spellings import CUSTOMARY
from derive.reading.step.sharing import may_share, named_array
from derive.reading.step.statements import Store, fresh

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
    """The number or truth value a syntax tree means. What it stores and asks for is added to `scope.asked`."""
    value = _value(node, scope)
    if id(node) not in scope.kept or isinstance(value, Number) or named_array(node, scope) is not None:
        return value  # an array under its name shows the store, as it does in Python
    if is_truth(value, scope.truths) or may_share(node, scope):
        raise scope.error(f"'{text_of(node)}' beside an in-place store can't be read", node, "write two lines")
    name = fresh("before", scope.known | scope.later | {s.target for s in scope.asked})
    scope.asked.append(Store(name, value, node.lineno))
    scope.known.add(name)
    return Symbol(name)


def _value(node: ast.expr, scope: Scope) -> Expr:
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
            first, *others = values
            name = "and" if isinstance(op, ast.And) else "or"
            return joined(name, [to_truth(first, scope), *(_without_stores(to_truth, v, scope) for v in others)])
        case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
            return _comparison(node, scope)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            always = decided(test, scope)
            if always is not None:
                return _value(body if always else orelse, scope)
            condition = to_truth(undecided(test, scope), scope)
            return apply("where", condition, *(_without_stores(to_number, n, scope) for n in (body, orelse)))
        case ast.Call():
            from derive.reading.python.calls import read_call  # expressions and calls contain each other

            return read_call(node, scope)
        case ast.Subscript():
            return _subscript(node, scope)
    raise unreadable_expression(node, scope)


def _without_stores(read: Callable[[ast.expr, Scope], Expr], node: ast.expr, scope: Scope) -> Expr:
    """What Python evaluates only sometimes must not store."""
    before = len(scope.asked)
    value = read(node, scope)
    if any(isinstance(s, Store) for s in scope.asked[before:]):
        raise scope.error(f"the store in '{text_of(node)}' may not happen", node, "write an 'if'")
    return value


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
    if name in scope.switches:
        raise scope.error(f"the switch '{text_of(node)}' is no number", node, "ask for it in an 'if'")
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
    always, *sometimes = node.comparators
    terms = [to_expr(node.left, scope), to_expr(always, scope)]
    terms += [_without_stores(to_expr, n, scope) for n in sometimes]
    pairs = zip(node.ops, terms, terms[1:], strict=False)
    return joined("and", [apply(_COMPARE[type(op)], a, b) for op, a, b in pairs])


def joined(op: str, values: list[Expr]) -> Expr:
    """`a op b op c`, from the left."""
    result = values[0]
    for value in values[1:]:
        result = apply(op, result, value)
    return result
