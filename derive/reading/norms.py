"""Emitted measuring passes, read back: the fixed template that adds up squares, and anything else is refused.

What is read is the elements, and which norms are those of all tensors. That the squares are added up, all of them and
each once, is the template.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from derive.expr import GLOBAL_NORM, NORM, Expr, Symbol, apply, substitute
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
LANES = 512  # of a block: sums of every so manyth square, which stay in the first cache
FUNCTIONS = ("prelude", "strip", "block", "roots", "overlap", "entry")
TAKEN = frozenset({"begin", "block", "blocks", "half", "j", "k", "lanes", "min", "norms", "place", "roots", "squares"}
                  | {"strip", "sums", "total"})  # fmt: skip
# How a pass adds up the squares of a block; written here, once, for whoever emits it and whoever reads it.
ADDING = """\
lanes = 1
while lanes < min(hi - lo, {lanes}):
    lanes *= 2
for k in range({count}):
    for i in range(lanes):
        squares[k, i] = 0.0
for begin in range(lo, hi, {lanes}):
    strip({arrays}, squares, begin, min(begin + {lanes}, hi){handed})
for k in range({count}):
    half = lanes // 2
    while half > 0:
        for i in range(half):
            squares[k, i] += squares[k, i + half]
        half //= 2
    sums[place, k] = squares[k, 0]
"""
# How the sums of the blocks become norms: of each tensor, and then, of some, of all tensors.
TENSORS = """\
for k in range(norms.shape[0]):
    for j in range(norms.shape[1]):
        total = 0.0
        for place in range(blocks[k], blocks[k + 1]):
            total += sums[place, j]
        norms[k, j] = total
"""
ALL = """\
total = 0.0
for k in range(norms.shape[0]):
    total += norms[k, {j}]
for k in range(norms.shape[0]):
    norms[k, {j}] = total
"""
ROOTS = """\
for k in range(norms.shape[0]):
    for j in range(norms.shape[1]):
        norms[k, j] = np.sqrt(norms[k, j])
"""


def adding(arrays: tuple[str, ...], handed: tuple[str, ...], count: int) -> str:
    """The lines of `block` that add up the squares of so many norms."""
    given = "".join(f", {name}" for name in handed)
    return ADDING.format(arrays=", ".join(arrays), handed=given, count=count, lanes=LANES)


def rooting(over_all: tuple[int, ...]) -> str:
    """The lines of `roots`, where these columns are norms of all tensors."""
    return "".join([TENSORS, *(ALL.format(j=j) for j in over_all), ROOTS])


@dataclass(frozen=True)
class Norms:
    """What a measuring pass measures: each norm, in the arrays and parameters, a column of sums of squares.

    `kept` and `drawn` are as those of `derive.reading.kernel`; nothing is drawn, as nothing is stored.
    """

    dtype: str
    parameters: tuple[str, ...]
    arrays: tuple[str, ...]
    norms: tuple[Expr, ...]
    kept: tuple[tuple[str, str], ...] = ()
    drawn: bool = False


def read_norms(source: str, file: str = "kernel") -> Norms:
    """What the source of an emitted measuring pass measures. Raises UserError where it is not the template."""
    tree = parse(source, file)
    conversions = split_functions(tree, file)
    functions = read_functions(tree, file, FUNCTIONS)
    outer = bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    strip = functions["strip"]
    names = argument_names(strip)
    arrays = names[: len(names) - len(handed) - 3]
    if names != (*arrays, "squares", *BOUNDS, *handed) or not arrays:
        raise unexpected(strip, file, "'strip' takes the arrays, squares, lo, hi and what 'prelude' returns")
    if TAKEN & {*arrays, *parameters, *(a.target for a in prelude)}:
        raise unexpected(strip, file, "one name stands for two things")
    scope = element_scope(handed, arrays, file, outer)
    scope.truths.update(truths_of(prelude) & set(handed))
    lines = [*without_docstring(strip)]
    loop = lines[-1]
    if not isinstance(loop, ast.For) or loop.orelse:
        raise unexpected(strip, file, "'strip' slices every array, and then has a loop over elements")
    squares = [n for n in loop.body if ast.unparse(n).startswith("squares[")]
    if conversions:
        refuse_conversions([*parameters, *arrays, *handed], len(arrays), strip, file)
    read = read_loop(loop.body[: len(loop.body) - len(squares)], arrays, file, drawn=False)
    body = tuple(read_assignment(n, scope, file) for n in read.statements)
    _check_strip(strip, loop, lines, arrays, file)
    _check_block(functions["block"], arrays, handed, len(squares), file)
    over_all = _over_all(functions["roots"], len(squares), file)
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
    norms = (apply(GLOBAL_NORM if k in over_all else NORM, each) for k, each in enumerate(whole))
    kept = tuple((a, read.kept[a]) for a in arrays if a in read.kept)
    return Norms(element_type(tree, file), parameters, arrays, tuple(norms), kept)


def _check_strip(
    strip: ast.FunctionDef, loop: ast.For, lines: list[ast.stmt], arrays: tuple[str, ...], file: str
) -> None:
    """Every array is sliced once, and every element is visited once."""
    slices = [ast.unparse(n) for n in lines if n is not loop]
    over = ast.unparse(loop.target), ast.unparse(loop.iter)
    if slices != [f"{a} = {a}[lo:hi]" for a in arrays] or over != ("i", f"range({arrays[0]}.size)"):
        raise unexpected(strip, file, "'strip' does not visit every element as the template does")


def _check_block(
    block: ast.FunctionDef, arrays: tuple[str, ...], handed: tuple[str, ...], count: int, file: str
) -> None:
    """The elements are taken strip by strip, and the lanes of each norm are added by halves."""
    if (
        not count
        or argument_names(block) != (*arrays, "squares", "sums", "place", *BOUNDS, *handed)
        or _text(block) != ast.unparse(ast.parse(adding(arrays, handed, count)))
    ):
        raise unexpected(block, file, "'block' does not add up squares as the template does")


def _over_all(roots: ast.FunctionDef, count: int, file: str) -> tuple[int, ...]:
    """Which norms are those of all tensors."""
    said = _text(roots)
    columns = tuple(j for j in range(count) if f"total += norms[k, {j}]" in said)
    if argument_names(roots) != ("sums", "blocks", "norms") or said != ast.unparse(ast.parse(rooting(columns))):
        raise unexpected(roots, file, "'roots' does not make norms of the sums as the template does")
    return columns


def _text(function: ast.FunctionDef) -> str:
    return "\n".join(ast.unparse(n) for n in without_docstring(function))


def _squared(node: ast.stmt, k: int, body: tuple[Assignment, ...], file: str) -> str:
    """The name whose squares are those of this norm."""
    match node:
        case ast.AugAssign(value=ast.BinOp(left=ast.Call(args=[ast.Name(id=name)]))):
            if name in {a.target for a in body}:
                expected = f"squares[{k}, i] += np.float64({name}) * np.float64({name})"
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
        f"squares = np.zeros(({count}, {LANES}))",
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
