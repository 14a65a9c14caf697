"""Emitted modules for CUDA cards: their text, written here once for whoever emits it, and read back.

A step is `prelude` on the host, `span` on the card, and `launch`, which hands the one's scalars to the other; of a
measuring pass `measure` adds up the squares of blocks. Everything but the scalars and the lines of an element is the
fixed text below: the reader takes those lines out, reads them, makes the text again around them, and compares.

A product on the card is `fmul_rn` or `dmul_rn`, rounded for itself: Numba-CUDA leaves it to NVVM to contract a plain
`a * b + c` into one operation with one rounding, and does so although fastmath is off.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from textwrap import indent

from derive.expr import GLOBAL_NORM, NORM, Expr, Symbol, apply, substitute
from derive.reading.kernel import (
    RESERVED,
    Kernel,
    argument_names,
    element_scope,
    element_type,
    read_assignment,
    read_prelude,
    truths_of,
    unexpected,
    without_docstring,
)
from derive.reading.limits import parse
from derive.reading.norms import BLOCK, LANES, Norms
from derive.reading.python.bindings import Binding, bindings
from derive.reading.through import pack
from derive.rule import Assignment, inline

IMPORTS = (
    "import math",
    "import numpy as np",
    "from numba import cuda, njit",
    "from numba.cuda.libdevice import dmul_rn, fmul_rn",
)
STRICT = "cuda.jit(fastmath=False)"
ON_THE_HOST = "njit(error_model='numpy', nogil=True, inline='always')"
PRODUCT = {"float32": "fmul_rn", "float64": "dmul_rn"}
TAKEN = frozenset(
    {"blocks", "cuda", "dmul_rn", "first", "fmul_rn", "half", "k", "launch", "measure", "min", "place", "row", "size"}
    | {"stream", "sums", "thread", "threads", "walk", "width"}
)

_SPAN = '''\
@cuda.jit(fastmath=False)
def span({arguments}):
    """One step: every thread takes an element, and walks on by as many as there are threads."""
    i, size, walk = np.uint64(cuda.grid(1)), np.uint64({first}.size), np.uint64(cuda.gridsize(1))
    while i < size:
{body}
        i += walk
'''

_LAUNCH = '''\
def launch({arguments}, blocks, threads, stream):
    """The scalars once, here; then every element, on the card."""
    {handed} = prelude({given})
    span[blocks, threads, stream]({passed})
'''

_MEASURE = '''\
@cuda.jit(fastmath=False)
def measure({arguments}):
    """The squares of {block} elements in float64, added to lanes, a power of two of them, of which the second half is
    then added to the first, until one is left. A block of threads does this, whatever their number."""
    row = cuda.shared.array({lanes}, np.float64)
    place, thread, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    first = place * {block}
    size = min({first}.size - first, {block})
    width = 1
    while width < min(size, {lanes}):
        width *= 2
{sections}'''

_SECTION = """\
for k in range(thread, width, threads):
    row[k] = 0.0
    for i in range(first + k, first + size, {lanes}):
{body}
        row[k] += dmul_rn(np.float64({name}), np.float64({name}))
cuda.syncthreads()
half = width // 2
while half > 0:
    for k in range(thread, half, threads):
        row[k] += row[k + half]
    cuda.syncthreads()
    half //= 2
if thread == 0:
    sums[place, {number}] = row[0]
cuda.syncthreads()
"""
_SECTION_LENGTH = len(ast.parse(_SECTION.format(body="        pass", name="x", number=0, lanes=LANES)).body)
_BEFORE_SECTIONS = 6  # statements of `measure`

_LAUNCH_MEASURE = '''\
def launch({arguments}, blocks, threads, stream):
    """The scalars once, here; then the sums of the squares of every block, on the card. The answer is which of the
    norms are those of all tensors."""
    {handed} = prelude({given})
    measure[blocks, threads, stream]({passed})
    return {over_all}
'''


def span_text(arrays: Sequence[str], handed: Sequence[str], lines: Sequence[str]) -> str:
    """The step of every element; `lines` are those of one, `a[i]` being the element of the array a."""
    return _SPAN.format(
        arguments=", ".join([*arrays, *handed]), first=arrays[0], body=indent("\n".join(lines), " " * 8)
    )


def measure_text(arrays: Sequence[str], handed: Sequence[str], norms: Sequence[tuple[Sequence[str], str]]) -> str:
    """The sums of squares; of each norm the lines of an element, and the name of what is squared."""
    sections = [
        _SECTION.format(body=indent("\n".join(lines), " " * 8), name=name, number=number, lanes=LANES)
        for number, (lines, name) in enumerate(norms)
    ]
    arguments = ", ".join([*arrays, "sums", *handed])
    text = indent("".join(sections), "    ")
    return _MEASURE.format(arguments=arguments, block=BLOCK, lanes=LANES, first=arrays[0], sections=text)


def launch_text(
    arrays: Sequence[str],
    parameters: Sequence[str],
    handed: Sequence[str],
    truths: set[str],
    *,
    measures: bool = False,
    over_all: tuple[int, ...] = (),
) -> str:
    """What the host does; scalars that hold no truth value are handed on in the element type.

    Of what is measured the norms with the numbers `over_all` are those of all tensors.
    """
    named = [*arrays, "sums"] if measures else [*arrays]
    typed = [name if name in truths else f"element({name})" for name in handed]
    return (_LAUNCH_MEASURE if measures else _LAUNCH).format(
        arguments=", ".join([*named, *parameters]),
        handed=pack(tuple(handed)),
        given=", ".join(f"float({p})" if p == "t" else p for p in parameters),
        passed=", ".join([*named, *typed]),
        over_all=over_all,
    )


# Reading


def read_cuda(source: str, file: str = "kernel") -> Kernel:
    """What the source of a step emitted for a card computes. Raises UserError where it is not the template."""
    tree = parse(source, file)
    functions, outer = _functions(tree, ("prelude", "span", "launch"), file), bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    span, truths = functions["span"], truths_of(prelude) & {*handed}
    arrays = _arrays(span, handed, (), file)
    lines = _only_loop(span, file)
    body = _element(lines, arrays, handed, truths, element_type(tree, file), file, outer)
    _refuse_clashes([*arrays, *parameters, *(a.target for a in prelude)], body, span, file)
    texts = (
        span_text(arrays, handed, [ast.unparse(n) for n in lines]),
        launch_text(arrays, parameters, handed, truths),
    )
    _compare([span, functions["launch"]], texts, file)
    return Kernel(element_type(tree, file), parameters, arrays, prelude, handed, body)


def read_cuda_norms(source: str, file: str = "kernel") -> Norms:
    """What the source of a measuring pass for a card measures. Raises UserError where it is not the template."""
    tree = parse(source, file)
    functions, outer = _functions(tree, ("prelude", "measure", "launch"), file), bindings(tree.body)
    parameters, prelude, handed = read_prelude(functions["prelude"], file, outer)
    measure, truths = functions["measure"], truths_of(prelude) & {*handed}
    arrays = _arrays(measure, handed, ("sums",), file)
    sections, elements = [], []
    scalars = inline(prelude)
    given = {name: scalars.get(name, Symbol(name)) for name in handed}
    given |= {f"{array}[]": Symbol(array) for array in arrays}
    for lines, name in _sections(measure, file):
        body = _element(lines, arrays, handed, truths, element_type(tree, file), file, outer)
        _refuse_clashes([*arrays, *parameters, *(a.target for a in prelude)], body, measure, file)
        elements.append(_squared(name, body, given, measure, file))
        sections.append(([ast.unparse(n) for n in lines], name))
    over_all = _over_all(functions["launch"], len(elements), file)
    texts = (
        measure_text(arrays, handed, sections),
        launch_text(arrays, parameters, handed, truths, measures=True, over_all=over_all),
    )
    _compare([measure, functions["launch"]], texts, file)
    norms = (apply(GLOBAL_NORM if k in over_all else NORM, each) for k, each in enumerate(elements))
    return Norms(element_type(tree, file), parameters, arrays, tuple(norms))


def _over_all(launch: ast.FunctionDef, count: int, file: str) -> tuple[int, ...]:
    """Which norms are those of all tensors."""
    said = ast.unparse(launch.body[-1])
    found = tuple(k for k in range(count) if k in _numbers(launch.body[-1]))
    if said != f"return {found}":
        raise unexpected(launch, file, "'launch' answers which norms are those of all tensors")
    return found


def _numbers(node: ast.stmt) -> set[object]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}


def _functions(tree: ast.Module, names: tuple[str, ...], file: str) -> dict[str, ast.FunctionDef]:
    """The functions, after the imports and the element type, and nothing else; `prelude` is compiled strictly."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    others = [n for n in tree.body if not isinstance(n, ast.FunctionDef)]
    if tuple(f.name for f in functions) != names:
        raise unexpected(tree, file, f"a kernel for a card has the functions {', '.join(names)}")
    texts = [ast.unparse(n) for n in others]
    if tuple(texts[:-1]) != IMPORTS or texts[-1] not in ("element = np.float32", "element = np.float64"):
        raise unexpected(
            others[0] if others else tree, file, "a kernel for a card has four imports and its element type"
        )
    for function, decorators in zip(functions, ([ON_THE_HOST], [STRICT], []), strict=True):
        if [ast.unparse(d) for d in function.decorator_list] != decorators:
            raise unexpected(function, file, f"'{function.name}' is not compiled strictly")
        if ast.unparse(function.args) != ", ".join(argument_names(function)):
            raise unexpected(function, file, f"'{function.name}' takes plain arguments only")
    return {f.name: f for f in functions}


def _arrays(function: ast.FunctionDef, handed: tuple[str, ...], after: tuple[str, ...], file: str) -> tuple[str, ...]:
    names = argument_names(function)
    arrays = names[: len(names) - len(after) - len(handed)]
    if names != (*arrays, *after, *handed) or not arrays or len({*names}) < len(names):
        raise unexpected(function, file, f"'{function.name}' takes the arrays and what 'prelude' returns")
    return arrays


def _only_loop(span: ast.FunctionDef, file: str) -> list[ast.stmt]:
    match without_docstring(span):
        case [ast.Assign(), ast.While(body=[*lines, ast.AugAssign()])]:
            return lines
    raise unexpected(span, file, "'span' is one loop over elements")


def _sections(measure: ast.FunctionDef, file: str) -> list[tuple[list[ast.stmt], str]]:
    """Of each norm the lines of an element, and the name that is squared."""
    statements = [*without_docstring(measure)][_BEFORE_SECTIONS:]
    found = []
    for loop in statements[::_SECTION_LENGTH]:
        match loop:
            case ast.For(body=[_, ast.For(body=[*lines, ast.AugAssign(value=ast.Call(args=[square, _]))])]):
                found.append((lines, ast.unparse(square).removeprefix("np.float64(").removesuffix(")")))
            case _:
                raise unexpected(loop, file, "'measure' squares the elements of a block for each norm")
    return found


def _element(
    lines: Sequence[ast.stmt],
    arrays: tuple[str, ...],
    handed: tuple[str, ...],
    truths: set[str],
    dtype: str,
    file: str,
    outer: dict[str, Binding],
) -> tuple[Assignment, ...]:
    """The assignments for one element, in which no product can be contracted with a sum."""
    for node in (n for line in lines for n in ast.walk(line)):
        if isinstance(node, ast.Mult):
            raise unexpected(lines[0], file, f"a plain product may be contracted with a sum: {PRODUCT[dtype]}(a, b)")
    scope = element_scope(handed, arrays, file, outer)
    scope.functions = {"element": "cast", PRODUCT[dtype]: "mul"}
    scope.truths.update(truths)
    return tuple(read_assignment(n, scope, file) for n in lines)


def _squared(
    name: str, body: tuple[Assignment, ...], given: dict[str, Expr], measure: ast.FunctionDef, file: str
) -> Expr:
    after = inline(body)
    if name not in after or any(a.target.endswith("[]") for a in body):
        raise unexpected(measure, file, "'measure' squares what it has computed, and stores nothing else")
    return substitute([after[name]], given)[0]


def _refuse_clashes(names: list[str], body: tuple[Assignment, ...], at: ast.FunctionDef, file: str) -> None:
    """Arrays, parameters and scalars have names of their own, which neither the template nor an element takes."""
    inner = {a.target for a in body if not a.target.endswith("[]")}
    if len({*names}) < len(names) or (TAKEN | RESERVED) & {*names} or (TAKEN | {*names}) & inner:
        raise unexpected(at, file, "one name stands for two things")


def _compare(found: Sequence[ast.FunctionDef], texts: Sequence[str], file: str) -> None:
    for function, text in zip(found, texts, strict=True):
        if ast.dump(function) != ast.dump(ast.parse(text).body[0]):
            raise unexpected(function, file, f"'{function.name}' is not that of the template")
