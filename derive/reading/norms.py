"""Emitted measuring passes, read back: the fixed template that adds up squares, and anything else is refused.

What is read is the elements. That the squares of these are added up, all of them and each once, is the template.
"""

from __future__ import annotations

import ast
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
    refuse_conversions,
    refuse_stores,
    truths_of,
    unexpected,
    without_docstring,
)
from derive.reading.limits import parse
from derive.reading.narrow import read_loop, split_functions
from derive.reading.python.bindings import bindings
from derive.rule import Assignment, inline

BLOCK = 4096  # elements; a chunk of a thread is whole blocks
FUNCTIONS = ("prelude", "block", "overlap", "entry")
TAKEN = frozenset({"block", "half", "k", "min", "place", "row", "squares", "sums", "width"})
# How a pass adds up the squares of a block; written here, once, for whoever emits it and whoever reads it.
ADDING = """\
width = 1
while width < {first}.size:
    width *= 2
for k in range({count}):
    row = squares[k]
    for i in range({first}.size, width):
        row[i] = 0.0
    half = width // 2
    while half > 0:
        for i in range(half):
            row[i] += row[i + half]
        half //= 2
    sums[place, k] = row[0]
"""


@dataclass(frozen=True)
class Norms:
    """What a measuring pass measures: the elements, in the arrays and parameters, of each column of sums of squares.

    `kept` and `drawn` are as those of `derive.reading.kernel`; nothing is drawn, as nothing is stored.
    """

    dtype: str
    parameters: tuple[str, ...]
    arrays: tuple[str, ...]
    elements: tuple[Expr, ...]
    kept: tuple[tuple[str, str], ...] = ()
    drawn: bool = False


def read_norms(source: str, file: str = "kernel") -> Norms:
    """What the source of an emitted measuring pass measures. Raises UserError where it is not the template."""
    tree = parse(source, file)
    conversions = split_functions(tree, file)
    functions = read_functions(tree, file, FUNCTIONS)
    outer = bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    block = functions["block"]
    names = argument_names(block)
    arrays = names[: len(names) - len(handed) - 5]
    if names != (*arrays, "squares", "sums", "place", *BOUNDS, *handed) or not arrays:
        raise unexpected(
            block, file, "'block' takes the arrays, squares, sums, a place, lo, hi and what 'prelude' returns"
        )
    if TAKEN & {*arrays, *parameters, *(a.target for a in prelude)}:
        raise unexpected(block, file, "one name stands for two things")
    scope = element_scope(handed, arrays, file, outer)
    scope.truths.update(truths_of(prelude) & set(handed))
    lines = [*without_docstring(block)]
    loop = lines[len(arrays)] if len(lines) > len(arrays) else block
    if not isinstance(loop, ast.For) or loop.orelse:
        raise unexpected(block, file, "'block' slices every array, and then has a loop over elements")
    squares = [n for n in loop.body if ast.unparse(n).startswith("squares[")]
    if conversions:
        refuse_conversions([*parameters, *arrays, *handed], len(arrays), block, file)
    read = read_loop(loop.body[: len(loop.body) - len(squares)], arrays, file, drawn=False)
    body = tuple(read_assignment(n, scope, file) for n in read.statements)
    _check_block(block, loop, lines, arrays, len(squares), file)
    clashing = {a.target for a in body} & (TAKEN | {*arrays, *parameters, *handed})
    if clashing or any(a.target.endswith("[]") for a in body):
        raise unexpected(loop, file, "the loop over elements stores into nothing but names of its own")
    elements = tuple(_squared(n, k, body, file) for k, n in enumerate(squares))
    _check_entry(functions["entry"], parameters, arrays, handed, len(squares), file)
    refuse_stores(functions["overlap"], file)
    scalars = inline(prelude)
    given = {name: scalars.get(name, Symbol(name)) for name in handed}
    given |= {f"{array}[]": Symbol(array) for array in arrays}
    after = inline(body)
    whole = substitute([after[name] for name in elements], given)
    kept = tuple((a, read.kept[a]) for a in arrays if a in read.kept)
    return Norms(element_type(tree, file), parameters, arrays, tuple(whole), kept)


def _check_block(
    block: ast.FunctionDef, loop: ast.For, lines: list[ast.stmt], arrays: tuple[str, ...], count: int, file: str
) -> None:
    """Every array is sliced once, every element is visited once, and the squares of each norm are added by halves."""
    adding = ast.unparse(ast.parse(ADDING.format(first=arrays[0], count=count)))
    around = [ast.unparse(n) for n in lines if n is not loop]
    if (
        not count
        or around[: len(arrays)] != [f"{a} = {a}[lo:hi]" for a in arrays]
        or "\n".join(around[len(arrays) :]) != adding
        or (ast.unparse(loop.target), ast.unparse(loop.iter)) != ("i", f"range({arrays[0]}.size)")
    ):
        raise unexpected(block, file, "'block' does not add up squares as the template does")


def _squared(node: ast.stmt, k: int, body: tuple[Assignment, ...], file: str) -> str:
    """The name whose squares are those of this norm."""
    match node:
        case ast.Assign(value=ast.BinOp(left=ast.Call(args=[ast.Name(id=name)]))):
            if name in {a.target for a in body}:
                expected = f"squares[{k}, i] = np.float64({name}) * np.float64({name})"
                if ast.unparse(node) == expected:
                    return name
    raise unexpected(node, file)


def _check_entry(
    function: ast.FunctionDef,
    parameters: tuple[str, ...],
    arrays: tuple[str, ...],
    handed: tuple[str, ...],
    count: int,
    file: str,
) -> None:
    """`entry` checks, and hands every block of its range, and the prelude's values by their names, to `block`."""
    refuse_stores(function, file)
    if argument_names(function) != (*arrays, "sums", *parameters, *BOUNDS, "smallest"):
        raise unexpected(function, file, "'entry' takes the arrays, sums, the parameters, lo, hi and smallest")
    first, *rest = without_docstring(function)
    returned = ", ".join(handed) + ("," if len(handed) == 1 else "")
    given = ", ".join(f"float({p})" if p == "t" else p for p in parameters)
    span = ["place", f"place * {BLOCK}", f"min(place * {BLOCK} + {BLOCK}, hi)"]
    expected = [
        f"({returned}) = prelude({given})",
        f"squares = np.zeros(({count}, {BLOCK}))",
        f"for place in range(lo // {BLOCK}, (hi + {BLOCK} - 1) // {BLOCK}):\n"
        f"    block({', '.join([*arrays, 'squares', 'sums', *span, *handed])})",
        "return 0",
    ]
    if [ast.unparse(n) for n in rest] != [ast.unparse(ast.parse(e)) for e in expected]:
        raise unexpected(rest[0] if rest else function, file, "'entry' does not hand every block to 'block'")
    if not isinstance(first, ast.If) or ast.unparse(first.test) != "hi < 0" or first.orelse:
        raise unexpected(first, file)
    for node in first.body:
        if ast.unparse(node) != f"lo, hi = (0, {arrays[0]}.size)":
            check_refusal(node, file)
