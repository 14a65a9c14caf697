"""One step of a text without roles: what starts the state, the loop's body, and what is left at the end.

A body without a function around is read in the same way: every name it reads is known, and what a
name means is left to `candidates`. Where a text loops over its steps, the statements before the loop
say what its names hold at first.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from derive.errors import UserError
from derive.expr import Expr, Number, Symbol
from derive.reading.pasted.code.counting import counted
from derive.reading.pasted.code.opaque import harmless, read_with_unknowns
from derive.reading.pasted.flow import asked_once, carried, reads, without_conversions
from derive.reading.pasted.hidden import asks, hidden_starts
from derive.reading.python.bindings import Binding, Function, Imported, names_bound
from derive.reading.python.blocks import read_block
from derive.reading.python.functions import dictionaries, function_scope, gradients, read_parameters, read_step
from derive.reading.python.scope import Scope, dotted, place
from derive.reading.python.spellings import BUILTINS, CUSTOMARY
from derive.reading.source import Definition
from derive.reading.step.aliases import sharing_after
from derive.reading.step.handles import follow
from derive.reading.step.statements import Parameter, Returned, Statement, Store, stored


@dataclass(frozen=True)
class Step:
    """A step and what stands around it.

    `starts` are the values names hold before the first step (None: a value that isn't looked into);
    `hidden` are those of them that the text gives a value in so many words, and these words.
    `counter` is the loop's, with its `first` value. `looped`: every name keeps its value from one step
    to the next; otherwise only what is stored in place or `returned` does.
    `unknown` are the names whose values are not looked into, with the carried names they depend on,
    `kept` the names that outlast the step by themselves, `items` those that the head of its loop gives a value
    at each step, `numbers` are names that are no data: what a loop counts and what an object is made with,
    `spelled` how the text writes names that are keys here, `assumed` what this reading takes for granted,
    `anew` the name that this reading takes for an input though the text stores into it: it is the gradient.
    """

    definition: Definition
    statements: tuple[Statement, ...]
    parameters: tuple[Parameter, ...] = ()
    starts: Mapping[str, Expr | None] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    counter: str | None = None
    first: int = 1
    looped: bool = False
    returned: tuple[Returned, ...] | None = None
    return_line: int = 0
    unknown: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    spelled: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    anew: str = ""

    @property
    def data(self) -> frozenset[str]:
        """What a loop over examples takes: one item alone is the gradient, or what is averaged."""
        return self.items if len(self.items) > 1 else frozenset()


def bare_definition(tree: ast.Module, text: str, file: str, outer: Mapping[str, Binding]) -> Definition:
    """The statements at the top of a text as the body of a function without arguments."""
    body = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom | Function | ast.ClassDef)]
    if not body:
        raise UserError("there are no statements", where=file, fix="give the lines of the update")
    empty = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    node = ast.FunctionDef("pasted", empty, list(body), [], lineno=body[0].lineno, col_offset=0)
    node.end_lineno = body[-1].end_lineno
    imports = {n: b for n, b in outer.items() if isinstance(b, Imported)}
    return Definition(file, text, node, imports)


def read_body(definition: Definition, free: bool) -> Step:
    """The step of a function, or of bare statements where `free`: then no name has to be an argument."""
    node = definition.node
    assert isinstance(node, ast.FunctionDef)
    records = frozenset(dictionaries(node))
    arguments = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    parameters = tuple(read_parameters(definition, node, records & arguments))
    body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    before, loop, after = _around(definition, body)
    inner = loop.body if loop is not None else body
    _refuse_left(definition, inner if loop is not None else [])
    scope = function_scope(definition, node, {p.name for p in parameters}, records)
    names = _free_names(node, definition.outer) - records
    scope.known |= _places(node, scope) | (names if free else names - scope.later)
    scope.known |= {p.name for p in gradients(node, names | {p.name for p in parameters})}
    scope.known |= {f"{p}.grad" for n in ast.walk(node) if isinstance(n, ast.Attribute) and n.attr == "grad"
                    and (p := place(n.value, scope)) in scope.known}  # fmt: skip
    starts, shared = _starts(definition, before, scope)
    count = counted(definition, loop, restarts=loop not in body)
    scope.known |= count.items | ({count.counter} if count.counter else set())
    step = _Reading(definition, scope, {p.name for p in parameters}, loop is not None)
    *most, last = inner or [ast.Pass()]
    returned: tuple[Returned, ...] | None = None
    statements: tuple[Statement, ...]
    if loop is None and isinstance(last, ast.Return):
        statements, unknown = step.read(most)
        ending = read_step(definition, [last], scope) if last.value is not None else None
        if ending is not None:
            statements, returned = (*statements, *ending.statements), ending.returned
    else:
        statements, unknown = step.read(inner)
    written = stored(statements)
    statements = (*(s for s in shared if s.target in written), *statements)
    if not statements and not returned:
        raise definition.error("the step does nothing that can be read", inner[0] if inner else None)
    kept = {
        *carried(statements),
        *starts,
        *(p.name for p in parameters),
        *_never_bound(statements, _places(node, scope)),
    }
    statements, ends = follow(statements, returned or (), kept, kept)
    returned = returned and ends
    statements = asked_once(without_conversions(statements))
    _refuse_stale(definition, before, statements)
    if loop is None and free:
        statements, starts = _leading_starts(statements)
    _refuse_after(definition, after)
    own = [n for n in ast.walk(ast.parse(definition.text)) if isinstance(n, ast.FunctionDef)] if before else []
    starts = _both_ways(starts, carried(statements))
    hidden = {n: text for n, text in hidden_starts([*before, _head(node)], own).items() if starts.get(n) is None}
    return Step(definition, statements, parameters, starts, hidden, count.counter, count.first,
                free or loop is not None, returned, getattr(last, "lineno", node.lineno), unknown,
                items=count.items, numbers=count.numbers)  # fmt: skip


def _never_bound(statements: Sequence[Statement], places: set[str]) -> set[str]:
    """The names that are there without the step, and the keys of dictionaries."""
    return ({n for s in statements for n in reads(s)} - set(stored(statements))) | places


@dataclass(frozen=True)
class _Reading:
    definition: Definition
    scope: Scope
    arguments: set[str]
    looped: bool

    def read(self, body: Sequence[ast.stmt]) -> tuple[tuple[Statement, ...], dict[str, frozenset[str]]]:
        called = {n.func.id for s in body for n in ast.walk(s)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        self.scope.oracles = frozenset(called & self.arguments) | frozenset(n for n in called if asks(n))
        self.scope.known -= self.scope.oracles
        return read_with_unknowns(body, self.scope, () if self.looped else self.arguments)


_TYPES = frozenset({"int", "bool", "complex"})
_SIZES = frozenset({"len", "shape", "size", "ndim", "dtype", "range", "zeros_like", "ones_like"})


# Names


def _free_names(node: ast.FunctionDef, outer: Mapping[str, Binding]) -> set[str]:
    """The names that stand for values: not those of functions and modules."""
    roots = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    attributes = {id(n.value) for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in roots}
    modules = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) in attributes and n.id in CUSTOMARY}
    return {n for n in names - modules - _TYPES - BUILTINS.intersection({"range", "len", "float"}) if n not in outer}


def _places(node: ast.FunctionDef, scope: Scope) -> set[str]:
    found = (place(n, scope) for n in ast.walk(node) if isinstance(n, ast.Subscript))
    return {p for p in found if p is not None}


# Around the step


def _around(
    definition: Definition, body: Sequence[ast.stmt]
) -> tuple[list[ast.stmt], ast.For | ast.While | None, list[ast.stmt]]:
    """The statements before the loop over the steps, the loop, and those after it."""
    loops = [n for n in body if isinstance(n, ast.For | ast.While)]
    if not loops:
        return [], None, []
    if len(loops) > 1:
        raise definition.error("more than one loop can't be read", loops[1], "give the loop over the steps only")
    [loop] = loops
    at = list(body).index(loop)
    inner = [n for n in loop.body if isinstance(n, ast.For | ast.While)]
    others = [n for n in loop.body if not (n in inner or harmless(n))]
    if len(inner) == 1 and not others and not loop.orelse:  # epochs, and the batches of each
        _refuse_outer(definition, loop, inner[0])
        before, found, after = _around(definition, loop.body)
        return [*body[:at], *before], found, [*after, *body[at + 1 :]]
    return list(body[:at]), loop, list(body[at + 1 :])


def _refuse_outer(definition: Definition, outer: ast.For | ast.While, inner: ast.stmt) -> None:
    """What counts the epochs is no constant of the step."""
    counts = {n.id for n in ast.walk(outer.target) if isinstance(n, ast.Name)} if isinstance(outer, ast.For) else set()
    for n in ast.walk(inner):
        if isinstance(n, ast.Name) and n.id in counts:
            what = f"{n.id!r}, which changes from one inner loop to the next, can't be read in it"
            raise definition.error(what, n, "count the steps instead")


def _refuse_left(definition: Definition, body: Sequence[ast.stmt]) -> None:
    """A loop that is left in its first round makes one step or less."""
    for node in body:
        if isinstance(node, ast.Break | ast.Continue | ast.Return):
            raise definition.error("the loop is left in its first round", node, "leave it out")


def _starts(
    definition: Definition, before: Iterable[ast.stmt], scope: Scope
) -> tuple[dict[str, Expr | None], list[Store]]:
    """What each name holds before the loop; None where the reader does not look into its value.

    With it stores that change nothing and say which names may share an array there. A plain number is no array:
    nobody can store into it.
    """
    starts, told, plain = dict[str, Expr | None](), list[Store](), set[str]()
    for node in before:
        if harmless(node):
            continue
        try:
            stores = read_block([node], scope)
        except UserError:
            scope.asked.clear()
            scope.known |= names_bound([node])
            starts |= dict.fromkeys(names_bound([node]))
            continue
        literal = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for s in stores:
            if isinstance(s, Store):
                starts[s.target] = _known(s, starts)
                if literal or (isinstance(s.value, Symbol) and s.value.name in plain):
                    plain.add(s.target)
                else:
                    plain.discard(s.target)
                    told.append(s)
            else:
                starts |= dict.fromkeys(stored([s]))
    return starts, sharing_after(definition, told)


def _refuse_stale(definition: Definition, before: Iterable[ast.stmt], statements: Sequence[Statement]) -> None:
    """What is made from a state before the loop, and never again, is neither a constant nor a gradient."""
    changed, kept = set(stored(statements)), set(carried(statements))
    read = {n for s in statements for n in reads(s)}
    for node in before:
        for name in names_bound([node]) & (read - changed):
            for other in sorted(_made_from(node) & kept):
                what = f"{name!r} is made from {other!r} before the loop and stays as it is"
                raise definition.error(what, node, "move it into the loop")


def _made_from(node: ast.AST) -> set[str]:
    """The names whose values, not only sizes, a statement reads."""
    match node:
        case ast.Call(func=function) if (dotted(function) or "").rsplit(".", 1)[-1] in _SIZES:
            return set()
        case ast.Attribute(attr=attribute) if attribute in _SIZES:
            return set()
        case ast.Name(id=name, ctx=ast.Load()):
            return {name}
    return {name for child in ast.iter_child_nodes(node) for name in _made_from(child)}


def _head(node: ast.FunctionDef) -> ast.FunctionDef:
    """The function without its statements."""
    return ast.FunctionDef(node.name, node.args, [ast.Pass()], [], lineno=node.lineno, col_offset=0)


def _both_ways(starts: Mapping[str, Expr | None], kept: Sequence[str]) -> dict[str, Expr | None]:
    """`v = w` says of either that it starts where the other does."""
    there = {s.name: Symbol(n) for n, s in starts.items() if isinstance(s, Symbol) and n in kept}
    return {**{n: other for n, other in there.items() if n in kept}, **starts}


def _known(store: Store, starts: Mapping[str, Expr | None]) -> Expr | None:
    value = store.value
    if isinstance(value, Symbol) and isinstance(starts.get(value.name), Number):
        value = starts[value.name] or value
    return value if isinstance(value, Number | Symbol) else None


def _leading_starts(statements: Sequence[Statement]) -> tuple[tuple[Statement, ...], dict[str, Expr | None]]:
    """`m = 0` at the top of bare statements, where m is then updated from itself, is what m is at first.

    A number given to a name that nothing changes is a hyperparameter's value.
    """
    starts: dict[str, Expr | None] = {}
    rest = list(statements)
    while rest and isinstance(rest[0], Store) and isinstance(rest[0].value, Number) and len(rest) > 1:
        starts[rest[0].target] = rest[0].value
        rest = rest[1:]
    return tuple(rest), starts


def _refuse_after(definition: Definition, after: Iterable[ast.stmt]) -> None:
    for node in after:
        if not (isinstance(node, ast.Return) or harmless(node)):
            raise definition.error("only a 'return' can stand after the loop", node, "leave it out")
