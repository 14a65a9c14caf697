"""Emitted kernels, read back: the one fixed template, and anything else is refused.

The reader takes nothing on trust that decides what is stored: the decorators, every statement of
`prelude` and `span`, how `entry` hands values from one to the other, and that nothing else stores.
A read of `m[i]` after a store to it means the new value.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.errors import UserError
from derive.expr import Expr, Symbol, substitute
from derive.reading.limits import parse
from derive.reading.narrow import KEY, read_loop, split_functions, taken
from derive.reading.python.bindings import Binding, bindings
from derive.reading.python.expressions import is_truth, to_expr, to_value
from derive.reading.python.refusals import text_of
from derive.reading.python.scope import Scope
from derive.rule import Assignment, inline

FIX = "generate the kernel again"
IMPORTS = ("import math", "import numpy as np", "from numba import njit")
FUNCTIONS = ("prelude", "span", "overlap", "entry")
BOUNDS = ("lo", "hi")
STRICT_OPTIONS = {"error_model='numpy'", "nogil=True", "inline='always'"}
RESERVED = frozenset({"np", "math", "njit", "element", "float", "abs", "range", "i", "smallest", *BOUNDS, *FUNCTIONS})


@dataclass(frozen=True)
class Kernel:
    """What a kernel's source computes.

    `prelude` are the scalar assignments in `parameters`, of which `handed` reach the elements;
    `body` are the assignments for one element, where `m[]` is the element of the array m. `kept` are the arrays that
    have another format than that of the arithmetic, with this format; `drawn` says whether they are rounded by random
    bits.
    """

    dtype: str
    parameters: tuple[str, ...]
    arrays: tuple[str, ...]
    prelude: tuple[Assignment, ...]
    handed: tuple[str, ...]
    body: tuple[Assignment, ...]
    kept: tuple[tuple[str, str], ...] = ()
    drawn: bool = False

    @property
    def stores(self) -> tuple[str, ...]:
        """The arrays stored to, in order."""
        return tuple(dict.fromkeys(a.target[:-2] for a in self.body if a.target.endswith("[]")))

    @property
    def step(self) -> dict[str, Expr]:
        """What each array stored to holds afterwards, in the arrays before and the parameters."""
        scalars = inline(self.prelude)
        given = {name: scalars.get(name, Symbol(name)) for name in self.handed}
        given |= {f"{array}[]": Symbol(array) for array in self.arrays}
        after = inline(self.body)
        return {array: substitute([after[f"{array}[]"]], given)[0] for array in self.stores}


def read_kernel(source: str, file: str = "kernel") -> Kernel:
    """What the source of an emitted kernel computes. Raises UserError where it is not the template."""
    tree = parse(source, file)
    conversions = split_functions(tree, file)
    drawn = "key_of" in conversions
    functions = read_functions(tree, file)
    outer = bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    truths = truths_of(prelude) & set(handed)
    arrays, body, kept = _span(functions["span"], handed, truths, file, outer, drawn=drawn)
    refuse_clashes(functions["span"], [*parameters, *arrays], file)
    if conversions:
        refuse_conversions([*parameters, *arrays, *handed], len(arrays), functions["span"], file)
    _check_entry(functions["entry"], parameters, arrays, handed, file, drawn=drawn)
    refuse_stores(functions["overlap"], file)
    return Kernel(element_type(tree, file), parameters, arrays, prelude, handed, body, kept, drawn)


def refuse_conversions(names: Iterable[str], arrays: int, span: ast.FunctionDef, file: str) -> None:
    """Nothing else has the names of what converts."""
    if taken(arrays) & {*names}:
        raise unexpected(span, file, "one name stands for two things")


def unexpected(node: ast.AST, file: str, what: str = "") -> UserError:
    where = f"{file}:{getattr(node, 'lineno', 1)}"
    return UserError(what or f"'{text_of(node)}' is not part of a kernel", where=where, fix=FIX)


# The module


def read_functions(tree: ast.Module, file: str, names: tuple[str, ...] = FUNCTIONS) -> dict[str, ast.FunctionDef]:
    """The four functions, after the imports and the element type, and nothing else."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    others = [n for n in tree.body if not isinstance(n, ast.FunctionDef)]
    if tuple(f.name for f in functions) != names:
        raise unexpected(tree, file, f"a kernel has the functions {', '.join(names)}")
    texts = [ast.unparse(n) for n in others]
    if tuple(texts[:-1]) != IMPORTS or texts[-1] not in ("element = np.float32", "element = np.float64"):
        raise unexpected(others[0] if others else tree, file, "a kernel has three imports and its element type")
    for function in functions:
        _check_signature(function, file)
    return {f.name: f for f in functions}


def element_type(tree: ast.Module, file: str) -> str:
    [text] = [ast.unparse(n) for n in tree.body if isinstance(n, ast.Assign)]
    return text.removeprefix("element = np.")


def _check_signature(function: ast.FunctionDef, file: str) -> None:
    a = function.args
    if a.posonlyargs or a.kwonlyargs or a.vararg or a.kwarg or a.defaults:
        raise unexpected(function, file, f"'{function.name}' takes plain arguments only")
    match function.decorator_list:
        case [ast.Call(func=ast.Name(id="njit"), args=[], keywords=keywords)]:
            options = {ast.unparse(k) for k in keywords}
            if options <= STRICT_OPTIONS and "error_model='numpy'" in options:
                return
    raise unexpected(function, file, f"'{function.name}' is not compiled strictly")


def argument_names(function: ast.FunctionDef) -> tuple[str, ...]:
    return tuple(a.arg for a in function.args.args)


def without_docstring(function: ast.FunctionDef) -> Sequence[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


# The arithmetic


def element_scope(known: Iterable[str], arrays: Iterable[str], file: str, outer: dict[str, Binding]) -> Scope:
    places = {f"{array}[]" for array in arrays}
    return Scope(
        file,
        known={*known, *places},
        outer=outer,
        items=dict.fromkeys(arrays, "i"),
        functions={"element": "cast"},
    )


def read_prelude(
    function: ast.FunctionDef, file: str, outer: dict[str, Binding]
) -> tuple[tuple[str, ...], tuple[Assignment, ...], tuple[str, ...]]:
    *body, last = without_docstring(function)
    parameters = argument_names(function)
    scope = element_scope(parameters, (), file, outer)
    assignments = tuple(read_assignment(n, scope, file) for n in body)
    match last:
        case ast.Return(value=ast.Tuple(elts=elements)) if all(isinstance(e, ast.Name) for e in elements):
            handed = tuple(ast.unparse(e) for e in elements)
            if set(handed) <= scope.known and len(set(handed)) == len(handed):
                return parameters, assignments, handed
    raise unexpected(last, file)


def truths_of(assignments: Iterable[Assignment]) -> set[str]:
    """The names that hold truth values."""
    names: set[str] = set()
    for a in assignments:
        if is_truth(a.value, names):
            names.add(a.target)
    return names


def read_assignment(node: ast.stmt, scope: Scope, file: str) -> Assignment:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in RESERVED:
            result = Assignment(name, to_value(value, scope), node.lineno)
            scope.known.add(name)
            (scope.truths.add if is_truth(result.value, scope.truths) else scope.truths.discard)(name)
            return result
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=array), slice=ast.Name(id="i"))], value=value):
            if array in scope.items:
                return Assignment(f"{array}[]", to_expr(value, scope), node.lineno)
    raise unexpected(node, file)


def _span(
    function: ast.FunctionDef,
    handed: tuple[str, ...],
    truths: set[str],
    file: str,
    outer: dict[str, Binding],
    *,
    drawn: bool,
) -> tuple[tuple[str, ...], tuple[Assignment, ...], tuple[tuple[str, str], ...]]:
    """The arrays, the assignments for one element, and the formats of arrays that have others than the arithmetic.

    Every array is sliced, then one loop walks them.
    """
    names = argument_names(function)
    between = (*BOUNDS, KEY) if drawn else BOUNDS
    arrays = names[: len(names) - len(handed) - len(between)]
    if names != (*arrays, *between, *handed) or not arrays:
        raise unexpected(function, file, "'span' takes the arrays, lo, hi and what 'prelude' returns")
    *slices, loop = without_docstring(function)
    if [ast.unparse(s) for s in slices] != [f"{a} = {a}[lo:hi]" for a in arrays]:
        raise unexpected(function, file, "'span' slices every array once")
    if not isinstance(loop, ast.For) or loop.orelse:
        raise unexpected(loop, file)
    if (ast.unparse(loop.target), ast.unparse(loop.iter)) != ("i", f"range({arrays[0]}.size)"):
        raise unexpected(loop, file, "'span' walks the first array")
    scope = element_scope(handed, arrays, file, outer)
    scope.truths.update(truths)
    read = read_loop(loop.body, arrays, file, drawn=drawn)
    body = tuple(read_assignment(n, scope, file) for n in read.statements)
    return arrays, body, tuple((a, read.kept[a]) for a in arrays if a in read.kept)


def refuse_clashes(span: ast.FunctionDef, names: Sequence[str], file: str) -> None:
    """Arrays and parameters have names of their own, which no assignment to an element's name takes."""
    inner = {n.id for n in ast.walk(span.body[-1]) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if len(set(names)) < len(names) or RESERVED & set(names) or (inner - {"i"}) & set(names):
        raise unexpected(span, file, "one name stands for two things")


# How the parts are put together


def _check_entry(
    function: ast.FunctionDef,
    parameters: tuple[str, ...],
    arrays: tuple[str, ...],
    handed: tuple[str, ...],
    file: str,
    *,
    drawn: bool,
) -> None:
    """`entry` checks, hands the prelude's values to the span by their names, and stores nothing itself."""
    refuse_stores(function, file)
    counters = (*parameters[:1], "seed", *parameters[1:]) if drawn else parameters
    if argument_names(function) != (*arrays, *counters, *BOUNDS, "smallest"):
        raise unexpected(function, file, "'entry' takes the arrays, the parameters, lo, hi and smallest")
    first, *rest = without_docstring(function)
    returned = ", ".join(handed) + ("," if len(handed) == 1 else "")
    given = ", ".join(f"float({p})" if p == "t" else p for p in parameters)
    between = (*BOUNDS, KEY) if drawn else BOUNDS
    expected = [
        f"({returned}) = prelude({given})",
        *([f"{KEY} = key_of(seed, {parameters[0]}, 0)"] if drawn else []),
        f"span({', '.join([*arrays, *between, *handed])})",
        "return 0",
    ]
    if [ast.unparse(n) for n in rest] != [ast.unparse(ast.parse(e)) for e in expected]:
        raise unexpected(rest[0] if rest else function, file, "'entry' does not hand on the prelude's values")
    if not isinstance(first, ast.If) or ast.unparse(first.test) != "hi < 0" or first.orelse:
        raise unexpected(first, file)
    for node in first.body:
        if ast.unparse(node) != f"lo, hi = (0, {arrays[0]}.size)":
            check_refusal(node, file)


def check_refusal(node: ast.stmt, file: str) -> None:
    match node:
        case ast.If(
            test=test, body=[ast.Return(value=ast.Constant() | ast.UnaryOp(operand=ast.Constant()))], orelse=[]
        ):
            if not any(isinstance(n, ast.NamedExpr | ast.Await | ast.Yield) for n in ast.walk(test)):
                return
    raise unexpected(node, file)


def refuse_stores(function: ast.FunctionDef, file: str) -> None:
    """No store into an array or attribute anywhere in the function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            raise unexpected(node, file)
