"""A rule as people write it by hand: in NumPy, as a plain Numba loop, as C; each from the rule's own program."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from derive.errors import UserError
from derive.expr import Apply, Expr, Symbol, fold
from derive.ops import OPS
from derive.rule import Assignment, Rule
from kernels.emit import expression
from kernels.passes.powers import Powers
from kernels.pipeline import programs
from kernels.program import Program, rewritten

Array = np.ndarray[Any, Any]
Step = Callable[[Mapping[str, Array], int], None]  # of the arrays by name, and t

C_NAMES = {"float32": "float", "float64": "double"}
_C = {
    "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "div": "({} / {})", "neg": "(-{})",
    "lt": "({} < {})", "le": "({} <= {})", "gt": "({} > {})", "ge": "({} >= {})",
    "eq": "({} == {})", "ne": "({} != {})",
    "and": "({} && {})", "or": "({} || {})", "not": "(!{})", "where": "({} ? {} : {})", "cast": "((element){})",
    "abs": "fabs({})", "min": "fmin({}, {})", "max": "fmax({}, {})", "sign": "(({0} > 0) - ({0} < 0))",
}  # fmt: skip


def numpy_step(rule: Rule, dtype: str) -> Step:
    """Line by line over whole arrays, the results stored in place."""
    program, settings = _as_written(rule, dtype), _settings(rule)
    element = np.dtype(dtype).type

    def operate(node: Apply, args: tuple[Any, ...]) -> Any:
        if node.op == "cast":
            return args[0] if isinstance(args[0], bool | np.bool_) else element(args[0])
        return getattr(np, OPS[node.op].numpy)(*args)

    def step(arrays: Mapping[str, Array], t: int) -> None:
        values: dict[str, Any] = {**arrays, **settings, "t": float(t)}
        for line in (*program.prelude, *program.body):
            [values[line.target]] = fold(
                [line.value], symbol=lambda s: values[s.name], number=lambda n: float(n.value), apply=operate
            )
        for array, name in program.stores:
            arrays[array][...] = values[name]

    return step


def numba_step(rule: Rule, dtype: str) -> Step:
    """One loop with the formulas of the paper, numbers as Numba takes them: no types, no error model, one thread."""
    from kernels.running.load import module_from_text

    program = _as_written(rule, dtype)
    arrays, names = frozenset(program.arrays), [*program.arrays, *program.parameters]

    def lines(assignments: Iterable[Assignment], indent: str) -> list[str]:
        return [f"{indent}{a.target} = {expression(_without_casts(a.value), arrays)}" for a in assignments]

    text = "\n".join([
        "import math", "import numpy as np", "from numba import njit", "", "@njit", f"def step({', '.join(names)}):",
        *lines(program.prelude, "    "), f"    for i in range({program.arrays[0]}.size):",
        *lines(program.body, "        "), *[f"        {array}[i] = {name}" for array, name in program.stores],
    ])  # fmt: skip
    made = module_from_text(f"by_hand_{rule.name}_{dtype}", f"<{rule.name} by hand>", text + "\n").step
    settings = [_settings(rule)[name] for name in program.parameters[1:]]

    def step(given: Mapping[str, Array], t: int) -> None:
        made(*(given[name] for name in program.arrays), float(t), *settings)

    return step


def c_step(rule: Rule, dtype: str) -> Step:
    """The same loop in C, by `gcc -O3 -march=native`, with OpenMP's threads. Raises UserError without a compiler.

    Without -fno-math-errno gcc does not vectorise a root, as it might have to set errno; results stay the same.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise UserError("no C compiler", fix="install gcc")
    program = programs(rule, dtype).final
    folder = Path(tempfile.mkdtemp(prefix="derive-bench-"))
    try:
        (folder / "step.c").write_text(c_source(program))
        command = [
            compiler,
            "-O3",
            "-march=native",
            "-fno-math-errno",
            "-fopenmp",
            "-shared",
            "-fPIC",
            "step.c",
            "-o",
            "step.so",
            "-lm",
        ]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        made = ctypes.CDLL(str(folder / "step.so")).step
    except (subprocess.CalledProcessError, OSError) as error:
        raise UserError(f"{compiler} could not compile the step", fix="is OpenMP installed?") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    made.argtypes = [
        *[ctypes.c_void_p] * len(program.arrays),
        ctypes.c_long,
        *[ctypes.c_double] * len(program.parameters),
    ]
    made.restype = None
    settings = [_settings(rule)[name] for name in program.parameters[1:]]

    def step(given: Mapping[str, Array], t: int) -> None:
        rows = [given[name] for name in program.arrays]
        made(*(a.ctypes.data for a in rows), rows[0].size, float(t), *settings)

    return step


def c_source(program: Program) -> str:
    """The program as a C function of its arrays, their size and its parameters."""
    arrays = frozenset(program.arrays)
    names = [
        *[f"element *restrict {a}" for a in program.arrays],
        "long size",
        *[f"double {p}" for p in program.parameters],
    ]
    body = [f"        element {a.target} = {_c(a.value, arrays)};" for a in program.body]
    stores = [f"        {array}[i] = {name};" for array, name in program.stores]
    prelude = [f"    {_c_type(a.value)} {a.target} = {_c(a.value, arrays)};" for a in program.prelude]
    return "\n".join([
        "#include <tgmath.h>", f"typedef {C_NAMES[program.dtype]} element;", f"void step({', '.join(names)}) {{",
        *prelude, "    #pragma omp parallel for simd schedule(static)", "    for (long i = 0; i < size; i++) {",
        *body, *stores, "    }", "}", "",
    ])  # fmt: skip


def _c(value: Expr, arrays: frozenset[str]) -> str:
    def symbol(s: Symbol) -> str:
        return f"{s.name}[i]" if s.name in arrays else s.name

    def operate(node: Apply, args: tuple[str, ...]) -> str:
        form = _C.get(node.op) or f"{node.op}({', '.join('{}' for _ in args)})"
        return form.format(*args)

    return fold([value], symbol=symbol, number=lambda n: f"({float(n.value)!r})", apply=operate)[0]


def _c_type(value: Expr) -> str:
    return "element" if isinstance(value, Apply) and value.op == "cast" else "double"


def _as_written(rule: Rule, dtype: str) -> Program:
    """The rule's operations in the order of its paper; whole powers are products, as everybody writes them."""
    return Powers().apply(programs(rule, dtype).lowered)


def _without_casts(value: Expr) -> Expr:
    return rewritten(value, lambda node, args: args[0] if node.op == "cast" else Apply(node.op, args))


def _settings(rule: Rule) -> dict[str, float]:
    return {name: float(value) for name, value in rule.defaults.items()}
