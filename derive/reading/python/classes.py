"""Classes: `__init__` gives hyperparameters and what the attributes hold at first, a step method the body."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from derive.expr import Expr, Symbol, apply, nodes, substitute, symbols
from derive.reading.python.bindings import all_args
from derive.reading.python.blocks import read_block
from derive.reading.python.checks import is_check
from derive.reading.python.class_body import class_constants, methods, refuse_changed_elsewhere, refuse_unseen
from derive.reading.python.expressions import is_truth
from derive.reading.python.functions import dictionaries, function_scope, gradients, keys, read_parameters, read_step
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path
from derive.reading.python.scope import place as place_of
from derive.reading.source import Definition
from derive.reading.step.aliases import sharing_after
from derive.reading.step.statements import Parameter, Procedure, Returned, Store, fresh, stored, substituted
from derive.rule import Assignment, inline

Attributes = dict[str, Expr | None]


@dataclass(frozen=True)
class Start:
    """What `__init__` says: its arguments, in names of their own, what each attribute holds, which share an array."""

    arguments: list[Parameter]
    held: Attributes
    shared: list[Store]
    records: frozenset[str]
    switches: dict[str, bool | None] = field(default_factory=dict)


def read_class(definition: Definition) -> Procedure:
    """One step of a class that keeps its state in attributes of `self`.

    Attributes the step never stores are constants or hyperparameters; those it stores are state. An
    attribute `theta` is the parameter itself.
    """
    node = definition.node
    assert isinstance(node, ast.ClassDef)
    refuse_unseen(definition, node)
    init, step = methods(definition, node)
    if init is not None:
        refuse_changed_elsewhere(definition, node, (init, step))
    records = frozenset({"self"} | {name for name in dictionaries(step) if name.startswith("self.")})
    start = _initial(definition, init, records)
    constants = class_constants(definition, node, [m for m in (init, step) if m is not None])
    return _assembled(definition, step, replace(start, held={**constants, **start.held}))


def _assembled(definition: Definition, step: ast.FunctionDef, start: Start) -> Procedure:
    arguments, attributes = start.arguments, start.held
    given = frozenset(dictionaries(step) & {a.arg for a in all_args(step)} - {"self"})
    _, *parameters = _method_parameters(definition, step, given)
    parameters += gradients(step, {*attributes, *(p.name for p in parameters)})
    scope = function_scope(definition, step, {p.name for p in parameters}, start.records | given)
    held = [k for k in keys(step.body, scope) if k.rpartition(".")[0] in scope.records - {"self"}]
    scope.known |= {*attributes, *held} - scope.records
    scope.switches |= start.switches
    procedure = read_step(definition, step.body, scope)
    values: dict[str, Expr] = {}
    returned = procedure.returned
    if "self.theta" in attributes and "theta" not in {p.name for p in parameters}:
        values = {"self.theta": Symbol("theta"), "theta": Symbol(fresh("theta_new", scope.later))}
        parameters.append(Parameter("theta", step.lineno))
        attributes = _starting_at_theta(attributes)
        returned = returned or (Returned(Symbol("self.theta")),)
    changed = set(stored(procedure.statements))
    values |= _constants(definition, {p: v for p, v in attributes.items() if p not in changed and p not in values})
    given_anew = {p.name for p in parameters if p.name.endswith(".grad")}
    places = [p for p in stored(procedure.statements) if p.startswith("self.") or p in held]
    kept = {p: attributes.get(p) for p in places if p not in given_anew}
    shared = [s for s in start.shared if s.target in changed]
    used = {name for v in (*values.values(), *kept.values()) if v is not None for name in symbols(v)}
    return replace(
        procedure,
        parameters=(*(a for a in arguments if a.name in used), *parameters),
        kept={place: start for place, start in kept.items() if place not in values},
        statements=tuple(substituted(s, values) for s in (*shared, *procedure.statements)),
        returned=tuple(Returned(substitute([r.value], values)[0], r.shares) for r in returned),
    )


def _starting_at_theta(attributes: Attributes) -> Attributes:
    """The attributes, with the argument that `self.theta` starts at called theta in all of them."""
    start = attributes["self.theta"]
    theta = {start.name: Symbol("theta")} if isinstance(start, Symbol) else {}
    return {place: v and substitute([v], theta)[0] for place, v in attributes.items()}


def _constants(definition: Definition, attributes: Attributes) -> dict[str, Expr]:
    for place, value in attributes.items():
        if value is None:
            what = f"{place!r} is None and the step never assigns it"
            raise definition.error(what, fix="give it a value in __init__")
        if Symbol("theta") in nodes([value]):
            raise definition.error(f"{place!r}, where theta starts, can't be read", fix="pass it as another argument")
    return {place: value for place, value in attributes.items() if value is not None}


def _method_parameters(
    definition: Definition, node: ast.FunctionDef, records: frozenset[str] = frozenset()
) -> list[Parameter]:
    parameters = read_parameters(definition, node, records)
    if not parameters or parameters[0].name != "self":
        raise definition.error(f"the first argument of {node.name!r} is not 'self'", node, "write it as a method")
    return parameters


# What the attributes hold at first


def _initial(definition: Definition, node: ast.FunctionDef | None, records: frozenset[str]) -> Start:
    if node is None:
        return Start([], {}, [], records)
    _, *arguments = _method_parameters(definition, node)
    scope = function_scope(definition, node, {a.name for a in arguments}, records)
    empty = {place: s for s in node.body if (place := _left_empty(s))}
    told = [s for s in node.body if not (_left_empty(s) or _is_super_call(s, scope) or is_check(s, scope))]
    told = [s for s in told if not _is_switch(s, scope)]
    stores = [store for s in told for store in _plain(definition, s, scope)]
    values = inline(Assignment(s.target, s.value) for s in stores)
    for place in empty.keys() & values.keys():
        raise definition.error(f"{place!r} is None and a number", empty[place], "give it one value")
    # A truth value kept as an attribute counts as 1 or 0 in the step.
    values |= {p: apply("where", v, 1, 0) for p, v in values.items() if is_truth(v)}
    # A local of the step may share its name with an argument of __init__.
    own_names: dict[str, Expr] = {a.name: Symbol(f"__init__.{a.name}") for a in arguments}
    held = {p: substitute([v], own_names)[0] for p, v in values.items() if p.startswith("self.")}
    named = [replace(a, name=f"__init__.{a.name}", keyword_only=True) for a in arguments]
    shared = [s for s in sharing_after(definition, stores) if s.target.startswith("self.")]
    switches = {p: value for p, value in scope.switches.items() if p.startswith("self.")}
    return Start(named, {**dict.fromkeys(empty), **held}, shared, records, switches)


def _is_switch(statement: ast.stmt, scope: Scope) -> bool:
    """Whether a statement is `self.nesterov = nesterov`, or True or False; the scope is told."""
    match statement:
        case ast.Assign(targets=[target], value=value) if (name := place_of(target, scope) or "").startswith("self."):
            if isinstance(value, ast.Constant) and isinstance(value.value, bool) and name not in scope.switches:
                scope.switches[name] = value.value
                return True
            if (other := place_of(value, scope)) in scope.switches and name not in scope.switches:
                scope.switches[name] = scope.switches[other or ""]
                return True
    return False


def _plain(definition: Definition, statement: ast.stmt, scope: Scope) -> list[Store]:
    read = read_block([statement], scope)
    stores = [s for s in read if isinstance(s, Store)]
    if len(stores) < len(read):
        raise definition.error(f"'{text_of(statement)}' can't be read in __init__", statement, "assign attributes only")
    return stores


def _left_empty(statement: ast.stmt) -> str | None:
    """The attribute in `self.m = None`."""
    match statement:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=ast.Constant(value=None)):
            return f"self.{name}"
    return None


def _is_super_call(statement: ast.stmt, scope: Scope) -> bool:
    """The call of an empty base class, which does nothing."""
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Call(name, [], []), "__init__"), [], [])):
            return function_path(name, scope) == "builtins.super"
    return False
