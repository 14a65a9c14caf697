"""Values that are not looked into: how a text computes its gradient is its own affair.

`dw = X.T @ (X @ w - y) / n` makes dw the gradient at w, whatever the formula, as long as it is made
from w as it is before the step, or from one point that the step has named. Nothing else that the
reader can't read is passed over, save what only shows or records.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import add

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol
from derive.reading.pasted.flow import carried, reads
from derive.reading.pasted.groups import groups
from derive.reading.python.bindings import names_bound
from derive.reading.python.blocks import read_block
from derive.reading.python.scope import Scope, dotted
from derive.reading.step.sharing import stores_into
from derive.reading.step.statements import Branch, Initialise, Query, Statement, Store, stored

_SHOWS = frozenset(
    {"print", "plt.plot", "plt.show", "plt.title", "plt.xlabel", "plt.ylabel", "plt.figure", "tqdm.write"}
)
_EFFECTS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)


def harmless(node: ast.stmt) -> bool:
    """Whether a statement only shows or records something."""
    match node:
        case ast.Pass() | ast.Break():
            return True
        case ast.Assert():
            return not any(isinstance(n, _EFFECTS) or _may_store(n) for n in ast.walk(node))
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=function, args=arguments)):
            plain = not any(isinstance(n, _EFFECTS) or _may_store(n) for a in arguments for n in ast.walk(a))
            return plain and (
                dotted(function) in _SHOWS or (isinstance(function, ast.Attribute) and function.attr == "append")
            )
        case ast.If(test=test, body=body, orelse=orelse):
            return not any(isinstance(n, _EFFECTS) for n in ast.walk(test)) and all(map(harmless, [*body, *orelse]))
    return False


def _may_store(node: ast.AST) -> bool:
    """Whether a call may be one that stores: `K.update(m, x)`, `m.add_(g)`."""
    name = (dotted(node.func) or "").rsplit(".", 1)[-1] if isinstance(node, ast.Call) else ""
    return name.endswith("_") or name.startswith(("assign", "update"))


def read_with_unknowns(
    body: Sequence[ast.stmt], scope: Scope, given: Collection[str]
) -> tuple[tuple[Statement, ...], dict[str, frozenset[str]]]:
    """The statements of a step, and the names not looked into with the carried names their values are made from.

    A name that is `given` to the step, as the parameter is, stands for what was given.

    Raises UserError for what can't be read and is no value the step could be given.
    """
    told = [n for n in body if not harmless(n)]
    known, errors, bound = set(scope.known), dict[int, UserError](), names_bound(body)
    parts: list[tuple[ast.stmt, tuple[Statement, ...]]] = []
    for node in told:
        asked = len(scope.asked)
        try:
            parts.append((node, read_block([node], scope)))
        except UserError as error:
            del scope.asked[asked:]
            targets = set() if _stores(node, scope) else _targets(node)
            if not targets or targets & {*given} or _made_of_gradient(node, bound):
                raise
            errors[id(node)] = error
            scope.known |= targets
            parts.append((node, ()))
    if not errors:
        return tuple(s for _, part in parts for s in part), {}
    if any(name.endswith(".grad") for name in known):  # then no other value is the gradient
        return _unread(parts, errors), {}
    scope.known = known | scope.known
    return _followed(parts, errors)


_GRADIENT = re.compile(r"g|g_.*|.*_g|.*grad.*|.*nabla.*|d_?[A-Z]\w*|d_?(w|b|x|p|theta|params?|weights?|bias)\w?")


def is_surely_a_gradient(name: str) -> bool:
    """Whether nobody would call anything else so. Names only ever speak against a reading here, never for one."""
    return _GRADIENT.fullmatch(name) is not None


def _made_of_gradient(node: ast.stmt, bound: Collection[str]) -> bool:
    """Whether a value is made from what is called a gradient and only given: then the value is another."""
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in functions}
    return any(is_surely_a_gradient(n) for n in read.difference(bound))


def _unread(
    parts: Sequence[tuple[ast.stmt, tuple[Statement, ...]]], errors: dict[int, UserError]
) -> tuple[Statement, ...]:
    """The statements, where none reads a value that is not looked into: a loss, for instance."""
    statements = tuple(s for _, part in parts for s in part)
    read = frozenset[str]().union(*map(reads, statements))
    for node, _ in parts:
        if id(node) in errors and (_targets(node) & (read | set(stored(statements)))):
            raise errors[id(node)]
    return statements


def _stores(node: ast.stmt, scope: Scope) -> bool:
    """Whether an in-place method or `out=` changes an array on the way to the value."""
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
    named = (n.func.attr for n in calls if isinstance(n.func, ast.Attribute))
    return any(stores_into(n, scope) for n in calls) or any(n.endswith("_") and not n.endswith("__") for n in named)


def _targets(node: ast.stmt) -> set[str]:
    """The plain names an assignment binds; none where it does anything else as well."""
    match node:
        case ast.Assign(targets=[target], value=value) if not any(isinstance(n, _EFFECTS) for n in ast.walk(value)):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            found = {n.id for n in names if isinstance(n, ast.Name)}
            return found if len(found) == len(names) else set()
    return set()


def _followed(
    parts: Iterable[tuple[ast.stmt, tuple[Statement, ...]]], errors: dict[int, UserError]
) -> tuple[tuple[Statement, ...], dict[str, frozenset[str]]]:
    """The statements, with a question where a value not looked into is made from one point of the step."""
    parts = list(parts)
    kept = set(carried([s for node, part in parts for s in (part or _as_stores(node))]))
    parameters = {n for group in groups([s for _, part in parts for s in part]) for n in group.last}
    out: list[Statement] = []
    moved, unknown = set[str](), dict[str, frozenset[str]]()
    points: dict[str, frozenset[str]] = {}  # what each value is made from: carried names, or points named in the step
    for node, part in parts:
        if id(node) not in errors:
            for s in part:
                _note(s, parameters, kept, moved, unknown, points)
                moved |= kept & set(stored([s]))
            out += part
            continue
        read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        made_from = frozenset[str]().union(*(points.get(n, frozenset({n}) & kept) for n in read))
        targets = _targets(node)
        # What is made of the parameters is on the way to the gradient; anything else is a value of its own.
        again = targets & {*stored([s for s in out if not isinstance(s, Query)])} if not made_from else set()
        if again or targets & kept or (made_from & moved) or (len(made_from) > 1 and not made_from <= kept):
            raise errors[id(node)]
        for target in sorted(targets):
            unknown[target] = points[target] = made_from
            out += [Query(target, Symbol(p), node.lineno) for p in made_from if len(made_from) == 1]
    _refuse_carried(parts, errors, out)
    return tuple(out), {n: f for n, f in unknown.items() if len(f) != 1}


def _refuse_carried(
    parts: Iterable[tuple[ast.stmt, tuple[Statement, ...]]], errors: dict[int, UserError], out: Sequence[Statement]
) -> None:
    """What is made anew at each step is no state, even where it is then changed; what is stored into may be one."""
    left = set(carried(out)) | _stored_in_place(out)
    for node, _ in parts:
        if id(node) in errors and _targets(node) & left:
            raise errors[id(node)]


def _stored_in_place(statements: Iterable[Statement]) -> set[str]:
    found = set[str]()
    for s in statements:
        match s:
            case Store(target=target, in_place=True):
                found.add(target)
            case Branch(then=then, otherwise=otherwise) | Initialise(stores=then, otherwise=otherwise):
                found |= _stored_in_place((*then, *otherwise))
    return found


def _as_stores(node: ast.stmt) -> list[Statement]:
    """A value not looked into, as if it were the sum of what it is made from."""
    read = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)})
    value: Expr = reduce(add, map(Symbol, read), Number(0))
    return [Store(target, value, node.lineno) for target in sorted(_targets(node))]


def _note(
    s: Statement,
    parameters: set[str],
    kept: set[str],
    moved: set[str],
    unknown: Mapping[str, frozenset[str]],
    points: dict[str, frozenset[str]],
) -> None:
    """What a name that the step gives a value is made from.

    A prediction (`y = w * x + b`) is made from the parameters as they are; a point of its own is what is made
    from a buffer, from a parameter that has changed, or from a parameter and a gradient.
    """
    read = reads(s)
    aside = read & ((kept - parameters) | moved)
    own = (
        bool(aside)
        or bool(read & kept and read & unknown.keys())
        or isinstance(s, Query)
        or any(points.get(n) == frozenset({n}) for n in read)
    )
    for target in stored([s]):
        made_from = frozenset[str]().union(*(points.get(n, frozenset({n}) & kept) for n in read))
        points[target] = frozenset({target}) if own else made_from
