"""Statements: a Python block to the small statement form, in the order of the text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.expr import Symbol
from derive.reading.limits import BLOCKS, STATEMENTS
from derive.reading.python.conditions import decided, first_step_guard, is_gradient, negated, undecided
from derive.reading.python.expressions import ARITHMETIC, arithmetic, is_truth, to_truth, to_value
from derive.reading.python.refusals import text_of, unreadable_statement
from derive.reading.python.scope import ASKED, Scope, function_path, place, refuse_odd_key, whole
from derive.reading.step.sharing import is_new_array, makes_array, may_share, named_array, stores_into
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, parallel, stored
from derive.rule import Assignment


def read_block(body: Iterable[ast.stmt], scope: Scope) -> tuple[Statement, ...]:
    """The statements of a block. `scope.known` grows with every store. Raises UserError for what can't be read."""
    scope.blocks += 1
    try:
        return tuple(statement for node in body for statement in _with_questions(node, scope))
    finally:
        scope.blocks -= 1


def _with_questions(node: ast.stmt, scope: Scope) -> list[Statement]:
    """A statement after the gradients its expressions ask for; `g = grad(...)` is the question itself."""
    _refuse_too_many(node, scope)
    before = len(scope.asked)
    keep_before_stores(node, scope)
    statements = _read(node, scope)
    asked = scope.asked[before:]
    del scope.asked[before:]
    match asked, statements:
        case [Query() as query], [Store(target=target, value=value, in_place=False)] if value is Symbol(ASKED):
            return [replace(query, target=target)]
    return [*asked, *statements]


def _refuse_too_many(node: ast.stmt, scope: Scope) -> None:
    scope.statements += 1
    if scope.statements > STATEMENTS:
        raise scope.error(f"more than {STATEMENTS} statements in one step", node, "cut out the rule")
    if scope.blocks > BLOCKS:
        raise scope.error(f"more than {BLOCKS} nested blocks", node, "name the conditions and write where(...)")


def keep_before_stores(node: ast.AST, scope: Scope) -> None:
    """Notes the expressions of a statement that Python evaluates before an in-place store in it, and uses after.

    A store happens where its call ends; what stands before the call, and not inside it, is evaluated by then.
    """
    parts = _evaluated_in(node)
    calls = [n for part in parts for n in ast.walk(part) if isinstance(n, ast.Call) and stores_into(n, scope)]
    if not calls and not (isinstance(node, ast.Call) and stores_into(node, scope)):
        return
    last = max(((n.lineno, n.col_offset) for n in calls), default=(0, 0))
    for part in parts:
        if (part.end_lineno or 0, part.end_col_offset or 0) <= last:
            scope.kept.add(id(part))
        keep_before_stores(part, scope)


def _evaluated_in(node: ast.AST) -> list[ast.expr]:
    """The expressions that a statement or expression evaluates itself."""
    match node:
        case ast.Call(func=function, args=args, keywords=keywords):
            receiver = function.value if isinstance(function, ast.Attribute) else function
            return [receiver, *args, *(k.value for k in keywords)]
        case ast.With(items=items):
            return [item.context_expr for item in items]
    return [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]


def _read(node: ast.stmt, scope: Scope) -> list[Statement]:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return []
        case ast.Assign(targets=targets, value=value):
            return _assignment(targets, value, node, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            return _assignment([target], value, node, scope)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in ARITHMETIC:
            data = _data(target, scope)  # p.data += x: certainly an array
            name = data or _target(target, scope)
            result = arithmetic(
                op, target.value if data and isinstance(target, ast.Attribute) else target, value, scope
            )
            certain = data is not None or is_gradient(target, scope) or name in scope.tensors
            return [_store(Store(name, result, node.lineno, True, is_array=certain, certain=certain), scope)]
        case ast.If(test=test, body=body, orelse=orelse):
            return _if(test, body, orelse, node, scope)
        case ast.With(items=items, body=body) if all(_transparent(i, scope) for i in items):
            return list(read_block(body, scope))
        case ast.Expr(value=value):
            to_value(value, scope)  # the expression's own refusal says more, where it has one
            if isinstance(value, ast.Call) and named_array(value, scope) is not None:
                return []  # its store is among what the scope was asked
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
    if isinstance(target, ast.Name) and place(value, scope) in scope.switches:
        return _same_switch(target, place(value, scope) or "", node, scope)
    if place(target, scope) in scope.records:
        return _new_record(target, value, node, scope)
    if isinstance(target, ast.Tuple | ast.List):
        return _unpacking(target, value, node, scope)
    guard = _first_step_choice(target, value, scope)
    if guard is not None:
        assert isinstance(value, ast.IfExp)
        return [_started(guard, _plain_store(target, value.body, node, scope), node, scope)]
    return [_plain_store(target, value, node, scope)]


def _same_switch(target: ast.Name, switch: str, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`nesterov = group["nesterov"]`: a switch under another name, once."""
    if target.id in scope.switches:
        raise scope.error(f"the switch {target.id!r} is assigned to", node, "give it another name")
    scope.switches[target.id] = scope.switches[switch]
    scope.known.discard(target.id)
    return []


def _chain(targets: Sequence[ast.expr], value: ast.expr, node: ast.stmt, scope: Scope) -> list[Statement]:
    """`a = b = x`: every name is bound to the one value."""
    names = [place(t, scope) for t in targets]
    if None in names or len(set(names)) < len(names):
        raise scope.error("this chain of assignments can't be read", node, "write one assignment a line")
    first = _plain_store(targets[0], value, node, scope)
    one = frozenset({first.target})
    copies = [Store(n, Symbol(first.target), node.lineno, shares=one, certain=True) for n in names[1:] if n]
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
    data = _data(target, scope)
    store = _bound(data or _target(target, scope), value, node, scope)
    if data and store.shares:
        raise scope.error(f"'{text_of(target)}' may then be {min(store.shares)!r} itself", node, "copy it: .clone()")
    if place(target, scope) is None:  # m[:] = value, p.data = value
        store = Store(store.target, store.value, node.lineno, in_place=True)
    return _store(store, scope)


def _data(target: ast.expr, scope: Scope) -> str | None:
    """The array whose numbers `p.data = ...` replaces."""
    match target:
        case ast.Attribute(value=array, attr="data") if place(target, scope) is None:
            name = named_array(array, scope)
            return name if name not in scope.records else None
    return None


def _store(store: Store, scope: Scope) -> Store:
    if store.target in scope.switches:
        raise UserError(f"the switch {store.target!r} is assigned to", where=f"{scope.file}:{store.line}",
                        fix="give it another name")  # fmt: skip
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
    together = {n: _bound(n, v, node, scope) for n, v in zip(names, values, strict=True)}
    taken = scope.known | scope.later
    ordered = parallel([Assignment(n, s.value, node.lineno) for n, s in together.items()], taken)
    stores, copies = list[Store](), dict[str, str]()
    for a in ordered:
        store = together.get(a.target)
        if store is not None:
            shares = frozenset(copies.get(s, s) for s in store.shares)
            stores.append(_store(replace(store, value=a.value, shares=shares), scope))
        else:
            assert isinstance(a.value, Symbol)
            copies[a.value.name] = a.target
            old = frozenset({a.value.name})
            stores.append(_store(Store(a.target, a.value, node.lineno, shares=old, certain=True), scope))
    return list(stores)


def _bound(name: str, value: ast.expr, node: ast.stmt, scope: Scope) -> Store:
    """The store that binds a name anew to the value of an expression."""
    result, shares = to_value(value, scope), may_share(value, scope)
    certain = named_array(value, scope) is not None or (is_new_array(value, scope) and not shares)
    return Store(name, result, node.lineno, shares=shares, is_array=makes_array(value, scope), certain=certain)


# Branches


def _if(test: ast.expr, body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope) -> list[Statement]:
    known_to_be = decided(test, scope)
    if known_to_be is not None:
        return list(read_block(body if known_to_be else orelse, scope))
    empty, filled = first_step_guard(test, scope), first_step_guard(negated(test), scope)
    if empty is not None:
        return [Initialise(empty, *_sides(body, orelse, node, scope, starts=True))]
    if filled is not None:
        return [Initialise(filled, *_sides(orelse, body, node, scope, starts=True))]
    condition = to_truth(undecided(test, scope), scope)
    then, line, otherwise = _sides(body, orelse, node, scope)
    return [Branch(condition, then, otherwise, line)]


def _sides(
    body: list[ast.stmt], orelse: list[ast.stmt], node: ast.stmt, scope: Scope, starts: bool = False
) -> tuple[tuple[Statement, ...], int, tuple[Statement, ...]]:
    """Both sides of a branch, and its line; after it a name is known only where either side knows it."""
    known, truths, switches = set(scope.known), set(scope.truths), dict(scope.switches)
    then = read_block(body, scope)
    after_then = set(scope.known)
    branch_truths = set(scope.truths)
    scope.known, scope.truths = set(known), set(truths)
    otherwise = read_block(orelse, scope)
    if branch_truths != truths or scope.truths != truths or not truths.isdisjoint(stored([*then, *otherwise])):
        what, fix = "a truth value assigned in a branch can't be read", "assign it before the 'if'"
        if starts:
            what, fix = "a state that starts at a truth value can't be read", "write where(condition, 1, 0)"
        raise scope.error(what, node, fix)
    if scope.switches != switches:
        raise scope.error("a switch assigned in a branch can't be read", node, "assign it before the 'if'")
    scope.known &= after_then
    return then, node.lineno, otherwise


def _first_step_choice(target: ast.expr, value: ast.expr, scope: Scope) -> str | None:
    """The guard of `m = start if m is None else m`."""
    guard = first_step_guard(value.test, scope) if isinstance(value, ast.IfExp) else None
    if guard is not None and isinstance(value, ast.IfExp) and place(value.orelse, scope) != place(target, scope):
        raise scope.error("this first-step choice can't be read", value, "write 'm = start if m is None else m'")
    return guard


def _started(guard: str, store: Store, node: ast.stmt, scope: Scope) -> Initialise:
    if store.target in scope.truths:
        raise scope.error("a state that starts at a truth value can't be read", node, "write where(condition, 1, 0)")
    return Initialise(guard, (store,), node.lineno)
