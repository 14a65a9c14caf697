"""A program as a module for a CUDA card: the second emitter, beside that of processors in `kernels.emit`.

`prelude` is the same text as on a processor, compiled there; `span` does every element on the card, or `measure` the
sums of squares that norms are made of, in the tree of `kernels.norms`; `launch` hands the scalars on. The fixed part
of the text stands where it is read back, in `derive.reading.cuda`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from derive.reading.cuda import PRODUCT, TAKEN, launch_text, measure_text, span_text
from derive.reading.through import pack
from derive.rule import Rule
from kernels.certify import Template
from kernels.emit import HEAD, assignment_lines, emitted_names, header, renamed, traffic
from kernels.program import Program, is_truth, without_unused
from kernels.readback import read_back_cuda

_HEAD = HEAD.replace(
    "from numba import njit", "from numba import cuda, njit\nfrom numba.cuda.libdevice import dmul_rn, fmul_rn"
)


def emit_cuda(program: Program, rule: Rule, notes: Iterable[str] = ()) -> str:
    """The module's source. Names that the template uses itself get a number."""
    program = renamed(program, emitted_names(program, TAKEN))
    arrays, parameters, handed = program.arrays, program.parameters, program.handed
    truths = {a.target for a in program.prelude if is_truth(a.value)} & {*handed}
    head = _HEAD.format(
        header="\n".join(f"# {' '.join(line.split())}" for line in (*header(program, rule, traffic(program)), *notes)),
        dtype=program.dtype,
        conversions="",
        parameters=", ".join(parameters),
        prelude="\n".join(assignment_lines(program.prelude, "    ", frozenset())),
        handed=pack(handed),
    )
    if program.measures:
        norms = [(_lines(replace(program, stores=(store,))), store[1]) for store in program.stores]
        work = measure_text(arrays, handed, norms)
    else:
        work = span_text(
            arrays, handed, [*_lines(program), *(f"{array}[i] = {name}" for array, name in program.stores)]
        )
    over_all = tuple(k for k, name in enumerate(program.stored) if name in program.over_all)
    launch = launch_text(arrays, parameters, handed, truths, measures=program.measures, over_all=over_all)
    return f"{head}{work}\n\n{launch}"


def _lines(program: Program) -> list[str]:
    """What is computed for one element; a product is an operation that cannot be contracted."""
    spelling = {"mul": f"{PRODUCT[program.dtype]}({{}}, {{}})"}
    return assignment_lines(without_unused(program).body, "", frozenset(program.arrays), spelling)


TEMPLATE = Template(emit_cuda, read_back_cuda)
