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
from derive.reading.pasted.code.replaced import refuse_decorators, refuse_replaced
from derive.reading.pasted.code.steps import Step, bare_definition, read_body
from derive.reading.pasted.code.truths import Compared
from derive.reading.pasted.code.unpacking import written_out
from derive.reading.pasted.flow import carried, without_conversions
from derive.reading.pasted.hidden import hidden_starts, is_odd
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
        return _only(tree, text, file, settings, can_be_read)
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


def _only(
    tree: ast.Module, text: str, file: str, settings: Mapping[str, bool], can_be_read: Callable[[Step], bool]
) -> Step:
    """The step of the one definition of a text that can be read as one."""
    inside = _parts_of_others(tree)
    found = [d for d in definitions(text, file) if not (d.is_method or d.node.lineno in inside)]
    based = {n.id for d in found if isinstance(d.node, ast.ClassDef) for n in d.node.bases if isinstance(n, ast.Name)}
    steps, errors = list[tuple[str, Step]](), list[UserError]()
    for definition in [d for d in found if not _holds_functions(d.node)] or found[:1]:
        try:
            step = _first(_defined(with_settings(definition, settings), file), can_be_read)
            if can_be_read(step):
                steps.append((definition.node.name, step))
        except UserError as error:
            errors.append(error)
    if len(steps) == 1 and steps[0][0] not in based:
        [(name, step)] = steps
        callers = [d for d in found if d.node.name != name and _calls(d.node, name)]
        parts = [d for d in callers if not any(isinstance(n, ast.For | ast.While) for n in ast.walk(d.node))]
        if not parts:
            said = (f"the step is {name}; what {d.node.name} does around it is not looked into" for d in callers)
            return replace(step, assumed=(*step.assumed, *said))
    if not steps and len(errors) == 1:
        raise errors[0]
    names = [n for n, _ in steps] or [d.node.name for d in found]
    what = "more than one definition could be meant" if steps else "no definition can be read as one step"
    raise UserError(what, where=file, fix=f"name one: {file}::{names[0]}" if names else "give the update")


def _holds_functions(node: ast.AST) -> bool:
    """Whether a function is one around others, as `def adam(lr): def init(x): ...`: its own statements are no step."""
    return isinstance(node, ast.FunctionDef) and any(isinstance(n, ast.FunctionDef) for n in node.body)


def _calls(node: ast.AST, name: str) -> bool:
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(isinstance(f, ast.Name) and f.id == name for f in calls)


def _parts_of_others(tree: ast.Module) -> set[int]:
    """The lines of functions that stand in another that calls them: parts of that one's step, and no steps."""
    found = set[int]()
    for around in (n for n in ast.walk(tree) if isinstance(n, Function)):
        for inner in (n for n in around.body if isinstance(n, Function)):
            if any(_calls(s, inner.name) for s in around.body if s is not inner):
                found.add(inner.lineno)
    return found


def _first(steps: Iterator[Step], can_be_read: Callable[[Step], bool]) -> Step:
    """The first step that can be read; the first of all where none can."""
    read = list(steps)
    return next((s for s in read if can_be_read(s)), read[0])


def _defined(definition: Definition, file: str) -> Iterator[Step]:
    """The steps that a definition may be: one, or one for each method of a class that may be its step."""
    node = definition.node
    refuse_decorators(definition)
    refuse_replaced(definition)
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
    step = replace(step, hidden={**_started_beside(definition, step), **step.hidden})
    return replace(step, kept=step.kept | plain.kept, spelled=plain.spelled)


def _started_beside(definition: Definition, step: Step) -> dict[str, str]:
    """What a function `init` beside this one returns for the step's keys: `return {"v": jnp.ones_like(params)}`."""
    if "def init" not in definition.text:
        return {}
    tree = ast.parse(definition.text)
    bodies = [n.body for n in ast.walk(tree) if isinstance(n, Function | ast.Module)]
    beside = next((b for b in bodies if any(s.lineno == definition.node.lineno for s in b)), [])
    inits = [n for n in beside if isinstance(n, ast.FunctionDef) and n.name.startswith("init")]
    returned = [ast.Assign([ast.Name("", ast.Store())], n.value) for f in inits for n in ast.walk(f)
                if isinstance(n, ast.Return) and n.value is not None]  # fmt: skip
    found = hidden_starts([*returned, *(s for f in inits for s in f.body)])
    said = {n.rpartition(".")[2]: text for n, text in found.items() if is_odd(text)}
    return {s: said[s.rpartition(".")[2]] for s in carried(step.statements) if s.rpartition(".")[2] in said}


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
                hidden={
                    n: said
                    for n, said in _starts_of(inner, made.node).items()
                    if {n, n.rpartition(".")[0]} & made.opened or n.rpartition(".")[0] != "self"
                },
            )
        except UserError as error:
            errors.append(error)
            continue
        found = True
        yield step
    if not found:
        raise errors[0]


def _starts_of(node: ast.ClassDef, made: ast.ClassDef) -> dict[str, str]:
    """What the text says of attributes at first: in `__init__`, in methods that are no step, and in fields."""
    steps = {n.lineno for n in made.body if isinstance(n, ast.FunctionDef) and n.name == "step"}
    return hidden_starts([n for n in node.body if n.lineno not in steps], node.body)


def _of_procedure(procedure: Procedure, opened: frozenset[str], spelled: Mapping[str, str]) -> Step:
    """A class's step; what `self` keeps is carried by itself, and `opened` starts at what nobody says."""
    starts: dict[str, Expr | None] = dict(procedure.kept)
    given = {Symbol(f"__init__.{n.removeprefix('self.')}{end}") for n in opened for end in ("", "_given")}
    starts = {n: None if start in given else start for n, start in starts.items()}
    procedure = followed(procedure)
    made = frozenset(
        p.name for p in procedure.parameters if p.name.startswith("__init__.") and Symbol(p.name) not in given
    )
    return Step(procedure.definition, without_conversions(procedure.statements), procedure.parameters, starts,
                returned=procedure.returned or None, return_line=procedure.return_line,
                kept=frozenset(procedure.kept), spelled=spelled, numbers=made)  # fmt: skip
