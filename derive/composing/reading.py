"""Pieces and schedules from their source, by the reader of rules; nothing is called.

For the reader the parameter after the step is one more hyperparameter, and what the step is given, lines of their own;
afterwards the body is taken apart at that place. A schedule is read as an average whose output is the factor.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from types import FunctionType

from derive.composing.piece import Piece, Schedule
from derive.errors import UserError
from derive.expr import symbols
from derive.reading.python.bindings import all_args, names_bound
from derive.reading.python.scope import Scope, function_path
from derive.reading.read import read_definition
from derive.reading.source import Definition, find_function
from derive.reading.step.roles import to_rule
from derive.reading.step.statements import fresh
from derive.rule import Rule

STEP = "derive.language.step"
WRITE = "write theta = step(theta, g)"


def read_loaded_piece(function: object) -> Piece:
    """The piece that a function is which Python has defined already. Raises UserError for what can't be read."""
    return read_piece(_definition(function, "piece"))


def read_loaded_schedule(function: object) -> Schedule:
    """The schedule that a function is which Python has defined already. Raises UserError for what can't be read."""
    return read_schedule(_definition(function, "schedule"))


def _definition(function: object, kind: str) -> Definition:
    if not isinstance(function, FunctionType):
        raise UserError(f"{type(function).__name__!r} is no {kind}", fix="write it as a function with def")
    return find_function(function)


@dataclass(frozen=True)
class _Opened:
    """A function in which the step is a name; `given` are the names of what the step is given, by what that is."""

    node: ast.FunctionDef
    stepped: str
    given: dict[str, str]
    only_if: str | None


def read_piece(definition: Definition) -> Piece:
    """The piece that a definition is. Raises UserError, with the line, for what can't be read."""
    opened = _opened(definition)
    rule = to_rule(read_definition(replace(definition, node=opened.node)))
    if rule.is_average:
        raise definition.error("a piece is given theta and g", fix="write def name(theta, g, ...)")
    lines = {*opened.given.values(), *([opened.only_if] if opened.only_if else [])}
    places = [k for k, a in enumerate(rule.body) if a.target in lines]
    last = max(places)
    values = {a.target: a.value for a in rule.body if a.target in lines}
    before = tuple(a for a in rule.body[:last] if a.target not in lines)
    if opened.stepped in symbols(*(a.value for a in before), *values.values(), *(p for _, p in rule.questions)):
        raise definition.error("the step is used before it is made", fix=WRITE)
    return Piece(
        name=rule.name,
        hyperparameters=tuple(h for h in rule.hyperparameters if h.name != opened.stepped),
        states=rule.states,
        before=before,
        given=tuple((name, values[line]) for name, line in opened.given.items()),
        after=rule.body[last + 1 :],
        stepped=opened.stepped,
        only_if=None if opened.only_if is None else values[opened.only_if],
        query=rule.query,
        asked=rule.asked,
        reference=rule.reference,
        doc=rule.doc,
        where=rule.where,
    )


def read_schedule(definition: Definition) -> Schedule:
    """The schedule that a definition is: a function of t and hyperparameters. Raises UserError for any other."""
    node = deepcopy(definition.node)
    if not isinstance(node, ast.FunctionDef) or [a.arg for a in (*node.args.posonlyargs, *node.args.args)] != ["t"]:
        raise definition.error("a schedule is a function of t", fix="write def name(t, *, steps=whole(100))")
    node.args.args.insert(0, ast.copy_location(ast.arg("x"), node))
    rule: Rule = to_rule(read_definition(replace(definition, node=node)))
    if rule.states or "x" in symbols(*(a.value for a in rule.body)):
        raise definition.error("a schedule is a formula in t and its hyperparameters alone", fix="leave out the rest")
    return Schedule(rule.name, rule.hyperparameters, rule.body, rule.reference, rule.doc, rule.where)


# The place of the step


def _opened(definition: Definition) -> _Opened:
    node = deepcopy(definition.node)
    if not isinstance(node, ast.FunctionDef):
        raise definition.error("a piece is a function", fix="write def name(theta, g, ...)")
    scope = Scope(definition.file, outer=definition.outer)
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and function_path(n.func, scope) == STEP]
    if len(calls) != 1:
        what = f"a piece has one step, and this one {len(calls) or 'none'}"
        raise definition.error(what, calls[1] if calls[1:] else node, WRITE)
    [call] = calls
    place, test = _place(definition, node, call)
    taken = {*names_bound(node.body), *(a.arg for a in all_args(node))}
    stepped = fresh("stepped", taken)
    lines, given = list[ast.stmt](), dict[str, str]()
    for name, value in _arguments(definition, call):
        given[name] = fresh(f"given_{name}", taken)
        lines.append(_line(given[name], ast.UnaryOp(ast.UAdd(), value), call))  # +x is no name for x: it shares nothing
    only_if = None
    if test is not None:
        only_if = fresh("only_if", taken)
        lines.insert(0, _line(only_if, test, call))
    _With(call, stepped).visit(place)
    node.body[node.body.index(place) : node.body.index(place)] = lines
    node.args.kwonlyargs.append(ast.copy_location(ast.arg(stepped), node))
    node.args.kw_defaults.append(None)
    return _Opened(ast.fix_missing_locations(node), stepped, given, only_if)


def _line(name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], deepcopy(value)), at)


def _place(definition: Definition, node: ast.FunctionDef, call: ast.Call) -> tuple[ast.stmt, ast.expr | None]:
    """The statement of the body with the step in it, and the condition where that is an `if`."""
    for statement in node.body:
        if call not in ast.walk(statement):
            continue
        match statement:
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                return statement, None
            case ast.If(test=test, body=[ast.Assign() as first, *_], orelse=[]) if call in ast.walk(first):
                return statement, test
    fix = f"{WRITE}, by itself or as the first line of an 'if' without an 'else'"
    raise definition.error("the step can't be read in this place", call, fix)


def _arguments(definition: Definition, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """What the step is given, by name."""
    if len(call.args) != 2 or any(isinstance(a, ast.Starred) for a in call.args):
        raise definition.error("a step is given a parameter and a gradient", call, WRITE)
    yield from zip(("theta", "g"), call.args, strict=True)
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in ("theta", "g"):
            raise definition.error("what a step is given besides has names", call, "write step(theta, g, lr=lr / t)")
        yield keyword.arg, keyword.value


class _With(ast.NodeTransformer):
    """The step replaced by its name."""

    def __init__(self, call: ast.Call, name: str) -> None:
        self.call, self.name = call, name

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return (
            ast.copy_location(ast.Name(self.name, ast.Load()), node) if node is self.call else self.generic_visit(node)
        )
