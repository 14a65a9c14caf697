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
from derive.reading.norms import ADDING, BLOCK, TAKEN
from derive.rule import Assignment, Hyperparameter, Rule
from kernels.checks import ENOUGH_FOR_THREADS, LARGE, Check, checks
from kernels.program import Program, fresh, operations
from kernels.version import GENERATOR

RESERVED = frozenset(
    {"abs", "element", "entry", "float", "hi", "i", "lo", "math", "njit", "np"}
    | {"overlap", "prelude", "range", "smallest", "span"}
)

AS_IN_THE_TABLE: Mapping[str, str] = {}  # operations that a template writes otherwise than `derive.ops`

# How every module begins.
HEAD = '''\
{header}

import math

import numpy as np
from numba import njit

element = np.{dtype}


@njit(error_model="numpy", nogil=True, inline="always")
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
    """Whether two arrays of one size share memory."""
    first, second, size = a.ctypes.data, b.ctypes.data, a.size * a.itemsize
    return size > 0 and first < second + size and second < first + size


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
    span({span_arguments})
    return 0
'''
)

_NORMS = (
    HEAD
    + '''\
@njit(error_model="numpy", nogil=True, inline="always")
def block({block_arguments}):
    """The squares of the elements lo to hi in float64, added by halves: zeros fill them up to a power of two, then the
    second half is added to the first, until one is left."""
{slices}
    for i in range({first}.size):
{body}
{adding}

@njit(error_model="numpy", nogil=True, inline="always")
def overlap(a, b):
    """Whether two arrays of one size share memory."""
    first, second, size = a.ctypes.data, b.ctypes.data, a.size * a.itemsize
    return size > 0 and first < second + size and second < first + size


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
    squares = np.zeros(({count}, {block}))
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
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=_tuple(handed),
        span_arguments=", ".join([*arrays, "lo", "hi", *handed]),
        slices="\n".join(f"    {a} = {a}[lo:hi]" for a in arrays),
        first=arrays[0],
        body="\n".join(assignment_lines(program.body, "        ", frozenset(arrays)) + _stores(program)),
        entry_arguments=", ".join([*arrays, *parameters, "lo", "hi", "smallest"]),
        checks="\n".join(check_lines(checks(program, hyperparameters))),
        enough=ENOUGH_FOR_THREADS,
        large=LARGE,
        call_prelude=f"{_tuple(handed)} = prelude({', '.join(['float(t)', *parameters[1:]])})",
    )


def _emit_norms(program: Program, rule: Rule, hyperparameters: tuple[Hyperparameter, ...], notes: Iterable[str]) -> str:
    handed, arrays, parameters = program.handed, program.arrays, program.parameters
    squares = [f"        squares[{k}, i] = np.float64({name}) * np.float64({name})"
               for k, (_, name) in enumerate(program.stores)]  # fmt: skip
    span = ["place", f"place * {BLOCK}", f"min(place * {BLOCK} + {BLOCK}, hi)"]
    return _NORMS.format(
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(program, rule, traffic(program)), *notes)),
        dtype=program.dtype,
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=_tuple(handed),
        block_arguments=", ".join([*arrays, "squares", "sums", "place", "lo", "hi", *handed]),
        slices="\n".join(f"    {a} = {a}[lo:hi]" for a in arrays),
        adding=indent(ADDING.format(first=arrays[0], count=len(program.stores)), "    "),
        count=len(program.stores),
        first=arrays[0],
        body="\n".join(assignment_lines(program.body, "        ", frozenset(arrays)) + squares),
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
    )


def expression(value: Expr, arrays: frozenset[str], spelling: Mapping[str, str] = AS_IN_THE_TABLE) -> str:
    """Python source for the value; the arrays stand for their element `i`.

    `spelling` are operations that are written otherwise than in the table.
    """

    def symbol(s: Symbol) -> str:
        return f"{s.name}[i]" if s.name in arrays else s.name

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
) -> list[str]:
    return [f"{indent}{a.target} = {expression(a.value, arrays, spelling)}" for a in assignments]


def _stores(program: Program) -> list[str]:
    return [f"        {array}[i] = {name}" for array, name in program.stores]


def _tuple(names: tuple[str, ...]) -> str:
    return f"({', '.join(names)},)" if len(names) == 1 else f"({', '.join(names)})"


def check_lines(table: tuple[Check, ...]) -> list[str]:
    return [f"        if {check.condition}:\n            return {k}" for k, check in enumerate(table, 1)]


def bytes_per_element(program: Program) -> int:
    """Bytes read and written for one element."""
    return (len(program.loads) + _writes(program)) * {"float32": 4, "float64": 8}[program.dtype]


def _writes(program: Program) -> int:
    """Writes for one element; a sum of squares is none."""
    return 0 if program.measures else len(program.stores)


def header(program: Program, rule: Rule, traffic: str) -> list[str]:
    """What a module says of itself; `traffic` is what it moves for one element."""
    counts = ", ".join(f"{count} {op}" for op, count in operations(program).items())
    return [
        f"{rule.name}, {program.dtype}. Generated by {GENERATOR}; changes made here are lost.",
        *([str(rule.reference)] if str(rule.reference) else []),
        f"An element: {traffic}; {counts or 'no operations'}.",
        "Strict IEEE arithmetic: no fast-math, no contraction, every scalar rounded once.",
    ]


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
