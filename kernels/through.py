"""A program as a module that runs through time: the second template, beside that of a step in `kernels.emit`.

`prelude` is that of the step. `settled` says when its scalars no longer change, so that they are not made again;
`update` takes one element one step on; the loops around it are the same for every rule (`derive.reading.through`).
Along the first axis of the data a whole row of states walks on at once; along the last the states stay in registers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.errors import UserError
from derive.reading.settling import settled_when
from derive.reading.through import TAKEN, bounds, ending, loops, pack
from derive.rule import Hyperparameter, Rule
from kernels.checks import ENOUGH_FOR_THREADS, LARGE, Check, scalar_checks
from kernels.emit import HEAD, assignment_lines, check_lines, emitted_names, expression, header, renamed
from kernels.program import Program
from kernels.storage import BYTES

# LLVM puts it into the loops; where Numba did that too, compiling would take half as long again.
_UPDATE = '''\
@njit(error_model="numpy", nogil=True)
def {name}({arguments}):
    """{what}"""
{body}
    return {returned}
'''

_TEMPLATE = (
    HEAD
    + '''\
@njit(error_model="numpy", nogil=True, inline="always")
def settled({parameters}):
    """Whether no scalar changes any more after this step, although t does."""
    return {condition}


{update}

{loops}

@njit(error_model="numpy", nogil=True)
def entry({entry_arguments}):
    """With hi < 0: check everything, then run; the answer is 0, the number of a failed check, or {large} for
    more work than one thread should do. Otherwise: do this part of work that has been checked."""
    if hi < 0:
{checks}
        {bounds}
        if {x}.size > {enough}:
            return {large}
{ending}'''
)


def refuse_what_does_not_run(rule: Rule) -> None:
    """Raises UserError for a rule that no data can be run through: one that is no average, or takes norms."""
    if not rule.is_average:
        what = f"{rule.name} updates a parameter, and data are run through averages"
        raise UserError(what, where=rule.where, fix="write a rule of x that returns output and its states")
    if rule.norms:
        raise UserError(f"{rule.name} takes a norm, and a run treats every column for itself", where=rule.where)


def emit_through(program: Program, rule: Rule, notes: Iterable[str] = ()) -> str:
    """The module's source, of the program of an average's step. Names that the template uses itself get a number."""
    names = emitted_names(program, TAKEN)
    program = renamed(program, names)
    hyperparameters = tuple(replace(h, name=names.get(h.name, h.name)) for h in rule.hyperparameters)
    arrays, parameters, handed = program.arrays, program.parameters, program.handed
    settled = settled_when(program.prelude, handed)
    return _TEMPLATE.format(
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(program, rule, _traffic(program)), *notes)),
        dtype=program.dtype,
        conversions="",
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=pack(handed),
        condition=settled if isinstance(settled, bool) else expression(settled, frozenset()),
        update=emit_update(program, (arrays[0], *arrays[2:]), arrays[1:]),
        loops=loops(arrays, parameters, handed),
        entry_arguments=", ".join([*arrays, *parameters, "lo", "hi", "smallest", "along"]),
        checks="\n".join(check_lines(run_checks(hyperparameters))),
        bounds=bounds(arrays),
        x=arrays[0],
        enough=ENOUGH_FOR_THREADS,
        large=LARGE,
        ending=ending(arrays, parameters),
    )


def _traffic(program: Program) -> str:
    """The states stay in registers, or nearby."""
    return f"1 read, 1 write, {bytes_run(program)} bytes"


def bytes_run(program: Program) -> int:
    """Bytes read and written for one element of the data."""
    return 2 * BYTES[program.dtype]


def emit_update(
    program: Program,
    elements: Sequence[str],
    returned: Sequence[str],
    name: str = "update",
    what: str = "One step of one element.",
) -> str:
    """One element one step on: from the elements and the scalars that are handed on, what the arrays become."""
    stores = dict(program.stores)
    return _UPDATE.format(
        name=name,
        what=what,
        arguments=", ".join([*elements, *program.handed]),
        body="\n".join(assignment_lines(program.body, "    ", frozenset())),
        returned=pack([stores.get(array, array) for array in returned]),
    )


def run_checks(hyperparameters: tuple[Hyperparameter, ...]) -> tuple[Check, ...]:
    """Every check of the entry of a run, in order; its arrays are made or looked at before."""
    return scalar_checks(hyperparameters)
