"""Optimizers of PyTorch's kind: a class over `torch.optim.Optimizer`, read as the step of one parameter.

for group in self.param_groups:             group["lr"] is a hyperparameter, named in `defaults`
    for p in group["params"]:               p is the parameter, p.grad its gradient
        state = self.state[p]               state["exp_avg"] is state
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from derive.errors import UserError
from derive.expr import Expr, Symbol, substitute
from derive.reading.python.bindings import all_args, bindings, names_bound
from derive.reading.python.blocks import read_block
from derive.reading.python.checks import is_check
from derive.reading.python.class_body import methods, refuse_hooks
from derive.reading.python.conditions import decided
from derive.reading.python.functions import function_scope, keys, left_out, read_parameters, switch_names
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path, place
from derive.reading.source import Definition
from derive.reading.step.statements import (
    Parameter,
    Procedure,
    Returned,
    fresh,
    mentioned,
    stored,
    substituted,
)

_BASES = ("torch.optim.Optimizer", "torch.optim.optimizer.Optimizer", "derive.language.Optimizer")
_OWN = ("param_groups", "state", "defaults", "add_param_group")
STATE = "state"
_SETTINGS = "write checks, defaults = dict(...) and super().__init__(params, defaults)"


@dataclass(frozen=True)
class Loops:
    """The two loops of a step: the names of the group and the parameter, and what is done for each."""

    group: str
    parameter: str
    for_group: list[ast.stmt]
    for_parameter: list[ast.stmt]
    line: int


def is_optimizer(definition: Definition) -> bool:
    """Whether a class is one of PyTorch's optimizers; without its import, `Optimizer` is that."""
    scope = Scope(definition.file, outer=definition.outer)
    bases = definition.node.bases if isinstance(definition.node, ast.ClassDef) else []
    return len(bases) == 1 and function_path(bases[0], scope) in _BASES


def read_optimizer(definition: Definition) -> Procedure:
    """One step of one parameter. Raises UserError where parameters would share more than their group's settings."""
    node = definition.node
    assert isinstance(node, ast.ClassDef)
    refuse_hooks(definition, node)
    for name in sorted(set(_OWN) & bindings(node.body).keys()):
        raise definition.error(f"the class's own {name!r} can't be read", fix="leave it to torch.optim.Optimizer")
    init, step = methods(definition, node)
    if init is None:
        raise definition.error("there is no '__init__' with the hyperparameters", fix="write it in the class itself")
    settings = _settings(definition, init)
    loops = _loops(definition, step)
    scope = _scope(definition, step, loops, settings)
    kept = [k for k in keys([*loops.for_group, *loops.for_parameter], scope) if k.startswith(f"{STATE}.")]
    before = read_block(loops.for_group, scope)
    scope.known |= {loops.parameter, f"{loops.parameter}.grad", *kept}
    each = read_block(loops.for_parameter, scope)
    _refuse_carried(definition, loops, [*stored(before)], [*stored(each)])
    changed, used = set(stored(before)), mentioned((*before, *each))
    kept = [k for k in kept if k in used or k in stored((*before, *each))]  # what no setting leaves out
    parameters = [replace(p, name=f"{loops.group}.{p.name}", keyword_only=True) for p in settings.values() if p]
    starts: dict[str, Expr | None] = dict.fromkeys(kept)
    for p in [p for p in parameters if p.name in changed]:
        raise definition.error(f"the hyperparameter {p.name!r} is assigned to", loops.line, "use another name")
    starts |= dict.fromkeys(n for n in stored(before) if n.startswith(f"{loops.group}."))
    ends = [Parameter(n, loops.line) for n in (loops.parameter, f"{loops.parameter}.grad") if n in used]
    return _in_the_languages_words(
        Procedure(
            definition=definition,
            parameters=(*ends, *(p for p in parameters if p.name in used)),
            kept=starts,
            statements=(*before, *each),
            returned=(Returned(Symbol(loops.parameter)),),
            return_line=loops.line,
        ),
        loops.parameter,
    )


def _scope(
    definition: Definition, step: ast.FunctionDef, loops: Loops, settings: Mapping[str, Parameter | None]
) -> Scope:
    scope = function_scope(definition, step, set(), frozenset({STATE, loops.group}))
    body = [*loops.for_group, *loops.for_parameter]
    bound, nodes = names_bound(body), [n for s in body for n in ast.walk(s)]
    scope.later = names_bound(step.body) | {a.arg for a in all_args(step)}
    group = [n for s in loops.for_group for n in ast.walk(s) if isinstance(n, ast.Subscript)]
    scope.known = {p for n in group if isinstance(n.ctx, ast.Store) and (p := place(n, scope)) is not None}
    for name, parameter in settings.items():
        key = f"{loops.group}.{name}"
        if parameter is None:
            scope.switches[key] = definition.settings.get(name)
        else:
            scope.known.add(key)
    stores = {
        n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }  # p.data = ... is none
    for name in sorted((bound & {STATE, loops.group}) | (stores & {loops.parameter})):
        raise definition.error(f"{name!r} is assigned to in the step", loops.line, "give it another name")
    return scope


def _refuse_carried(definition: Definition, loops: Loops, before: Sequence[str], each: Sequence[str]) -> None:
    """What is stored for each parameter must not be there for the next one."""
    for name in each:
        if name in before or name.startswith((f"{loops.group}.", "self.")):
            what = f"{name!r} is changed once for each parameter"
            raise definition.error(what, loops.line, "keep it in the parameter's own state")


def _in_the_languages_words(procedure: Procedure, parameter: str) -> Procedure:
    """The procedure with theta and g for the parameter and its gradient, and other names for locals called so."""
    local = set(stored(procedure.statements))
    taken = local | mentioned(procedure.statements)
    names: dict[str, Expr] = {n: Symbol(fresh(f"{n}_new", taken)) for n in sorted({"theta", "g"} & local - {parameter})}
    names |= {parameter: Symbol("theta"), f"{parameter}.grad": Symbol("g")}
    words = {parameter: "theta", f"{parameter}.grad": "g"}
    return replace(
        procedure,
        parameters=tuple(replace(p, name=words.get(p.name, p.name)) for p in procedure.parameters),
        statements=tuple(substituted(s, names) for s in procedure.statements),
        returned=tuple(Returned(substitute([r.value], names)[0]) for r in procedure.returned),
    )


# The settings


def _settings(definition: Definition, init: ast.FunctionDef) -> dict[str, Parameter | None]:
    """The keys of a group, each with the argument it is; None for a switch."""
    switches, absent = switch_names(definition, init), left_out(init)
    arguments = {p.name: p for p in read_parameters(definition, init)}
    scope = function_scope(definition, init, set(arguments), frozenset({"self"}))
    defaults: ast.expr | None = None
    for statement in init.body:
        match statement:
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.Assign(targets=[ast.Name(id="defaults")], value=value) if defaults is None:
                defaults = value
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=parent, attr="__init__"), args=[_, given])):
                _refuse_other_parent(definition, parent, scope)
                rest = init.body[init.body.index(statement) + 1 :]
                for other in (s for s in rest if not is_check(s, scope)):
                    raise definition.error(f"'{text_of(other)}' can't be read in __init__", other, _SETTINGS)
                return _keys(definition, _dictionary(definition, given, defaults), arguments, switches | absent)
            case _ if is_check(statement, scope):
                continue
            case _:
                what = f"'{text_of(statement)}' can't be read in __init__"
                raise definition.error(what, statement, _SETTINGS)
    fix = "write super().__init__(params, defaults)"
    raise definition.error("the settings of a group can't be found", init, fix)


def _refuse_other_parent(definition: Definition, parent: ast.expr, scope: Scope) -> None:
    if not (isinstance(parent, ast.Call) and function_path(parent.func, scope) == "builtins.super"):
        raise definition.error(f"the call of '{text_of(parent)}' can't be read", parent, "write super().__init__")


def _dictionary(definition: Definition, given: ast.expr, defaults: ast.expr | None) -> dict[str, ast.expr]:
    value = defaults if isinstance(given, ast.Name) and given.id == "defaults" else given
    match value:
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords) if all(k.arg for k in keywords):
            return {k.arg or "": k.value for k in keywords}
        case ast.Dict(keys=names, values=values):
            if all(isinstance(k, ast.Constant) and isinstance(k.value, str) for k in names):
                return {k.value: v for k, v in zip(names, values, strict=True) if isinstance(k, ast.Constant)}  # type: ignore[misc]
    raise definition.error("the defaults can't be read", given, "write defaults = dict(lr=lr, ...)")


def _keys(
    definition: Definition, values: Mapping[str, ast.expr], arguments: Mapping[str, Parameter], switches: frozenset[str]
) -> dict[str, Parameter | None]:
    found: dict[str, Parameter | None] = {}
    for key, value in values.items():
        match value:
            case ast.Name(id=name) if name in switches:
                found[key] = None
            case ast.Name(id=name) if name in arguments:
                found[key] = replace(arguments[name], name=key, optional=False)
            case ast.Constant(value=bool() | None):
                found[key] = None
            case _:
                raise definition.error(f"the default of {key!r} can't be read", value, "give an argument of __init__")
    return found


# The loops


def _loops(definition: Definition, step: ast.FunctionDef) -> Loops:
    """The loops over groups and parameters; whatever else the step does only concerns the closure and its loss."""
    scope = function_scope(definition, step, set(), frozenset())
    found: ast.For | None = None
    for statement in step.body:
        if isinstance(statement, ast.For) and found is None and ast.unparse(statement.iter) == "self.param_groups":
            found = statement
        elif not _concerns_the_loss(statement, scope):
            raise definition.error(f"'{text_of(statement)}' can't be read beside the loop", statement, "leave it out")
    match found:
        case ast.For(target=ast.Name(id=group), body=[*first, ast.For() as inner], orelse=[]):
            target, over = inner.target, inner.iter
            if isinstance(target, ast.Name) and _is_params(over, group) and not inner.orelse:
                each = _with_state(definition, inner.body, target.id)
                return Loops(group, target.id, first, each, inner.lineno)
    raise _no_loops(definition, found or step)


def _no_loops(definition: Definition, at: ast.AST) -> UserError:
    fix = "write 'for group in self.param_groups:' and in it, last, 'for p in group[\"params\"]:'"
    return definition.error("the loops over the parameters can't be read", at, fix)


def _is_params(node: ast.expr, group: str) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value="params")):
            return name == group
    return False


def _concerns_the_loss(statement: ast.stmt, scope: Scope) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()) | ast.Assign(targets=[ast.Name()], value=ast.Constant(value=None)):
            return True
        case ast.Return(value=None | ast.Name() | ast.Constant()):
            return True
        case ast.If(test=test, orelse=[]):
            return decided(test, scope) is False
    return False


def _with_state(definition: Definition, body: list[ast.stmt], parameter: str) -> list[ast.stmt]:
    """The statements with the parameter's own dictionary called `state`."""
    text = f"self.state[{parameter}]"
    names = {
        s.targets[0].id
        for part in body
        for s in ast.walk(part)
        if isinstance(s, ast.Assign) and _binds(s, text) and isinstance(s.targets[0], ast.Name)
    }
    state = _StateOf(text, names)
    done = [state.visit(copy.deepcopy(s)) for s in body]
    for name in sorted(names_bound(done) & (names | {STATE})):
        raise definition.error(f"{name!r} is more than the state of {parameter!r}", body[0], "give it one meaning")
    return done


def _binds(node: ast.Assign, text: str) -> bool:
    """Whether a statement gives an expression a name, and does nothing else."""
    return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and ast.unparse(node.value) == text


class _StateOf(ast.NodeTransformer):
    def __init__(self, text: str, names: set[str]) -> None:
        self.text, self.names = text, names

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return ast.copy_location(ast.Pass(), node) if _binds(node, self.text) else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(STATE, node.ctx), node) if node.id in self.names else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node) == self.text:
            return ast.copy_location(ast.Name(STATE, node.ctx), node)
        return self.generic_visit(node)
