"""Statements: a Python block to the small statement form, in the order of the text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from derive.expr import Symbol
from derive.reading.expressions import ARITHMETIC, arithmetic, is_truth, to_truth, to_value
from derive.reading.refusals import text_of, unreadable_statement
from derive.reading.scope import ASKED, Scope, function_path, place, refuse_odd_key, whole
from derive.reading.spellings import CREATIONS, VARIADIC, VIEWS
from derive.reading.statements import Branch, Initialise, Query, Statement, Store, parallel, stored
from derive.rule import Assignment


def read_block(body: Iterable[ast.stmt], scope: Scope) -> tuple[Statement, ...]:
    """The statements of a block. `scope.known` grows with every store. Raises UserError for what can't be read."""
    return tuple(statement for node in body for statement in _with_questions(node, scope))


def _with_questions(node: ast.stmt, scope: Scope) -> list[Statement]:
    """A statement after the gradients its expressions ask for; `g = grad(...)` is the question itself."""
    before = len(scope.asked)
    statements = _read(node, scope)
    asked = scope.asked[before:]
    del scope.asked[before:]
    match statements:
        case [Store(target=target, value=value, in_place=False)] if value is Symbol(ASKED) and len(asked) == 1:
            return [Query(target, asked[0][0], asked[0][1])]
    return [*(Query(ASKED, point, line) for point, line in asked), *statements]


def _read(node: ast.stmt, scope: Scope) -> list[Statement]:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return []
        case ast.Assign(targets=targets, value=value):
            return _assignment(targets, value, node, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assignment([target], value, node, scope)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in ARITHMETIC:
            name = _target(target, scope)
            result = arithmetic(op, target, value, scope)
            return [_store(Store(name, result, node.lineno, in_place=True), scope)]
        case ast.If(test=test, body=body, orelse=orelse):
            return [_if(test, body, orelse, node, scope)]
        case ast.With(items=items, body=body) if all(_transparent(i, scope) for i in items):
            return list(read_block(body, scope))
        case ast.Expr(value=value):
            to_value(value, scope)  # the expression's own refusal says more, where it has one
            raise scope.error(f"the result of '{text_of(value)}' is not used", node, "assign it to a name")
    raise unreadable_statement(node, scope)


def _transparent(item: ast.withitem, scope: Scope) -> bool:
    match item:
        case ast.withitem(context_expr=ast.Call(func=function, args=[], keywords=[]), optional_vars=None):
            return function_path(function, scope) in ("torch.no_grad", "torch.inference_mode")
    return False


# Assignments


def _assignment(targets: Sequence[ast.expr], value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    if len(targets) > 1:
        return _chain(targets, value, node, scope)
    target = targets[0]
    if place(target, scope) in scope.records:
        return _new_record(target, value, node, scope)
    if isinstance(target, ast.Tuple | ast.List):
        return _unpacking(target, value, node, scope)
    guard = _first_step_choice(target, value, scope)
    if guard is not None:
        assert isinstance(value, ast.IfExp)
        return [_started(guard, (_plain_store(target, value.body, node, scope),), node, scope)]
    return [_plain_store(target, value, node, scope)]


def _chain(targets: Sequence[ast.expr], value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`a = b = x`: every name is bound to the one value."""
    names = [place(t, scope) for t in targets]
    if None in names or len(set(names)) < len(names):
        raise scope.error("this chain of assignments can't be read", node, "write one assignment a line")
    first = _plain_store(targets[0], value, node, scope)
    copies = [Store(n, Symbol(first.target), node.lineno, shares=frozenset({first.target})) for n in names[1:] if n]
    return [first, *(_store(copy, scope) for copy in copies)]


def _new_record(target: ast.expr, value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`state = {"m": 0, "v": 0}`: a store for each key, all at once."""
    match value:
        case ast.Dict(keys=keys, values=values):
            names = [f"{place(target, scope)}.{k.value}" for k in keys
                     if isinstance(k, ast.Constant) and isinstance(k.value, str)]  # fmt: skip
            for key in (k for k in keys if isinstance(k, ast.Constant)):
                refuse_odd_key(str(key.value), key, scope)
            if len(set(names)) == len(keys) and place(target, scope) != "self":
                return _at_once(names, values, node, scope)
    what = f"the store into '{text_of(target)}' can't be followed"
    raise scope.error(what, node, 'store its keys: state["m"] = ...')


def _plain_store(target: ast.expr, value: ast.expr, node: ast.stmt, scope: Scope) -> Store:
    name, result, shares = _target(target, scope), to_value(value, scope), sharing(value, scope)
    if place(target, scope) is None:  # m[:] = value
        return _store(Store(name, result, node.lineno, in_place=True), scope)
    return _store(Store(name, result, node.lineno, shares=shares, is_array=_makes_array(value, scope)), scope)


def _makes_array(value: ast.expr, scope: Scope) -> bool:
    calls = (n for n in ast.walk(value) if isinstance(n, ast.Call))
    return any(function_path(call.func, scope) in CREATIONS for call in calls)


def _store(store: Store, scope: Scope) -> Store:
    scope.known.add(store.target)
    (scope.truths.add if is_truth(store.value, scope.truths) else scope.truths.discard)(store.target)
    return store


def _target(node: ast.expr, scope: Scope) -> str:
    """The place a store goes to; `m[:]` and `m[...]` are the whole of m."""
    name = place(node, scope)
    if name is not None and name not in scope.records:
        return name
    if isinstance(node, ast.Subscript) and whole(node.slice):
        inner = place(node.value, scope)
        if inner in scope.known:
            return inner
    fix = "assign the whole array: m = where(mask, new, m)" if isinstance(node, ast.Subscript) else "use a plain name"
    raise scope.error(f"the store into '{text_of(node)}' can't be followed", node, fix)


def _unpacking(target: ast.Tuple | ast.List, value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`a, b = x, y`: all values are taken before any name is bound."""
    if not isinstance(value, ast.Tuple | ast.List) or len(value.elts) != len(target.elts):
        what = "a tuple on the left needs as many expressions on the right"
        raise scope.error(what, node, "write one assignment for each name")
    names = [place(t, scope) for t in target.elts]
    if None in names or len(set(names)) < len(names) or not scope.records.isdisjoint(n or "" for n in names):
        raise scope.error("these targets can't be assigned at once", node, "write one assignment for each name")
    return _at_once([n for n in names if n], value.elts, node, scope)


def _at_once(names: Sequence[str], values: Sequence[ast.expr], node: ast.stmt, scope: Scope) -> list[Statement]:
    """Stores whose values are all taken before the first is made."""
    together = {
        n: (to_value(v, scope), sharing(v, scope), _makes_array(v, scope)) for n, v in zip(names, values, strict=True)
    }
    taken = scope.known | scope.later
    ordered = parallel([Assignment(n, v, node.lineno) for n, (v, _, _) in together.items()], taken)
    stores, copies = list[Statement](), dict[str, str]()
    for a in ordered:
        if a.target in together:
            shares = frozenset(copies.get(s, s) for s in together[a.target][1])
        else:
            assert isinstance(a.value, Symbol)
            shares, copies[a.value.name] = frozenset({a.value.name}), a.target
        is_array = a.target in together and together[a.target][2]
        stores.append(_store(Store(a.target, a.value, node.lineno, shares=shares, is_array=is_array), scope))
    return stores


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
        case ast.Call(func=function, args=args) if function_path(function, scope) in VIEWS or (
            function_path(function, scope) in VARIADIC
        ):
            receiver = [function.value] if isinstance(function, ast.Attribute) else []
            return frozenset[str]().union(*(sharing(a, scope) for a in (*receiver, *args)))
    return frozenset()


# Branches


def _if(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope) -> Statement:
    guard = _first_step_guard(test, scope)
    if guard is not None:
        return _initialisation(guard, body, orelse, node, scope)
    condition = to_truth(test, scope)
    known, truths = set(scope.known), set(scope.truths)
    then = read_block(body, scope)
    after_then = set(scope.known)
    branch_truths = set(scope.truths)
    scope.known, scope.truths = set(known), set(truths)
    otherwise = read_block(orelse, scope)
    if branch_truths != truths or scope.truths != truths or not truths.isdisjoint(stored([*then, *otherwise])):
        raise scope.error("a truth value assigned in a branch can't be read", node, "assign it before the 'if'")
    scope.known &= after_then
    return Branch(condition, then, otherwise, node.lineno)


def _first_step_guard(test: ast.expr, scope: Scope) -> str | None:
    """The place that `m is None`, `"m" not in state`, `not state` or `len(state) == 0` finds empty at first."""
    match test:
        case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return place(left, scope)
        case ast.Compare(left=ast.Constant(value=str(key)), ops=[ast.NotIn()], comparators=[record]):
            name = place(record, scope)
            return f"{name}.{key}" if name in scope.records else None
        case ast.UnaryOp(op=ast.Not(), operand=record):
            name = place(record, scope)
            return name if name in scope.records else None
        case ast.Compare(
            left=ast.Call(func=length, args=[record]), ops=[ast.Eq()], comparators=[ast.Constant(value=0)]
        ):
            name = place(record, scope)
            return name if name in scope.records and function_path(length, scope) == "builtins.len" else None
    return None


def _first_step_choice(target: ast.expr, value: ast.expr, scope: Scope) -> str | None:
    """The guard of `m = start if m is None else m`."""
    guard = _first_step_guard(value.test, scope) if isinstance(value, ast.IfExp) else None
    if guard is not None and isinstance(value, ast.IfExp) and place(value.orelse, scope) != place(target, scope):
        raise scope.error("this first-step choice can't be read", value, "write 'm = start if m is None else m'")
    return guard


def _initialisation(
    guard: str, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope
) -> Initialise:
    if orelse:
        raise scope.error("'else' beside a first-step initialisation can't be read", node, "write 'if t == 1'")
    stores = read_block(body, scope)
    plain = tuple(s for s in stores if isinstance(s, Store) and not s.in_place)
    if len(plain) < len(stores):
        raise scope.error("only assignments can stand in a first-step initialisation", node, "move the rest out")
    return _started(guard, plain, node, scope)


def _started(guard: str, stores: tuple[Store, ...], node: ast.stmt, scope: Scope) -> Initialise:
    if not scope.truths.isdisjoint(s.target for s in stores):
        raise scope.error("a state that starts at a truth value can't be read", node, "write where(condition, 1, 0)")
    return Initialise(guard, stores, node.lineno)
