"""Loops: a function that runs all steps. What stands before the loop starts the state; its body is the step.

for t in range(1, n + 1):                 t counts from 1 (from 0, and t + 1 is meant: `range(n)`)
    g = grad(theta)                       or g = gradients[t - 1]
for t, g in enumerate(gradients, 1):      the gradients given as a sequence
for g in gradients:
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from derive.errors import UserError
from derive.expr import Apply, Expr, Number, Symbol, substitute, symbols
from derive.reading.python.blocks import read_block
from derive.reading.python.calls import refuse_effects
from derive.reading.python.expressions import constant_value
from derive.reading.python.functions import function_scope, read_decorators, read_parameters, read_step
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path, whole
from derive.reading.source import Definition
from derive.reading.step.aliases import sharing_after
from derive.reading.step.statements import (
    Parameter,
    Procedure,
    Returned,
    Statement,
    Store,
    fresh,
    mentioned,
    stored,
    substituted,
)

ANOTHER = "pass it as another argument"
RANGE = "for t in range(1, n + 1)"
WALKS = ("builtins.range", "builtins.enumerate")


@dataclass(frozen=True)
class Head:
    """What a loop counts and takes: the counter and its first value, and the sequence and item it walks."""

    counter: str | None = None
    first: int = 0
    sequence: str | None = None
    item: str | None = None


@dataclass(frozen=True)
class Before:
    """What each name holds before the loop, which share an array then, and another name of the parameter's start."""

    held: dict[str, Expr]
    shared: list[Store]
    start: str


def step_loop(node: ast.FunctionDef) -> ast.For | None:
    """The one loop at the top of a function, if it has one."""
    loops = [n for n in node.body if isinstance(n, ast.For)]
    return loops[0] if len(loops) == 1 else None


def read_loop(definition: Definition) -> Procedure:
    """One step of a function that loops over its steps."""
    node = definition.node
    assert isinstance(node, ast.FunctionDef)
    loop = step_loop(node)
    assert loop is not None
    if read_decorators(definition)[0]:
        raise definition.error("a rule is one step, not a loop", loop, "leave out the loop")
    arguments = {p.name: p for p in read_parameters(definition, node)}
    scope = function_scope(definition, node, set(arguments), frozenset())
    at = node.body.index(loop)
    before = _preamble(definition, node.body[:at], scope, set(arguments))
    body, items = _body(definition, loop, scope, set(arguments))
    changed = stored(body)
    statements = [*(s for s in before.shared if s.target in changed), *body]
    if before.start != "theta" and before.start in mentioned(statements):
        what = f"{before.start!r}, where theta starts, can't be read in the loop"
        raise definition.error(what, loop, ANOTHER)
    returned = _returned(definition, node.body[at + 1 :], scope)
    return _procedure(definition, arguments, before.held, statements, returned, items)


def _preamble(definition: Definition, body: Sequence[ast.stmt], scope: Scope, arguments: set[str]) -> Before:
    """What stands before the loop. The parameter's own start is not looked into."""
    statements = read_block(body, scope)
    stores = [s for s in statements if isinstance(s, Store)]
    if len(stores) < len(statements):
        raise definition.error("only assignments can stand before the loop", body[0], "move the rest into the loop")
    held: dict[str, Expr] = {}
    start: Expr = Symbol("theta")
    for store in stores:
        [value] = substitute([store.value], held)
        if store.target == "theta":
            start, value = value, Symbol("theta")
        held[store.target] = value
    if "theta" in arguments and start is not Symbol("theta"):
        raise definition.error("the argument 'theta' is replaced before the loop", body[0], "start at theta")
    theta = {start.name: Symbol("theta")} if isinstance(start, Symbol) else {}
    held = {name: substitute([value], theta)[0] for name, value in held.items() if name != "theta"}
    shared = [s for s in sharing_after(definition, stores) if s.target in {"theta", *held}]
    return Before(held, shared, start.name if isinstance(start, Symbol) else "theta")


# The loop


def _body(definition: Definition, loop: ast.For, scope: Scope, arguments: set[str]) -> tuple[list[Statement], set[str]]:
    """The statements of the loop, in the rule language's t and, for the items of a sequence, g or x; which of these."""
    head = _head(definition, loop, scope)
    if loop.orelse:
        raise definition.error("'else' of a loop can't be read", loop, "leave it out")
    if "t" in arguments and head.counter != "t":
        raise definition.error("'t' is an argument and not the loop's counter", loop, "give the argument another name")
    called = {n.func.id for n in ast.walk(loop) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    indexed = {n.value.id for n in ast.walk(loop)
               if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and not whole(n.slice)}  # fmt: skip
    scope.oracles = frozenset(called & arguments)
    index = f"{head.counter} - {head.first}" if head.first else f"{head.counter}"
    scope.items = dict.fromkeys(indexed & arguments, index)
    given = {f"{sequence}[]" for sequence in scope.items} | ({head.item} if head.item else set())
    if len(given) > 1:
        raise definition.error("a loop over more than one sequence can't be read", loop, "give the gradients only")
    for name in sorted(scope.later & {*scope.oracles, *scope.items, head.sequence}):
        raise definition.error(f"{name!r} is assigned to", loop, "give it another name")
    scope.known |= given | ({head.counter} if head.counter else set())
    scope.known -= {*scope.oracles, *scope.items, head.sequence}
    statements = list(read_block(loop.body, scope))
    item = "g" if "theta" in scope.known else "x"
    if item in arguments - {*given, *stored(statements)}:
        what = f"{item!r} is the same at every step of the loop"
        raise definition.error(what, loop, f"write {item} = {item}s[t - 1]")
    for place in given - {item}:
        statements = _with_item(statements, place, item)
    return _counted(definition, loop, statements, head), {item} if given else set()


def _with_item(statements: list[Statement], place: str, item: str) -> list[Statement]:
    """The statements with the item of a sequence called `item`, and nothing else called so.

    `g = gradients[t - 1]` is left out where g is that and nothing else.
    """
    copies = [s for s in statements if isinstance(s, Store) and s.target == item and s.value is Symbol(place)]
    names: dict[str, Expr] = {place: Symbol(item)}
    if len(copies) == 1 and _stores_to(item, statements) == 1:
        return [substituted(s, names) for s in statements if s is not copies[0]]
    if item in stored(statements):
        names[item] = Symbol(fresh(f"{item}_new", stored(statements)))
    return [substituted(s, names) for s in statements]


def _head(definition: Definition, loop: ast.For, scope: Scope) -> Head:
    if isinstance(loop.iter, ast.Call) and function_path(loop.iter.func, scope) not in WALKS:
        raise _unreadable(definition, loop)
    refuse_effects(loop.iter, scope)
    match loop.target, loop.iter:
        case ast.Name(id=counter), ast.Call(func=ast.Name(id="range"), args=[_], keywords=[]):
            return Head(counter, 0)
        case ast.Name(id=counter), ast.Call(func=ast.Name(id="range"), args=[start, _], keywords=[]):
            return Head(counter, _whole(definition, start))
        case (
            ast.Tuple(elts=[ast.Name(id=counter), ast.Name(id=item)]),
            ast.Call(func=ast.Name(id="enumerate"), args=[ast.Name(id=sequence), *start], keywords=keywords),
        ) if len(start) + len(keywords) <= 1 and all(k.arg == "start" for k in keywords):
            first = [*start, *(k.value for k in keywords)]
            return Head(counter, _whole(definition, first[0]) if first else 0, sequence, item)
        case ast.Name(id=item), ast.Name(id=sequence):
            return Head(sequence=sequence, item=item)
    raise _unreadable(definition, loop)


def _unreadable(definition: Definition, loop: ast.For) -> UserError:
    return definition.error(f"the loop over '{text_of(loop.iter)}' can't be read", loop, f"write {RANGE}")


def _whole(definition: Definition, node: ast.expr) -> int:
    value = constant_value(node, Scope(definition.file, outer=definition.outer))
    if value is None or value.denominator != 1:
        raise definition.error(f"a loop that starts at '{text_of(node)}' can't be read", node, f"write {RANGE}")
    return int(value)


def _counted(definition: Definition, loop: ast.For, statements: list[Statement], head: Head) -> list[Statement]:
    """The statements with the loop's counter, and a name for it shifted by a number, written in t."""
    if head.counter is None:
        return statements
    behind = 1 - head.first
    values, rest = {head.counter: _t_minus(behind)}, list[Statement]()
    for statement in statements:
        match statement:
            case Store(target=name, value=value) if _stores_to(name, statements) == 1:
                shift = _shift(value, head.counter)
            case _:
                shift = None
        if shift is None:
            rest.append(statement)
        else:
            values[name] = _t_minus(behind - shift)
    if {*stored(rest)} & {"t", *values}:
        raise definition.error("the loop's counter is assigned to", loop, f"write {RANGE}")
    return [substituted(s, values) for s in rest]


def _t_minus(by: int) -> Expr:
    return Symbol("t") if by == 0 else Symbol("t") - by if by > 0 else Symbol("t") + (-by)


def _stores_to(name: str, statements: Iterable[Statement]) -> int:
    return sum(name in stored([s]) for s in statements)


def _shift(expression: Expr, counter: str) -> int | None:
    """What an expression adds to the counter, if that is all it does."""
    if not isinstance(expression, Apply):
        return None
    match expression.op, expression.args:
        case "add", (Symbol(name=name), Number(value=value)) | (Number(value=value), Symbol(name=name)):
            pass
        case "sub", (Symbol(name=name), Number(value=positive)):
            value = -positive
        case _:
            return None
    return int(value) if name == counter and value.denominator == 1 else None


# After the loop


def _returned(definition: Definition, body: Sequence[ast.stmt], scope: Scope) -> tuple[Returned, ...]:
    if not body:
        return ()
    procedure = read_step(definition, body, scope)
    if procedure.statements:
        raise definition.error("only a 'return' can stand after the loop", body[0], "move the rest into the loop")
    return procedure.returned


def _procedure(
    definition: Definition,
    arguments: dict[str, Parameter],
    before: dict[str, Expr],
    statements: list[Statement],
    returned: tuple[Returned, ...],
    items: set[str],
) -> Procedure:
    """The step, once what holds its start is told from what stays fixed."""
    changed = set(stored(statements))
    fixed = {name: value for name, value in before.items() if name not in changed}
    for name in sorted(mentioned(statements) & fixed.keys()):
        for other in sorted(symbols(fixed[name]) & changed):
            raise definition.error(f"{name!r}, where {other} starts, can't be read in the loop", fix=ANOTHER)
    starts: dict[str, Expr | None] = {name: value for name, value in before.items() if name in changed}
    for name in arguments.keys() & (changed - {"theta", *before}):
        default = arguments[name].default
        starts[name] = None if default is None else Number(default)
    statements = [substituted(s, fixed) for s in statements]
    answers = [Returned(substitute([r.value], fixed)[0]) for r in returned]
    if "theta" in changed:
        if returned and "theta" not in {r.name for r in returned}:
            raise definition.error("the loop's result is not 'theta'", fix="end with 'return theta'")
        answers = [Returned(Symbol("theta"))]
    used = mentioned(statements) | {n for v in starts.values() if v for n in symbols(v)}
    used |= {n for r in answers for n in symbols(r.value)}
    parameters = [replace(p, keyword_only=True) for n, p in arguments.items() if n in used - changed - {"theta"}]
    free = {"theta"} | ({"t"} - changed) | items
    given = [Parameter(n, definition.node.lineno) for n in ("theta", "g", "x", "t") if n in used & free]
    others = (p for p in parameters if p.name not in free)
    return Procedure(definition, (*given, *others), starts, tuple(statements), tuple(answers), definition.node.lineno)
