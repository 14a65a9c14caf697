"""Statements: a Python block to the small statement form, in the order of the text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from derive.expr import Expr, Symbol, apply
from derive.reading.expressions import (
    ASKED,
    Scope,
    callee,
    is_truth,
    place,
    shares_first_argument,
    to_expr,
    to_truth,
    to_value,
    whole,
)
from derive.reading.statements import Branch, Initialise, Query, Statement, Store, fresh, parallel
from derive.rule import Assignment

_AUGMENTED: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow",
}  # fmt: skip


def read_block(body: Iterable[ast.stmt], scope: Scope) -> tuple[Statement, ...]:
    """The statements of a block. `scope.known` grows with every store. Raises UserError for what can't be read."""
    return tuple(statement for node in body for statement in _read(node, scope))


def _read(node: ast.stmt, scope: Scope) -> list[Statement]:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return []
        case ast.Assign(targets=targets, value=value):
            return _assign(targets, value, node, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assign([target], value, node, scope)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in _AUGMENTED:
            return _augmented(target, _AUGMENTED[type(op)], value, scope)
        case ast.If(test=test, body=body, orelse=orelse):
            return _if(test, body, orelse, node, scope)
        case ast.With(items=items, body=body) if all(_transparent(i.context_expr, scope) for i in items):
            return list(read_block(body, scope))
    raise unreadable(node, scope)


def _transparent(node: ast.expr, scope: Scope) -> bool:
    return isinstance(node, ast.Call) and callee(node.func, scope) in ("torch.no_grad", "torch.inference_mode")


# Assignments


def _assign(targets: Sequence[ast.expr], value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    if len(targets) > 1:
        if not all(isinstance(t, ast.Name) for t in targets):
            raise scope.error("a chain of assignments to anything but names can't be read", node, "write one a line")
        first, *others = targets
        copies = [s for t in others for s in _assign([t], ast.copy_location(_load(first), node), node, scope)]
        return _assign([first], value, node, scope) + copies if not copies else [*_assign([first], value, node, scope), *copies]  # fmt: skip
    target = targets[0]
    if isinstance(target, ast.Tuple | ast.List):
        return _unpacked(target, value, node, scope)
    initial = _first_step_choice(target, value, scope)
    if initial is not None:
        return initial
    stored = _target(target, scope)
    result, asked = _asking(lambda: to_value(value, scope), scope, stored if _is_gradient(value) else None)
    if isinstance(result, Symbol) and asked and result.name == stored:
        _define(stored, result, scope)
        return asked
    return [*asked, _store(target, stored, result, sharing(value, scope), node.lineno, scope)]


def _load(node: ast.expr) -> ast.expr:
    assert isinstance(node, ast.Name)
    return ast.Name(node.id, ast.Load())


def _is_gradient(value: ast.expr) -> bool:
    return isinstance(value, ast.Call)


def _asking(read, scope: Scope, target: str | None) -> tuple[Expr, list[Statement]]:  # type: ignore[no-untyped-def]
    """An expression and the gradients it asks for; an assignment that is nothing but a question is the question."""
    before = len(scope.asked)
    value = read()
    asked, scope.asked[before:] = scope.asked[before:], []
    name = target if target is not None and value is Symbol(ASKED) else ASKED
    if asked:
        scope.known.add(name)
    return (Symbol(name) if value is Symbol(ASKED) else value), [Query(name, p, line) for p, line in asked]


def _store(target: ast.expr, name: str, value: Expr, shares: frozenset[str], line: int, scope: Scope) -> Store:
    _define(name, value, scope)
    in_place = isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant) or (
        isinstance(target, ast.Subscript) and target.slice.value is ...  # type: ignore[attr-defined]
    )
    return Store(name, value, line, in_place, frozenset() if in_place else shares)


def _define(name: str, value: Expr, scope: Scope) -> None:
    scope.known.add(name)
    (scope.truths.add if is_truth(value, scope.truths) else scope.truths.discard)(name)


def _target(node: ast.expr, scope: Scope) -> str:
    name = place(node, scope)
    if name is not None:
        return name
    if isinstance(node, ast.Subscript) and whole(node.slice):
        inner = place(node.value, scope)
        if inner in scope.known:
            return inner
    text = ast.unparse(node)[:60]
    if isinstance(node, ast.Subscript):
        raise scope.error(f"the store into '{text}' can't be followed", node, "assign the whole array: m = where(mask, new, m)")  # fmt: skip
    raise scope.error(f"the store into '{text}' can't be followed", node, "assign to a plain name")


def _unpacked(target: ast.Tuple | ast.List, value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`a, b = x, y`: all values are taken before any name is bound."""
    if not isinstance(value, ast.Tuple | ast.List) or len(value.elts) != len(target.elts):
        raise scope.error(
            "a tuple on the left needs as many expressions on the right", node, "write one assignment for each name"
        )
    names = [_target(t, scope) for t in target.elts]
    if len(set(names)) < len(names) or not all(isinstance(t, ast.Name | ast.Attribute) or place(t, scope) for t in target.elts):  # fmt: skip
        raise scope.error("these targets can't be assigned at once", node, "write one assignment for each name")
    read, asked = [], list[Statement]()
    for element in value.elts:
        result, questions = _asking(lambda element=element: to_value(element, scope), scope, None)  # type: ignore[misc]
        read.append(result)
        asked += questions
    shares = dict(zip(names, (sharing(v, scope) for v in value.elts), strict=True))
    ordered = parallel(
        [Assignment(n, r, node.lineno) for n, r in zip(names, read, strict=True)], scope.known | scope.later
    )
    copies = {a.value.name: a.target for a in ordered if a.target not in shares and isinstance(a.value, Symbol)}
    stores = []
    for a in ordered:
        shared = frozenset(copies.get(s, s) for s in shares.get(a.target, frozenset()))
        if a.target not in shares and isinstance(a.value, Symbol):
            shared = frozenset({a.value.name})
        _define(a.target, a.value, scope)
        stores.append(Store(a.target, a.value, a.line, shares=shared))
    return [*asked, *stores]


def _augmented(target: ast.expr, op: str, value: ast.expr, scope: Scope) -> list[Statement]:
    name = _target(target, scope)
    old = to_expr(_loading(target), scope)
    new, asked = _asking(lambda: to_expr(value, scope), scope, None)
    result = apply(op, old, new)
    _define(name, result, scope)
    return [*asked, Store(name, result, target.lineno, in_place=True)]


def _loading(node: ast.expr) -> ast.expr:
    """The same place, read."""
    match node:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(name, ast.Load()), node)
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value, attr, ast.Load()), node)
        case ast.Subscript(value=value, slice=index):
            return ast.copy_location(ast.Subscript(value, index, ast.Load()), node)
    return node


def sharing(node: ast.expr, scope: Scope) -> frozenset[str]:
    """The places whose array the value of this expression may be itself."""
    name = place(node, scope)
    if name is not None and name in scope.known:
        return frozenset({name})
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return sharing(body, scope) | sharing(orelse, scope)
        case ast.Subscript(value=value) | ast.UnaryOp(op=ast.UAdd(), operand=value):
            return sharing(value, scope)
        case ast.Call(func=function, args=args) if shares_first_argument(callee(function, scope)):
            receiver = [function.value] if isinstance(function, ast.Attribute) else []
            return frozenset[str]().union(*(sharing(a, scope) for a in (*receiver, *args)))
    return frozenset()


# Branches


def _if(
    test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope
) -> list[Statement]:
    if is_first_step_test(test, scope):
        if orelse:
            raise scope.error("'else' beside a first-step initialisation can't be read", node, "write 'if t == 1'")
        return _initialisations(body, scope)
    condition = to_truth(test, scope)
    known, truths = set(scope.known), set(scope.truths)
    then = read_block(body, scope)
    then_known, then_truths = set(scope.known), set(scope.truths)
    scope.known, scope.truths = set(known), set(truths)
    otherwise = read_block(orelse, scope)
    scope.known &= then_known
    if (then_truths ^ scope.truths) & scope.known:
        raise scope.error("one name holds a number on one side and a truth value on the other", node, "use two names")
    return [Branch(condition, then, otherwise, node.lineno)]


def is_first_step_test(test: ast.expr, scope: Scope) -> bool:
    """`m is None`, `"m" not in state`, `not state`, `len(state) == 0`: true at the first step only."""
    match test:
        case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return place(left, scope) is not None
        case ast.Compare(left=ast.Constant(value=str()), ops=[ast.NotIn()], comparators=[record]):
            return place(record, scope) in scope.records
        case ast.UnaryOp(op=ast.Not(), operand=record):
            return place(record, scope) in scope.records
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[record]), ops=[ast.Eq()], comparators=[ast.Constant(value=0)]
        ):
            return place(record, scope) in scope.records
    return False


def _first_step_choice(target: ast.expr, value: ast.expr, scope: Scope) -> list[Statement] | None:
    """`m = start if m is None else m`, and `state.setdefault("m", start)` written as an assignment."""
    match value:
        case ast.IfExp(test=test, body=body, orelse=orelse) if is_first_step_test(test, scope):
            if place(orelse, scope) == place(target, scope) is not None:
                return [_initialise(target, body, scope)]
            raise scope.error("this choice at the first step can't be read", value, "write 'm = start if m is None else m'")  # fmt: skip
    return None


def _initialisations(body: list[ast.stmt], scope: Scope) -> list[Statement]:
    done: list[Statement] = []
    for node in body:
        match node:
            case ast.Assign(targets=[target], value=value):
                done.append(_initialise(target, value, scope))
            case _:
                raise scope.error("only assignments can stand in a first-step initialisation", node, "move the rest out")
    return done


def _initialise(target: ast.expr, value: ast.expr, scope: Scope) -> Initialise:
    name = _target(target, scope)
    start, shares = to_expr(value, scope), sharing(value, scope)
    scope.known.add(name)
    return Initialise(name, start, target.lineno, shares)


# Refusals

_REFUSED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: ("a 'while' loop", "write one step as straight-line assignments"),
    ast.For: ("a 'for' loop inside a step", "write one step as straight-line assignments"),
    ast.Try: ("'try'", "write one step as straight-line assignments"),
    ast.With: ("'with'", "write one step as straight-line assignments"),
    ast.FunctionDef: ("a function inside a step", "write its expression where it is used"),
    ast.ClassDef: ("a class inside a step", "write one step as straight-line assignments"),
    ast.Return: ("'return' before the end", "assign in the branches and return once, at the end"),
    ast.Raise: ("'raise'", "leave the checks out; declare domains instead"),
    ast.Assert: ("'assert'", "leave the checks out; declare domains instead"),
    ast.Global: ("'global'", "pass the value as an argument"),
    ast.Nonlocal: ("'nonlocal'", "pass the value as an argument"),
    ast.Delete: ("'del'", "leave it out"),
    ast.Import: ("an import inside a step", "import at the top of the file"),
    ast.ImportFrom: ("an import inside a step", "import at the top of the file"),
}


def unreadable(node: ast.stmt, scope: Scope) -> Exception:
    """The refusal of a statement: its line, the construct and what would work."""
    if isinstance(node, ast.Expr):
        to_value(node.value, scope)  # the expression's own refusal says more, where it has one
        return scope.error(f"the result of '{ast.unparse(node)[:60]}' is not used", node, "assign it to a name")
    if isinstance(node, ast.AugAssign):
        return scope.error(f"the operator in '{ast.unparse(node)[:60]}' can't be read", node, "use +=, -=, *= or /=")
    what, fix = _REFUSED.get(type(node), (f"'{ast.unparse(node)[:40]}'", "write one step as straight-line assignments"))
    return scope.error(f"{what} can't be read", node, fix)
