"""Compositions in a file: `my = compose(clip_by_norm(1.0), adamw, ema_of_weights(0.999))`, read and never called.

What may stand in such a call is closed: `compose` and `scheduled`, the pieces, schedules and rules of this package,
what the same file defines or composes, names of the library's rules as text, and literal numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from derive.composing.compose import composed, scheduling
from derive.composing.piece import Piece, Schedule
from derive.composing.reading import read_piece, read_schedule
from derive.errors import UserError
from derive.reading.limits import parse
from derive.reading.python.bindings import DEFINED, Binding, Constant, Opaque, bindings
from derive.reading.python.expressions import constant_value
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path
from derive.reading.read import read_definition
from derive.reading.source import Definition, definitions, find_named
from derive.reading.step.roles import to_rule
from derive.rule import Rule

Thing = Rule | Piece | Schedule
DEEPEST = 50  # compositions of compositions
FIX = "write my = compose(clip_by_norm(1.0), adamw, ema_of_weights(0.999))"


@dataclass(frozen=True)
class Calls:
    """A file whose compositions are read; `rule_named` finds a rule of the library, `known` are its pieces and
    schedules by name."""

    text: str
    file: str
    rule_named: Callable[[str], Rule]
    known: Mapping[str, Piece | Schedule]
    outer: Mapping[str, Binding]
    open: frozenset[str] = field(default=frozenset())

    def error(self, what: str, at: ast.AST, fix: str = FIX) -> UserError:
        return UserError(what, where=f"{self.file}:{getattr(at, 'lineno', 1)}", fix=fix)


def read_composed(
    text: str, name: str, path: str, rule_named: Callable[[str], Rule], known: Mapping[str, Piece | Schedule]
) -> Rule | None:
    """The rule that the module-level `name` is composed as; None where `name` is no such assignment.

    Raises UserError, with the line, for what can't be read in a composition, and where `name` is a piece or schedule.
    """
    tree = parse(text, path)
    file = Path(path).name
    calls = Calls(text, file, rule_named, known, bindings(tree.body))
    bound = calls.outer.get(name)
    if isinstance(bound, Opaque) and bound.what == DEFINED:
        found = [d for d in definitions(text, file) if d.node.name == name and not d.is_method]
        if found and (kind := _kind(found[0])):
            fix = f"compose it with one: my = compose({name}, adam)"
            raise found[0].error(f"{name!r} is a {kind} and no rule", fix=fix)
    if not isinstance(bound, Constant) or not isinstance(bound.value, ast.Call):
        return None
    thing = _thing(bound.value, replace(calls, open=frozenset({name})))
    if not isinstance(thing, Rule):
        raise calls.error(f"{name!r} is no rule", bound.value)
    source = ast.get_source_segment(text, bound.value) or ""
    where = f"{file}:{bound.value.lineno}"
    return replace(thing, name=name, source=f"{name} = {source}", where=where)


def _thing(node: ast.expr, calls: Calls) -> Thing:
    """What an expression of a composition stands for."""
    match node:
        case ast.Constant(value=str(name)):
            return calls.rule_named(name)
        case ast.Name(id=name) if isinstance(calls.outer.get(name), Constant | Opaque):
            return _of_the_file(node, name, calls)
        case ast.Name() | ast.Attribute():
            return _imported(node, calls)
        case ast.Call():
            return _called(node, calls)
    raise calls.error(f"'{text_of(node)}' can't be read in a composition", node)


def _of_the_file(node: ast.expr, name: str, calls: Calls) -> Thing:
    bound = calls.outer[name]
    if name in calls.open or len(calls.open) > DEEPEST:
        raise calls.error(f"{name!r} is composed of itself", node, "give each composition a name of its own")
    if isinstance(bound, Constant):
        return _thing(bound.value, replace(calls, open=calls.open | {name}))
    if isinstance(bound, Opaque) and bound.what != DEFINED:
        raise calls.error(f"{name!r} is {bound.what}", node, "bind it once")
    definition = find_named(calls.text, calls.file, name)
    match _kind(definition):
        case "piece":
            return read_piece(definition)
        case "schedule":
            return read_schedule(definition)
    return to_rule(read_definition(definition))


def _kind(definition: Definition) -> str:
    """Whether a definition is declared a piece or a schedule; empty where it is neither."""
    scope = Scope(definition.file, outer=definition.outer)
    for node in definition.node.decorator_list:
        path = function_path(node.func if isinstance(node, ast.Call) else node, scope) or ""
        if path in ("derive.language.piece", "derive.language.schedule"):
            return path.rpartition(".")[2]
    return ""


def _imported(node: ast.expr, calls: Calls) -> Thing:
    """A name that the package brings, imported from it or, in a text without imports, bound by nobody."""
    package, _, name = (function_path(node, Scope(calls.file, outer=calls.outer)) or "").rpartition(".")
    if name in calls.known and f"{package}.".startswith(("derive.composing.", "derive.language.")):
        return calls.known[name]
    if f"{package}.".startswith(("derive.library.", "derive.language.")):
        return calls.rule_named(name)
    what = f"'{text_of(node)}' is none of the rules, pieces and schedules that are known"
    raise calls.error(what, node, "import it from derive.composing or derive.library, or define it in the file")


def _called(node: ast.Call, calls: Calls) -> Thing:
    path = function_path(node.func, Scope(calls.file, outer=calls.outer))
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        raise calls.error(f"'{text_of(node)}' hides what it is given", node, "write every argument")
    named = {k.arg: k.value for k in node.keywords if k.arg is not None}
    if path == "derive.language.compose":
        return _composition(node, named, calls)
    if path == "derive.language.scheduled":
        schedules = {name: _thing(value, calls) for name, value in named.items()}
        right = {n: s for n, s in schedules.items() if isinstance(s, Schedule)}
        if right.keys() != schedules.keys() or len(node.args) > 1:
            raise calls.error("what is scheduled is one rule, by schedules", node, "write scheduled(adam, lr=cosine)")
        made = scheduling(right)
        return composed((made, *(_part(a, calls) for a in node.args))) if node.args else made
    thing = _thing(node.func, calls)
    if isinstance(thing, Rule):
        raise calls.error(f"the rule '{text_of(node.func)}' is called", node, "name it without brackets")
    return thing(*(_literal(a, calls) for a in node.args), **{n: _literal(v, calls) for n, v in named.items()})


def _composition(node: ast.Call, named: Mapping[str, ast.expr], calls: Calls) -> Rule:
    match {**named}:
        case {"name": ast.Constant(value=str(name)), **rest} if not rest:
            return composed(tuple(_part(a, calls) for a in node.args), name)
        case empty if not empty:
            return composed(tuple(_part(a, calls) for a in node.args))
    raise calls.error("a composition has parts, and name= at most", node)


def _part(node: ast.expr, calls: Calls) -> Rule | Piece:
    part = _thing(node, calls)
    if isinstance(part, Schedule):
        fix = f"say of which hyperparameter: scheduled(lr={text_of(node)})"
        raise calls.error(f"the schedule '{text_of(node)}' stands for no hyperparameter", node, fix)
    return part


def _literal(node: ast.expr, calls: Calls) -> Fraction:
    bound = calls.outer.get(node.id) if isinstance(node, ast.Name) else None
    scope = Scope(calls.file, outer=calls.outer)
    value = constant_value(bound.value if isinstance(bound, Constant) else node, scope)
    if value is None:
        raise calls.error(f"'{text_of(node)}' is no literal number", node, "write a number, as in clip_by_norm(0.5)")
    return value
