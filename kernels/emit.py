"""A program as a readable Python module: NumPy, Numba and `math`, one fixed template.

`prelude` computes the step's scalars in float64, `span` does the elements from lo to hi, and
`entry` refuses what it must not touch before it calls them. The reader of the project reads the
template back, so that what is compiled can be proved, not only what was meant.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterable, Mapping
from dataclasses import replace
from textwrap import indent

from derive.expr import Apply, Expr, Number, Symbol, fold, substitute
from derive.ops import OPS
from derive.reading import narrow
from derive.reading.norms import BLOCK, LANES, TAKEN, adding, rooting
from derive.rule import Assignment, Hyperparameter, Rule
from kernels.checks import ENOUGH_FOR_THREADS, LARGE, Check, checks
from kernels.program import Program, fresh, operations
from kernels.storage import BYTES
from kernels.version import GENERATOR

RESERVED = frozenset(
    {"abs", "element", "entry", "float", "hi", "i", "lo", "math", "njit", "np"}
    | {"overlap", "prelude", "range", "smallest", "span"}
)

AS_IN_THE_TABLE: Mapping[str, str] = {}  # operations that a template writes otherwise than `derive.ops`
AS_IN_THE_ARITHMETIC: Mapping[str, str] = {}  # the types of arrays that are kept in another one

# How every module begins.
HEAD = '''\
{header}

import math

import numpy as np
from numba import njit

element = np.{dtype}


{conversions}@njit(error_model="numpy", nogil=True, inline="always")
def prelude({parameters}):
    """The scalars of one step, in float64; `element` rounds once to {dtype}."""
{prelude}
    return {handed}


'''

_TEMPLATE = (
    HEAD
    + '''\
@njit(error_model="numpy", nogil=True, inline="always")
def span({span_arguments}):
    """One step of the elements lo to hi."""
{slices}
    for i in range({first}.size):
{body}


@njit(error_model="numpy", nogil=True, inline="always")
def overlap(a, b):
    """Whether two arrays share memory."""
    first, second = a.ctypes.data, b.ctypes.data
    return first < second + b.size * b.itemsize and second < first + a.size * a.itemsize


@njit(error_model="numpy", nogil=True)
def entry({entry_arguments}):
    """With hi < 0: check everything, then step; the answer is 0, the number of a failed check, or {large} for
    more work than one thread should do. Otherwise: do this part of work that has been checked."""
    if hi < 0:
{checks}
        lo, hi = 0, {first}.size
        if hi > {enough}:
            return {large}
    {call_prelude}
{key}    span({span_arguments})
    return 0
'''
)

_NORMS = (
    HEAD
    + '''\
@njit(error_model="numpy", nogil=True, inline="always")
def strip({strip_arguments}):
    """The squares of the elements lo to hi in float64, added to lanes, which are as many or more."""
{slices}
    for i in range({first}.size):
{body}


@njit(error_model="numpy", nogil=True, inline="always")
def block({block_arguments}):
    """The sum of the squares of the elements lo to hi: strip by strip in lanes, a power of two of them, of which the
    second half is added to the first, until one is left."""
{adding}

@njit(error_model="numpy", nogil=True, inline="always")
def roots(sums, blocks, norms):
    """The norms of every tensor, tensor k having the sums blocks[k] to blocks[k + 1]{over_all}."""
{rooting}

@njit(error_model="numpy", nogil=True, inline="always")
def overlap(a, b):
    """Whether two arrays share memory."""
    first, second = a.ctypes.data, b.ctypes.data
    return first < second + b.size * b.itemsize and second < first + a.size * a.itemsize


@njit(error_model="numpy", nogil=True)
def entry({entry_arguments}):
    """With hi < 0: check everything, then measure; the answer is 0, the number of a failed check, or {large} for
    more work than one thread should do. Otherwise: do this part of work that has been checked, whole blocks."""
    if hi < 0:
{checks}
        lo, hi = 0, {first}.size
        if hi > {enough}:
            return {large}
    {call_prelude}
    squares = np.zeros(({count}, {lanes}))
    for place in range(lo // {block}, (hi + {block} - 1) // {block}):
        block({call_block})
    return 0
'''
)


def emit(program: Program, rule: Rule, notes: Iterable[str] = ()) -> str:
    """The module's source. Names that the template uses itself get a number."""
    names = emitted_names(program)
    program = renamed(program, names)
    hyperparameters = tuple(replace(h, name=names.get(h.name, h.name)) for h in rule.hyperparameters)
    handed, arrays, parameters = program.handed, program.arrays, program.parameters
    if program.measures:
        return _emit_norms(program, rule, hyperparameters, notes)
    return _TEMPLATE.format(
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(program, rule, traffic(program)), *notes)),
        dtype=program.dtype,
        conversions=conversions(program),
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=_tuple(handed),
        span_arguments=", ".join([*arrays, "lo", "hi", *([narrow.KEY] if program.drawn else []), *handed]),
        slices="\n".join(f"    {a} = {a}[lo:hi]" for a in arrays),
        first=arrays[0],
        body="\n".join(_element_lines(program) + _stores(program)),
        entry_arguments=", ".join([*arrays, *counters(program), "lo", "hi", "smallest"]),
        key=f"    {narrow.KEY} = key_of(seed, {parameters[0]}, 0)\n" if program.drawn else "",
        checks="\n".join(check_lines(checks(program, hyperparameters))),
        enough=ENOUGH_FOR_THREADS,
        large=LARGE,
        call_prelude=f"{_tuple(handed)} = prelude({', '.join(['float(t)', *parameters[1:]])})",
    )


def _emit_norms(program: Program, rule: Rule, hyperparameters: tuple[Hyperparameter, ...], notes: Iterable[str]) -> str:
    handed, arrays, parameters = program.handed, program.arrays, program.parameters
    squares = [f"        squares[{k}, i] += np.float64({name}) * np.float64({name})"
               for k, (_, name) in enumerate(program.stores)]  # fmt: skip
    over_all = tuple(j for j, name in enumerate(program.stored) if name in program.over_all)
    span = ["place", f"place * {BLOCK}", f"min(place * {BLOCK} + {BLOCK}, hi)"]
    return _NORMS.format(
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(program, rule, traffic(program)), *notes)),
        dtype=program.dtype,
        conversions=conversions(program),
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=_tuple(handed),
        strip_arguments=", ".join([*arrays, "squares", "lo", "hi", *handed]),
        block_arguments=", ".join([*arrays, "squares", "sums", "place", "lo", "hi", *handed]),
        slices="\n".join(f"    {a} = {a}[lo:hi]" for a in arrays),
        adding=indent(adding(arrays, handed, len(program.stores)), "    "),
        over_all=f"; of all tensors: {', '.join(program.stored[j] for j in over_all)}" if over_all else "",
        rooting=indent(rooting(over_all), "    "),
        lanes=LANES,
        count=len(program.stores),
        first=arrays[0],
        body="\n".join(_element_lines(program) + squares),
        entry_arguments=", ".join([*arrays, "sums", *parameters, "lo", "hi", "smallest"]),
        checks="\n".join(check_lines(checks(program, hyperparameters))),
        enough=ENOUGH_FOR_THREADS,
        large=LARGE,
        call_prelude=f"{_tuple(handed)} = prelude({', '.join(['float(t)', *parameters[1:]])})",
        block=BLOCK,
        call_block=", ".join([*arrays, "squares", "sums", *span, *handed]),
    )


def emitted_names(program: Program, template: frozenset[str] = frozenset()) -> dict[str, str]:
    """The names that cannot stand in the module as they are, and what stands for them.

    `template` are further names that the template takes for itself.
    """
    reserved = RESERVED | TAKEN | template if program.measures else RESERVED | template
    reserved |= narrow.taken(len(program.arrays)) if program.kept else frozenset()
    taken = set(program.taken | reserved)
    names: dict[str, str] = {}
    for name in sorted(program.taken):
        if name in reserved or keyword.iskeyword(name) or not name.isidentifier():
            names[name] = fresh(name if name.isidentifier() else "name", taken | {name})
            taken.add(names[name])
    return names


def renamed(program: Program, names: Mapping[str, str]) -> Program:
    """The program under other names."""
    symbols = {old: Symbol(new) for old, new in names.items()}

    def new(name: str) -> str:
        return names.get(name, name)

    def lines(assignments: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        values = substitute((a.value for a in assignments), symbols)
        return tuple(Assignment(new(a.target), v, a.line) for a, v in zip(assignments, values, strict=True))

    return replace(
        program,
        arrays=tuple(map(new, program.arrays)),
        parameters=tuple(map(new, program.parameters)),
        prelude=lines(program.prelude),
        body=lines(program.body),
        stores=tuple((new(array), new(name)) for array, name in program.stores),
        kept=tuple((new(array), kept) for array, kept in program.kept),
        over_all=frozenset(map(new, program.over_all)),
    )


def conversions(program: Program) -> str:
    """The functions that convert what is kept in another type than the element type."""
    loaded, stored = ([program.type_of(a) for a in arrays] for arrays in (program.loads, program.stored))
    return narrow.functions(loaded, [] if program.measures else stored, drawn=program.drawn)


def counters(program: Program) -> tuple[str, ...]:
    """The scalars of the entry: the parameters, and after t the seed of random bits."""
    t, *others = program.parameters
    return (t, "seed", *others) if program.drawn else program.parameters


def expression(
    value: Expr,
    arrays: frozenset[str],
    spelling: Mapping[str, str] = AS_IN_THE_TABLE,
    kept: Mapping[str, str] = AS_IN_THE_ARITHMETIC,
) -> str:
    """Python source for the value; the arrays stand for their element `i`, converted where they are `kept` otherwise.

    `spelling` are operations that are written otherwise than in the table.
    """

    def symbol(s: Symbol) -> str:
        return narrow.element(s.name, kept) if s.name in arrays else s.name

    def application(node: Apply, args: tuple[str, ...]) -> str:
        return spelling.get(node.op, OPS[node.op].numba).format(*args)

    [text] = fold([value], symbol=symbol, number=_number, apply=application)
    return ast.unparse(ast.parse(text, mode="eval"))  # leaves out the brackets that change nothing


def _number(number: Number) -> str:
    return f"({float(number.value)!r})"


def assignment_lines(
    assignments: Iterable[Assignment],
    indent: str,
    arrays: frozenset[str],
    spelling: Mapping[str, str] = AS_IN_THE_TABLE,
    kept: Mapping[str, str] = AS_IN_THE_ARITHMETIC,
) -> list[str]:
    return [f"{indent}{a.target} = {expression(a.value, arrays, spelling, kept)}" for a in assignments]


def _element_lines(program: Program) -> list[str]:
    kept = dict(program.kept)
    return assignment_lines(program.body, "        ", frozenset(program.arrays), kept=kept)


def _stores(program: Program) -> list[str]:
    lines = narrow.store_lines(program.stores, dict(program.kept), drawn=program.drawn)
    return [f"        {line}" for line in lines]


def _tuple(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)},)" if len(names) == 1 else f"({', '.join(names)})"


def check_lines(table: tuple[Check, ...]) -> list[str]:
    return [f"        if {check.condition}:\n            return {k}" for k, check in enumerate(table, 1)]


def bytes_per_element(program: Program) -> int:
    """Bytes read and written for one element."""
    written = () if program.measures else program.stored
    return sum(BYTES[program.type_of(array)] for array in (*program.loads, *written))


def _writes(program: Program) -> int:
    """Writes for one element; a sum of squares is none."""
    return 0 if program.measures else len(program.stores)


def header(program: Program, rule: Rule, traffic: str) -> list[str]:
    """What a module says of itself; `traffic` is what it moves for one element."""
    counts = ", ".join(f"{count} {op}" for op, count in operations(program).items())
    return [
        f"{rule.name}, {kept_in(program)}. Generated by {GENERATOR}; changes made here are lost.",
        *([str(rule.reference)] if str(rule.reference) else []),
        f"An element: {traffic}; {counts or 'no operations'}.",
        "Strict IEEE arithmetic: no fast-math, no contraction, every scalar rounded once.",
        *(
            [f"Kept in 16 bits: {_listed(program.kept)}; converted exactly, {_rounded(program)}."]
            if program.kept
            else []
        ),
    ]


def kept_in(program: Program) -> str:
    """The types of the arrays, where there are several with their names."""
    types = {program.type_of(array) for array in program.arrays}
    if len(types) == 1:
        return types.pop()
    return _listed([(array, program.type_of(array)) for array in program.arrays])


def _listed(kept: Iterable[tuple[str, str]]) -> str:
    groups: dict[str, list[str]] = {}
    for array, name in kept:
        groups.setdefault(name, []).append(array)
    return ", ".join(f"{' '.join(arrays)} {name}" for name, arrays in groups.items())


def _rounded(program: Program) -> str:
    if program.drawn:
        return "rounded once when stored, by random bits of the seed, t, the tensor and the element"
    return "rounded once when stored, to nearest, ties to even"


def traffic(program: Program) -> str:
    """What is read and written for one element."""
    return f"{len(program.loads)} reads, {_writes(program)} writes, {bytes_per_element(program)} bytes"


_FUNCTION = """\
import math

import numpy as np
from numba import njit


@njit(error_model="numpy", nogil=True)
def over({arguments}, out):
    for i in range(out.size):
        out[i] = {value}
"""


def function_source(op: str) -> str:
    """A module whose `over(arguments..., out)` does one operation of the table on every element."""
    names = [f"x{k}" for k in range(OPS[op].arity)]
    value = expression(Apply(op, tuple(Symbol(n) for n in names)), frozenset(names))
    return _FUNCTION.format(arguments=", ".join(names), value=value)
