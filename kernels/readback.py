"""The emitted source read again, as a stranger would read it, and proved equal to the rule."""

from __future__ import annotations

from collections.abc import Mapping

from derive.errors import UserError
from derive.expr import GLOBAL_NORM, NORM, Expr, Symbol, apply, substitute
from derive.proving import Assumptions, Verdict, identity
from derive.reading import cuda
from derive.reading.descent import Descent, read_descent
from derive.reading.kernel import Kernel, read_kernel
from derive.reading.norms import Norms, read_norms
from derive.reading.through import TAKEN, Through, read_through
from kernels.descent import Descending
from kernels.emit import emitted_names
from kernels.program import Program


def read_back(source: str, program: Program) -> dict[str, Expr]:
    """What the source stores into each array, in the rule's names and the values before the step.

    Of a measuring pass, the norms, by their names.
    Raises UserError where it is not the template, or is called otherwise than the program is.
    """
    kernel = read_norms(source, program.name) if program.measures else read_kernel(source, program.name)
    return _in_names_of(program, kernel, emitted_names(program))


def read_back_through(source: str, program: Program) -> dict[str, Expr]:
    """`read_back` of a run through time: what one step of one element makes of the output and the states."""
    return _in_names_of(program, read_through(source, program.name), emitted_names(program, TAKEN))


def read_back_descent(
    source: str, programs: Descending, kind: str
) -> tuple[dict[str, Expr], dict[str, Expr], tuple[Expr, ...]]:
    """Of a descent: what a step makes of theta and the states, the point of the query, how the states begin. Norms are
    written out."""
    read = read_descent(source, kind, programs.asks, programs.shape.norms, programs.step.name)
    symbols = {new: Symbol(old) for old, new in programs.names.items()}
    [*begun] = substitute(read.begun, symbols)
    step = _in_names_of(programs.step, read, programs.names)
    if programs.norms is not None:
        elements = dict(zip(programs.norms.stored, substitute(read.elements, symbols), strict=True))
        step = with_norms(step, norms_of(elements, programs.norms))
    if programs.query is None or read.asked is None:
        return step, {}, tuple(begun)
    [asked] = substitute([read.asked], symbols)
    return step, {programs.query.arrays[-1]: asked}, tuple(begun)


def read_back_cuda(source: str, program: Program) -> dict[str, Expr]:
    """`read_back` of what is emitted for a card."""
    kernel = (cuda.read_cuda_norms if program.measures else cuda.read_cuda)(source, program.name)
    return _in_names_of(program, kernel, emitted_names(program, cuda.TAKEN))


def _in_names_of(
    program: Program, kernel: Kernel | Norms | Through | Descent, names: Mapping[str, str]
) -> dict[str, Expr]:
    """What was read in the program's names; `names` are those it was emitted with."""
    arrays = tuple(names.get(a, a) for a in program.arrays)
    parameters = tuple(names.get(p, p) for p in program.parameters)
    if (kernel.dtype, kernel.arrays, kernel.parameters) != (program.dtype, arrays, parameters):
        raise UserError("the source is not called as the program is", where=program.name, fix="generate it again")
    if not isinstance(kernel, Through | Descent):
        seen = {*program.loads, *program.stored}
        kept = tuple((names.get(a, a), name) for a, name in program.kept if a in seen)
        if (kernel.kept, kernel.drawn) != (kept, program.drawn):
            what = "the source does not keep its arrays, or round them, as the program does"
            raise UserError(what, where=program.name, fix="generate it again")
    original = {new: old for old, new in names.items()}
    symbols = {new: Symbol(old) for new, old in original.items()}
    if isinstance(kernel, Norms):
        return dict(zip(program.stored, substitute(kernel.norms, symbols), strict=True))
    values = substitute(kernel.step.values(), symbols)
    return {original.get(array, array): value for array, value in zip(kernel.step, values, strict=True)}


def norms_of(values: Mapping[str, Expr], program: Program) -> dict[str, Expr]:
    """The norms that a program measures, from the elements whose squares it adds up."""
    return {n: apply(GLOBAL_NORM if n in program.over_all else NORM, value) for n, value in values.items()}


def with_norms(values: Mapping[str, Expr], norms: Mapping[str, Expr]) -> dict[str, Expr]:
    """What is stored, every scalar that stands for a norm written out."""
    return dict(zip(values, substitute(values.values(), norms), strict=True))


def equal(values: Mapping[str, Expr], goals: Mapping[str, Expr], assumptions: Assumptions) -> Verdict:
    """Whether what is stored is what the rule wants; an array that one of them leaves alone keeps its value."""
    arrays = dict.fromkeys((*goals, *values))
    kept = {array: Symbol(array) for array in arrays}
    return identity([(goals.get(a, kept[a]), values.get(a, kept[a])) for a in arrays], assumptions)
