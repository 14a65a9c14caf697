"""Emitted descents, read back: a rule on a problem, at every point of a grid; and anything else is refused.

A descent takes a rule down a problem from every point of a grid, 64 runs side by side. `prelude` makes the scalars of a
step, `update` takes one coordinate one step on, `ask` says where the gradient is taken if that is not at theta, `begin`
is how the states begin. What is around them is a fixed text (`derive.reading.descent_text`).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from derive.expr import Expr, Symbol, apply, substitute, symbols
from derive.reading.descent_text import Shape, functions, loops
from derive.reading.kernel import (
    argument_names,
    element_scope,
    element_type,
    read_functions,
    read_prelude,
    truths_of,
    unexpected,
    without_docstring,
)
from derive.reading.limits import parse
from derive.reading.python.bindings import Binding, bindings
from derive.reading.python.expressions import to_value
from derive.reading.settling import settled_when
from derive.reading.through import check_settled, read_update
from derive.rule import Assignment, inline


def settled_together(*preludes: tuple[Sequence[Assignment], Sequence[str]]) -> Expr | bool:
    """The condition under which no scalar of several preludes changes any more."""
    whole: Expr | bool = True
    for prelude, handed in preludes:
        condition = settled_when(prelude, handed)
        if condition is False or whole is False:
            return False
        if condition is not True:
            whole = condition if whole is True or whole is condition else apply("and", whole, condition)
    return whole


@dataclass(frozen=True)
class Descent:
    """What a descent does to one coordinate: in a step, where it asks for the gradient, and at the beginning.

    `arrays` are theta, the gradient and the states; `step` holds what theta and each state become, `asked` the point
    where the gradient is taken (None: at theta), `begun` how the states begin, `elements` what the norms are taken of,
    which are the last of the parameters.
    """

    dtype: str
    parameters: tuple[str, ...]
    arrays: tuple[str, ...]
    step: dict[str, Expr]
    asked: Expr | None
    begun: tuple[Expr, ...]
    elements: tuple[Expr, ...] = ()


def read_descent(
    source: str, kind: str, asks: tuple[int, ...] | None = None, norms: int = 0, file: str = "kernel"
) -> Descent:
    """What the source of an emitted descent computes. Raises UserError where it is not the template.

    `kind` is that of the problem, `asks` the places of the states that the query reads, None where there is none;
    `norms` how many are measured before a step.
    """
    tree = parse(source, file)
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    has_times = any(function.name == "timed" for function in found)
    names = functions(Shape(0, 0, 0, asks, norms=norms, timed=int(has_times)), kind)
    each = read_functions(tree, file, names)
    outer = bindings(tree.body)
    parameters, prelude, handed = read_prelude(each["prelude"], file, outer)
    names = argument_names(each["update"])
    arrays = names[: len(names) - len(handed)]
    if len(arrays) < 2 or parameters[:1] != ("t",):
        raise unexpected(each["update"], file, "'update' takes theta, the gradient, the states and what is handed on")
    truths = truths_of(prelude) & {*handed}
    read = read_update(each["update"], arrays, handed, truths, file, outer, returned=len(arrays) - 1)
    times, times_made = _read_timed(each, parameters, file, outer) if has_times else ((), ())
    parameters = parameters[: len(parameters) - len(times)]
    prelude = (*times_made, *prelude)
    given = parameters[: len(parameters) - norms]
    used = symbols(*(inline(times_made)[name] for name in times))
    timed_by = tuple(k for k, name in enumerate(given[1:]) if name in used)
    asked: Expr | None = None
    elements: tuple[Expr, ...] = ()
    ask_handed: tuple[str, ...] = ()
    measure_handed: tuple[str, ...] = ()
    preludes = [] if norms else [(prelude, handed)]
    if asks is not None:
        place = (arrays[0], *(arrays[2 + k] for k in asks))
        [asked], ask_prelude, ask_handed = _read_besides(each, "ask", place, given, 1, file, outer)
        preludes.append((ask_prelude, ask_handed))
    if norms:
        elements, measure_prelude, measure_handed = _read_besides(each, "measure", arrays, given, norms, file, outer)
        preludes.append((measure_prelude, measure_handed))
    counts = (len(arrays) - 2, len(given) - 1, len(handed))
    shape = Shape(*counts, asks, len(ask_handed), norms, len(measure_handed), len(times), timed_by)
    expected = ast.parse(loops(shape, kind)).body
    if [ast.dump(n) for n in found[-len(expected) :]] != [ast.dump(n) for n in expected]:
        raise unexpected(each["entry"], file, "the loops around the steps are not those of the template")
    check_settled(each["settled"], given, settled_together(*preludes), file, outer)
    begun = _read_begin(each["begin"], arrays, given, file, outer)
    scalars = inline(prelude)
    values = substitute(read, {name: scalars.get(name, Symbol(name)) for name in handed})
    kept = (arrays[0], *arrays[2:])
    step = {array: value for array, value in zip(kept, values, strict=True) if value is not Symbol(array)}
    return Descent(element_type(tree, file), parameters, arrays, step, asked, begun, elements)


def _read_timed(
    each: dict[str, ast.FunctionDef], parameters: tuple[str, ...], file: str, outer: dict[str, Binding]
) -> tuple[tuple[str, ...], tuple[Assignment, ...]]:
    """The scalars that are made before the prelude, which takes them as its last parameters, and how."""
    given, made, names = read_prelude(each["timed"], file, outer)
    if not names or parameters != (*given, *names) or truths_of(made) & {*names}:
        raise unexpected(each["timed"], file, "'prelude' takes what 'timed' takes, and then what it returns")
    return names, made


def _read_besides(
    each: dict[str, ast.FunctionDef],
    name: str,
    elements: tuple[str, ...],
    parameters: tuple[str, ...],
    returned: int,
    file: str,
    outer: dict[str, Binding],
) -> tuple[tuple[Expr, ...], tuple[Assignment, ...], tuple[str, ...]]:
    """What another function than `update` returns, and the scalars of a prelude of its own that it is handed."""
    given, prelude, handed = read_prelude(each[f"{name}_prelude"], file, outer)
    if given != parameters:
        raise unexpected(each[f"{name}_prelude"], file, f"'{name}_prelude' takes t and the hyperparameters")
    truths = truths_of(prelude) & {*handed}
    values = read_update(each[name], elements, handed, truths, file, outer, returned=returned)
    scalars = inline(prelude)
    return tuple(substitute(values, {n: scalars.get(n, Symbol(n)) for n in handed})), prelude, handed


def _read_begin(
    function: ast.FunctionDef,
    arrays: tuple[str, ...],
    parameters: tuple[str, ...],
    file: str,
    outer: dict[str, Binding],
) -> tuple[Expr, ...]:
    """How the states begin: `begin` returns theta and each of them."""
    names = (arrays[0], *parameters[1:])
    if argument_names(function) == names and len({*names}) == len(names):
        match without_docstring(function):
            case [ast.Return(value=ast.Tuple(elts=[first, *rest]))] if len(rest) == len(arrays) - 2:
                scope = element_scope(names, (), file, outer)
                if ast.unparse(first) == arrays[0]:
                    return tuple(to_value(node, scope) for node in rest)
    raise unexpected(function, file, "'begin' returns theta and how each state begins")
