"""Which part of a text is the step: the statements themselves, its one function, or a method of its one class."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

from derive.errors import UserError
from derive.expr import Expr, Symbol
from derive.reading.limits import parse
from derive.reading.pasted.code.coordinates import without_coordinates
from derive.reading.pasted.code.frameworks import without_frameworks
from derive.reading.pasted.code.methods import likely_steps, with_step
from derive.reading.pasted.code.objects import with_records
from derive.reading.pasted.code.steps import Step, bare_definition, read_body
from derive.reading.pasted.code.truths import Compared
from derive.reading.pasted.code.unpacking import written_out
from derive.reading.pasted.flow import without_conversions
from derive.reading.pasted.hidden import hidden_starts
from derive.reading.python.bindings import Function, Opaque, bindings
from derive.reading.python.optimizers import is_optimizer
from derive.reading.python.tuples import with_items
from derive.reading.read import read_definition, with_settings
from derive.reading.source import Definition, definitions, find_named
from derive.reading.step.handles import followed
from derive.reading.step.statements import Procedure


@dataclass(frozen=True)
class Plain:
    """A tree without frameworks, objects and loops over arrays; `kept` are the containers, which keep their arrays."""

    tree: ast.Module
    kept: frozenset[str]
    spelled: Mapping[str, str]


def step_of(
    text: str, file: str, name: str | None, settings: Mapping[str, bool], can_be_read: Callable[[Step], bool]
) -> Step:
    """The step of a Python text. `name` picks a definition; of several, the one that `can_be_read` is meant."""
    if name is not None:
        return _first(_defined(with_settings(find_named(text, file, name), settings), file), can_be_read)
    tree = parse(text, file)
    defined = [n for n in tree.body if isinstance(n, Function | ast.ClassDef)]
    bare = [n for n in tree.body if isinstance(n, ast.For | ast.While | ast.AugAssign)]
    if defined and not bare:
        return _only(text, file, settings, can_be_read)
    body = [n for n in tree.body if not isinstance(n, Function | ast.ClassDef)]
    plain = _plain(ast.Module(deepcopy(body), []), file)
    with _as_spelled(plain.spelled):
        step = read_body(bare_definition(plain.tree, text, file, bindings(tree.body)), free=True)
    return replace(step, spelled=plain.spelled)


@contextmanager
def _as_spelled(spelled: Mapping[str, str]) -> Iterator[None]:
    """Refusals in the words of the text: `layer.W` and not `layer['W']`."""
    try:
        yield
    except UserError as error:
        what = error.what
        for name, text in spelled.items():
            record, _, key = name.partition(".")
            what = what.replace(f"{record}['{key}']", text) if key else what
        raise UserError(what, where=error.where, fix=error.fix) from None


def _plain(tree: ast.Module, file: str) -> Plain:
    tree, containers, sizes = written_out(Compared().visit(tree))
    tree, made = without_frameworks(tree, file)
    tree, spelled = with_records(tree)
    tree, kept = without_coordinates(tree, file, made)
    return Plain(ast.fix_missing_locations(tree), kept | made | containers, {**sizes, **spelled})


def _only(text: str, file: str, settings: Mapping[str, bool], can_be_read: Callable[[Step], bool]) -> Step:
    """The step of the one definition of a text that can be read as one."""
    found = [d for d in definitions(text, file) if not d.is_method]
    steps, errors = list[tuple[str, Step]](), list[UserError]()
    for definition in [d for d in found if not _holds_functions(d.node)] or found[:1]:
        try:
            step = _first(_defined(with_settings(definition, settings), file), can_be_read)
            if can_be_read(step):
                steps.append((definition.node.name, step))
        except UserError as error:
            errors.append(error)
    if len(steps) == 1:
        return steps[0][1]
    if not steps and len(errors) == 1:
        raise errors[0]
    names = [n for n, _ in steps] or [d.node.name for d in found]
    what = "more than one definition could be meant" if steps else "no definition can be read as one step"
    raise UserError(what, where=file, fix=f"name one: {file}::{names[0]}" if names else "give the update")


def _holds_functions(node: ast.AST) -> bool:
    """Whether a function is one around others, as `def adam(lr): def init(x): ...`: its own statements are no step."""
    return isinstance(node, ast.FunctionDef) and any(isinstance(n, ast.FunctionDef) for n in node.body)


def _first(steps: Iterator[Step], can_be_read: Callable[[Step], bool]) -> Step:
    """The first step that can be read; the first of all where none can."""
    read = list(steps)
    return next((s for s in read if can_be_read(s)), read[0])


def _defined(definition: Definition, file: str) -> Iterator[Step]:
    """The steps that a definition may be: one, or one for each method of a class that may be its step."""
    node = definition.node
    if isinstance(node, ast.FunctionDef):
        yield _function(definition, file)
    elif is_optimizer(definition) and _has_groups(node):
        compared = replace(definition, node=Compared().visit(deepcopy(node)))
        yield _of_procedure(read_definition(with_items(compared)), frozenset(), {})
    else:
        yield from _methods(definition, file)


def _has_groups(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "param_groups" for n in ast.walk(node))


def _function(definition: Definition, file: str) -> Step:
    plain = _plain(ast.Module([deepcopy(definition.node)], []), file)
    outer = {n: b for n, b in definition.outer.items()
             if not (isinstance(b, Opaque) and b.what == "an argument of the enclosing function")}  # fmt: skip
    definition = with_items(replace(definition, node=plain.tree.body[0], outer=outer))  # type: ignore[arg-type]
    with _as_spelled(plain.spelled):
        step = read_body(definition, free=False)
    return replace(step, kept=step.kept | plain.kept, spelled=plain.spelled)


def _methods(definition: Definition, file: str) -> Iterator[Step]:
    node = definition.node
    assert isinstance(node, ast.ClassDef)
    errors, found = list[UserError](), False
    likely: list[str | None] = [*likely_steps(node)]
    for name in likely or [None]:
        try:
            plain = _plain(ast.Module([deepcopy(node)], []), file)
            inner = plain.tree.body[0]
            assert isinstance(inner, ast.ClassDef)
            made = with_step(inner, file, name)
            own = with_items(replace(definition, node=made.node))
            step = replace(
                _of_procedure(read_definition(own), made.opened, {**plain.spelled, **made.spelled}),
                assumed=made.assumed,
                hidden={n: said for n, said in _starts_of(inner).items() if n in made.opened},
            )
        except UserError as error:
            errors.append(error)
            continue
        found = True
        yield step
    if not found:
        raise errors[0]


def _starts_of(node: ast.ClassDef) -> dict[str, str]:
    inits = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    return hidden_starts(inits)


def _of_procedure(procedure: Procedure, opened: frozenset[str], spelled: Mapping[str, str]) -> Step:
    """A class's step; what `self` keeps is carried by itself, and `opened` starts at what nobody says."""
    starts: dict[str, Expr | None] = dict(procedure.kept)
    given = {Symbol(f"__init__.{n.removeprefix('self.')}{end}") for n in opened for end in ("", "_given")}
    starts = {n: None if start in given else start for n, start in starts.items()}
    procedure = followed(procedure)
    return Step(procedure.definition, without_conversions(procedure.statements), procedure.parameters, starts,
                returned=procedure.returned or None, return_line=procedure.return_line,
                kept=frozenset(procedure.kept), spelled=spelled)  # fmt: skip
