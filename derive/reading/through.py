"""Emitted runs through time, read back: the one fixed template, and anything else is refused.

A run walks a rule along data: `prelude` makes the scalars of a step, `update` takes one element one step on, and the
loops around it are one text, the same for every rule but for its names. They are written here, once, for whoever emits
them and whoever reads them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from derive.expr import Expr, Symbol, substitute
from derive.reading.kernel import (
    BOUNDS,
    argument_names,
    check_refusal,
    element_scope,
    element_type,
    read_assignment,
    read_functions,
    read_prelude,
    refuse_stores,
    truths_of,
    unexpected,
    without_docstring,
)
from derive.reading.limits import parse
from derive.reading.python.bindings import Binding, bindings
from derive.reading.python.expressions import to_value
from derive.reading.settling import settled_when
from derive.rule import inline

FUNCTIONS = ("prelude", "settled", "update", "columns", "rows", "entry")
SIDE_BY_SIDE = 4  # rows; a processor does the next row's step while it waits for the last one's result
TAKEN = frozenset({"along", "columns", "here", "k", "rows", "settled", "steady", "there", "update"}) | {
    f"{name}_{lane}" for name in ("here", "there") for lane in range(SIDE_BY_SIDE)
}

_LOOPS = '''\
@njit(error_model="numpy", nogil=True, inline="always")
def columns({arguments}, lo, hi):
    """A step of the columns lo to hi for every row of the data; {side_by_side} in one go once scalars are settled."""
{slices}
    steady = False
    k = 0
    while k < {x}.shape[0]:
        if not steady:
            {scalars}
            {steady}
        if steady and k + {side_by_side} <= {x}.shape[0]:
{several_steps}
            k += {side_by_side}
        else:
{single_step}
            k += 1


@njit(error_model="numpy", nogil=True, inline="always")
def rows({arguments}, lo, hi):
    """The rows lo to hi of the data, each from its beginning to its end: {side_by_side} side by side, then the rest."""
    for i in range(lo, hi - {last_lane}, {side_by_side}):
{several}
    for i in range(hi - (hi - lo) % {side_by_side}, hi):
{single}
'''


def loops(arrays: Sequence[str], parameters: Sequence[str], handed: Sequence[str]) -> str:
    """The two loops through time: along the first axis of the data, and along the last.

    `arrays` are the data, the output and the states, an array for each column or row.
    """
    x, out, *states = arrays
    return _LOOPS.format(
        arguments=", ".join([*arrays, *parameters]),
        slices="\n".join(f"    {s} = {s}[lo:hi]" for s in states),
        x=x,
        out=out,
        scalars=f"{pack(handed)} = prelude({_at_step(parameters)})",
        steady=f"steady = settled({_at_step(parameters)})",
        several_steps=_steps(arrays, parameters, handed, SIDE_BY_SIDE),
        single_step=_steps(arrays, parameters, handed, 1),
        side_by_side=SIDE_BY_SIDE,
        last_lane=SIDE_BY_SIDE - 1,
        several=_walk(arrays, parameters, handed, SIDE_BY_SIDE),
        single=_walk(arrays, parameters, handed, 1),
    )


def _steps(arrays: Sequence[str], parameters: Sequence[str], handed: Sequence[str], rows: int) -> str:
    """So many steps of every column, whose states are in registers between them."""
    x, out, *states = arrays
    now = _now({*arrays, *parameters, *handed}, states)
    lines, steps = [], []
    for row in range(rows):
        place = f"k + {row}" if row else "k"
        lines.append(f"here_{row}, there_{row} = {x}[{place}, lo:hi], {out}[{place}, lo:hi]")
        before = [f"{s}{now}_{row - 1}" if row else f"{s}[i]" for s in states]
        after = [f"there_{row}[i]", *(f"{s}{now}_{row}" if row + 1 < rows else f"{s}[i]" for s in states)]
        steps.append(f"    ({_listed(after)}) = update({', '.join([f'here_{row}[i]', *before, *handed])})")
    lines += ["for i in range(here_0.size):", *steps]
    return "\n".join(f"            {line}" for line in lines)


def _walk(arrays: Sequence[str], parameters: Sequence[str], handed: Sequence[str], lanes: int) -> str:
    """So many rows side by side, their states in registers."""
    x, out, *states = arrays
    now = _now({*arrays, *parameters, *handed}, states)
    lines, steps, stores = [], [], []
    for lane in range(lanes):
        place = f"i + {lane}" if lane else "i"
        lines.append(f"here_{lane}, there_{lane} = {x}[{place}], {out}[{place}]")
        lines += [f"{s}{now}_{lane} = {s}[{place}]" for s in states]
        after = [f"there_{lane}[k]", *(f"{s}{now}_{lane}" for s in states)]
        given = ", ".join([f"here_{lane}[k]", *after[1:], *handed])
        steps.append(f"    ({_listed(after)}) = update({given})")
        stores += [f"{s}[{place}] = {s}{now}_{lane}" for s in states]
    lines += [
        "steady = False",
        "for k in range(here_0.size):",
        "    if not steady:",
        f"        {pack(handed)} = prelude({_at_step(parameters)})",
        f"        steady = settled({_at_step(parameters)})",
        *steps,
        *stores,
    ]
    return "\n".join(f"        {line}" for line in lines)


def _now(taken: set[str], states: Sequence[str]) -> str:
    """What a state's name ends with while it is in a register: no name of the rule."""
    now = "_now"
    while any(f"{s}{now}_{lane}" in taken for s in states for lane in range(SIDE_BY_SIDE)):
        now += "_"
    return now


def _at_step(parameters: Sequence[str]) -> str:
    return ", ".join(f"float({p} + k)" if p == "t" else p for p in parameters)


def pack(names: Sequence[str]) -> str:
    return f"({_listed(names)})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) + ("," if len(names) == 1 else "")


def ending(arrays: Sequence[str], parameters: Sequence[str]) -> str:
    """What `entry` does once everything is checked."""
    given = ", ".join([*arrays, *parameters, *BOUNDS])
    return f"    if along:\n        rows({given})\n    else:\n        columns({given})\n    return 0\n"


def bounds(arrays: Sequence[str]) -> str:
    """All columns, or all rows."""
    return f"lo, hi = (0, {arrays[0]}.shape[0] if along else {arrays[0]}.shape[1])"


@dataclass(frozen=True)
class Through:
    """What a run does to one element in one step: `step` holds what the output and each state become."""

    dtype: str
    parameters: tuple[str, ...]
    arrays: tuple[str, ...]
    step: dict[str, Expr]


def read_through(source: str, file: str = "kernel") -> Through:
    """What the source of an emitted run computes. Raises UserError where it is not the template."""
    tree = parse(source, file)
    functions = read_functions(tree, file, FUNCTIONS)
    outer = bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    names = argument_names(functions["columns"])
    arrays = names[: len(names) - len(parameters) - len(BOUNDS)]
    if len(arrays) < 2 or parameters[:1] != ("t",) or len({*arrays, *parameters}) < len(arrays) + len(parameters):
        raise unexpected(functions["columns"], file, "'columns' takes the data, the output, the states and parameters")
    truths = truths_of(prelude) & {*handed}
    read = read_update(functions["update"], (arrays[0], *arrays[2:]), handed, truths, file, outer)
    _check_loops(functions, arrays, parameters, handed, file)
    check_settled(functions["settled"], parameters, settled_when(prelude, handed), file, outer)
    _check_entry(functions["entry"], arrays, parameters, file)
    scalars = inline(prelude)
    given = {name: scalars.get(name, Symbol(name)) for name in handed}
    values = substitute(read, given)
    step = {array: value for array, value in zip(arrays[1:], values, strict=True) if value is not Symbol(array)}
    return Through(element_type(tree, file), parameters, arrays, step)


def read_update(
    function: ast.FunctionDef,
    elements: tuple[str, ...],
    handed: tuple[str, ...],
    truths: set[str],
    file: str,
    outer: dict[str, Binding],
    returned: int | None = None,
) -> tuple[Expr, ...]:
    """What `update` returns, in the elements and the scalars it is given: as many values as it is given elements, or
    as many as `returned` says."""
    wanted = len(elements) if returned is None else returned
    names = argument_names(function)
    if names != (*elements, *handed) or len({*names}) < len(names):
        raise unexpected(function, file, f"'{function.name}' takes the elements and what 'prelude' returns")
    scope = element_scope(names, (), file, outer)
    scope.truths.update(truths)
    *lines, last = without_docstring(function)
    body = tuple(read_assignment(n, scope, file) for n in lines)
    match last:
        case ast.Return(value=ast.Tuple(elts=parts)) if len(parts) == wanted:
            after = inline(body)
            if all(isinstance(p, ast.Name) and p.id in scope.known - scope.truths for p in parts):
                return tuple(after.get(ast.unparse(p), Symbol(ast.unparse(p))) for p in parts)
    raise unexpected(last, file, f"'{function.name}' returns what each element becomes")


def _check_loops(
    functions: dict[str, ast.FunctionDef],
    arrays: tuple[str, ...],
    parameters: tuple[str, ...],
    handed: tuple[str, ...],
    file: str,
) -> None:
    clashing = {*arrays, *parameters, *handed} & (TAKEN | {"i", *BOUNDS})
    expected = ast.parse(loops(arrays, parameters, handed)).body
    found = [functions["columns"], functions["rows"]]
    if clashing or {*arrays} & {*handed} or [ast.dump(n) for n in found] != [ast.dump(n) for n in expected]:
        raise unexpected(functions["columns"], file, "the loops through time are not those of the template")


def check_settled(
    function: ast.FunctionDef,
    parameters: tuple[str, ...],
    expected: Expr | bool,
    file: str,
    outer: dict[str, Binding],
) -> None:
    """`settled` says when the scalars no longer change, as the scalars themselves tell."""
    match without_docstring(function):
        case [ast.Return(value=ast.Constant(value=bool(answer)))]:
            right = answer is expected
        case [ast.Return(value=ast.expr() as value)]:
            right = to_value(value, element_scope(parameters, (), file, outer)) is expected
        case _:
            right = False
    if argument_names(function) != parameters or not right:
        raise unexpected(function, file, "'settled' is not when the scalars no longer change")


def _check_entry(function: ast.FunctionDef, arrays: tuple[str, ...], parameters: tuple[str, ...], file: str) -> None:
    """`entry` checks, hands on what it was given, and stores nothing itself."""
    refuse_stores(function, file)
    if argument_names(function) != (*arrays, *parameters, *BOUNDS, "smallest", "along"):
        raise unexpected(function, file, "'entry' takes the arrays, the parameters, lo, hi, smallest and along")
    first, *rest = without_docstring(function)
    expected = ast.parse("def entry():\n" + ending(arrays, parameters)).body[0]
    assert isinstance(expected, ast.FunctionDef)
    if [ast.dump(n) for n in rest] != [ast.dump(n) for n in expected.body]:
        raise unexpected(function, file, "'entry' does not hand on what it was given")
    if not isinstance(first, ast.If) or ast.unparse(first.test) != "hi < 0" or first.orelse:
        raise unexpected(first, file)
    for node in first.body:
        if ast.unparse(node) != bounds(arrays):
            check_refusal(node, file)
