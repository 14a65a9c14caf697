"""Functions: a definition to a `Procedure`. A plain body is one step; a body with a loop is read by `loops`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.reading.python.bindings import Constant, all_args, names_bound, type_parameters
from derive.reading.python.blocks import keep_before_stores, read_block
from derive.reading.python.expressions import constant_value, to_expr
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope, function_path, place
from derive.reading.python.spellings import TRANSPARENT_DECORATORS
from derive.reading.python.tuples import defaults
from derive.reading.source import Definition
from derive.reading.step.sharing import may_share
from derive.reading.step.statements import NO_REFERENCE, Parameter, Procedure, Returned, Statement, mentioned, stored
from derive.rule import DOMAINS, REAL, Domain, Reference

RULE_DECORATORS = ("derive.rule", *(f"derive.language.{word}" for word in ("rule", "piece", "schedule")))


def read_function(definition: Definition) -> Procedure:
    """One step of a function whose body is straight-line assignments and a final `return`."""
    node = definition.node
    assert isinstance(node, ast.FunctionDef)
    records = frozenset(dictionaries(node) & {a.arg for a in all_args(node)})
    parameters = read_parameters(definition, node, records)
    parameters += gradients(node, {p.name for p in parameters})
    scope = function_scope(definition, node, {p.name for p in parameters}, records)
    kept = keys(node.body, scope)
    scope.known |= set(kept)
    declared, reference = read_decorators(definition)
    procedure = read_step(definition, node.body, scope)
    used = mentioned(procedure.statements) | set(stored(procedure.statements)) | {r.name for r in procedure.returned}
    return replace(
        procedure,
        parameters=tuple(parameters),
        kept=dict.fromkeys(k for k in kept if k in used),  # a switch may leave some out
        declared=declared,
        reference=reference,
    )


def read_step(definition: Definition, body: Sequence[ast.stmt], scope: Scope) -> Procedure:
    """Straight-line assignments and a `return`, as a procedure of which nothing else is known yet."""
    *rest, last = body
    if isinstance(last, ast.Return) and last.value is not None:
        statements = read_block([*rest, *_returned_records(last.value, scope)], scope)
        questions, returned = _read_return(last, last.value, scope)
        return Procedure(definition, (), {}, (*statements, *questions), returned, last.lineno)
    return Procedure(definition, (), {}, read_block(body, scope), (), last.lineno)


def function_scope(definition: Definition, node: ast.FunctionDef, known: set[str], records: frozenset[str]) -> Scope:
    """The scope at the start of a function: its arguments are known, names it binds later are not yet."""
    later = names_bound(node.body).union(type_parameters(node))
    switches = {name: definition.settings.get(name) for name in switch_names(definition, node)}
    return Scope(definition.file, known=known - records, later=later, records=records, outer=definition.outer,
                 absent=left_out(node), switches=switches, tensors=_tensors(node))  # fmt: skip


def _tensors(node: ast.FunctionDef) -> frozenset[str]:
    """The names bound once of which the number is taken out by `.item()`."""
    bound = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    augmented = [n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)]
    asked = {n.func.value.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
             and n.func.attr == "item" and isinstance(n.func.value, ast.Name)}  # fmt: skip
    return frozenset(n for n in asked if bound.count(n) - augmented.count(n) <= 1)


def switch_names(definition: Definition, node: ast.FunctionDef) -> frozenset[str]:
    """The arguments that are True or False."""
    given = defaults(node)
    return frozenset(n for n, d in given.items() if n in definition.settings
                     or (isinstance(d, ast.Constant) and isinstance(d.value, bool)))  # fmt: skip


def left_out(node: ast.FunctionDef) -> frozenset[str]:
    """The functions that need not be given, and are not: `closure=None`, where the body may call it."""
    called = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    given = defaults(node)
    return frozenset(n for n in called & given.keys() if isinstance(d := given[n], ast.Constant) and d.value is None)


def gradients(node: ast.AST, parameters: set[str]) -> list[Parameter]:
    """`p.grad`, where an argument or attribute has its gradient with it."""
    found = (n for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr == "grad")
    names = {text: n.lineno for n in found if (text := ast.unparse(n.value).removesuffix(".data")) in parameters}
    return [Parameter(f"{name}.grad", line) for name, line in names.items()]


def read_parameters(
    definition: Definition, node: ast.FunctionDef, records: frozenset[str] = frozenset()
) -> list[Parameter]:
    """The arguments with their literal defaults and declared domains.

    Dictionaries of buffers (`records`), switches and functions that are left out stand aside.
    """
    a = node.args
    if a.vararg or a.kwarg:
        raise definition.error("'*args' and '**kwargs' can't be read", node, "name every argument")
    given = defaults(node)
    aside = records | switch_names(definition, node) | left_out(node)
    arguments = [a for a in all_args(node) if a.arg not in aside]
    return [_parameter(definition, arg, given[arg.arg], arg in a.kwonlyargs) for arg in arguments]


def _parameter(definition: Definition, arg: ast.arg, default: ast.expr | None, keyword_only: bool) -> Parameter:
    if default is None:
        return Parameter(arg.arg, arg.lineno, keyword_only=keyword_only)
    if isinstance(default, ast.Constant) and default.value is None:
        return Parameter(arg.arg, arg.lineno, keyword_only=keyword_only, optional=True)
    value, domain = read_default(definition, arg.arg, default)
    return Parameter(arg.arg, arg.lineno, value, domain, keyword_only)


def read_default(definition: Definition, name: str, node: ast.expr) -> tuple[Fraction | None, Domain]:
    """A default: a bare number is any real; `decay(0.9)` says the domain too."""
    scope = Scope(definition.file, outer=definition.outer)
    if isinstance(node, ast.Call):
        word = (function_path(node.func, scope) or "").removeprefix("derive.language.")
        if word not in DOMAINS:
            words = ", ".join(DOMAINS)
            raise definition.error(f"{ast.unparse(node.func)!r} is not a domain", node, f"the domains are {words}")
        if len(node.args) > 1 or node.keywords:
            raise definition.error(f"'{word}' takes one default", node, f"write {word}(0.5)")
        value = _literal(definition, name, node.args[0]) if node.args else None
        if value is not None and value not in DOMAINS[word]:
            raise definition.error(f"the default {name}={value} is outside {DOMAINS[word]}", node, "change one of them")
        return value, DOMAINS[word]
    return _literal(definition, name, node), REAL


def _literal(definition: Definition, name: str, node: ast.expr) -> Fraction:
    value = constant_value(node, Scope(definition.file, outer=definition.outer))
    if value is None:
        raise definition.error(f"the default of {name!r} is not a literal number", node, "write a number, as in 1e-3")
    return value


def read_decorators(definition: Definition) -> tuple[bool, Reference]:
    """Whether the definition is declared a rule, and its reference. Other decorators are refused."""
    scope = Scope(definition.file, outer=definition.outer)
    declared, reference = False, NO_REFERENCE
    for node in definition.node.decorator_list:
        name = function_path(node.func if isinstance(node, ast.Call) else node, scope)
        if name in RULE_DECORATORS:
            declared = True
            reference = _reference(definition, node)
        elif name not in TRANSPARENT_DECORATORS:
            raise definition.error(f"the decorator '@{text_of(node)}' may change the function", node, "leave it out")
    return declared, reference


def _reference(definition: Definition, node: ast.expr) -> Reference:
    words: dict[str, str] = {}
    for keyword in node.keywords if isinstance(node, ast.Call) else []:
        value = keyword.value
        if isinstance(value, ast.Name):
            bound = definition.outer.get(value.id)
            value = bound.value if isinstance(bound, Constant) else value
        if not isinstance(value, ast.Constant) or not isinstance(value.value, str) or keyword.arg is None:
            raise definition.error("a reference is written as literal text", node, 'as in paper="..."')
        words[keyword.arg] = value.value
    unknown = set(words) - {"paper", "arxiv", "note"}
    if unknown or (isinstance(node, ast.Call) and node.args):
        raise definition.error("a reference has paper=, arxiv= and note= only", node, "put the rest into note=")
    return Reference(**words)


def _returned_records(value: ast.expr, scope: Scope) -> list[ast.stmt]:
    """`return theta, {"m": m}` as the assignment `state = {"m": m}`, where there is one dictionary of buffers."""
    elements = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    found = [e for e in elements if isinstance(e, ast.Dict)]
    records = sorted(scope.records - {"self"})
    if len(found) != 1 or len(records) != 1:
        return []
    target = ast.parse(records[0], mode="eval").body
    return [ast.copy_location(ast.Assign([target], found[0]), found[0])]


def _read_return(node: ast.Return, value: ast.expr, scope: Scope) -> tuple[list[Statement], tuple[Returned, ...]]:
    """The gradients that a `return` asks for, and the values it returns; whole dictionaries of buffers aside."""
    elements = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    values = [e for e in elements if place(e, scope) not in scope.records and not isinstance(e, ast.Dict)]
    keep_before_stores(node, scope)
    returned = tuple(Returned(to_expr(e, scope), may_share(e, scope)) for e in values)
    asked = list[Statement](scope.asked)
    scope.asked.clear()
    return asked, returned


def dictionaries(node: ast.FunctionDef) -> set[str]:
    """The names, and attributes of `self`, that are indexed by literal strings."""
    indexed = (n.value for n in ast.walk(node) if isinstance(n, ast.Subscript)
               and isinstance(n.slice, ast.Constant) and isinstance(n.slice.value, str))  # fmt: skip
    return {name for n in indexed if (name := _record(n))}


def _record(node: ast.expr) -> str:
    """The name of a dictionary: a name, an attribute, or what another dictionary keeps under a string."""
    match node:
        case ast.Name() | ast.Attribute():
            return ast.unparse(node)
        case ast.Subscript(value=base, slice=ast.Constant(value=str(key))):
            return f"{_record(base)}.{key}" if _record(base) else ""
    return ""


def keys(body: Iterable[ast.stmt], scope: Scope) -> list[str]:
    """The keys of the dictionaries of buffers."""
    found = (place(n, scope) for statement in body for n in ast.walk(statement) if isinstance(n, ast.Subscript))
    return list(dict.fromkeys(k for k in found if k is not None and k not in scope.switches))
