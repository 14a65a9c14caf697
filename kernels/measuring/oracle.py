"""The program interpreted one operation at a time in NumPy: what a kernel's bits are compared with.

Scalars are float64, elements have the element type. NumPy's own operations do + - * / sqrt,
comparisons, selects and conversions, which IEEE 754 fixes to the bit. Library functions (exp,
log, pow, ...) differ between NumPy and a compiled kernel in the last place; for these the oracle
compiles the same scalar function, which the tests compare with ball arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np

from derive.expr import Apply, Number, fold
from derive.ops import OPS, Rounding
from kernels.measuring.narrow import at_random, random_bits, random_words, to_nearest
from kernels.program import Program
from kernels.storage import numpy_dtype

Array = np.ndarray[Any, Any]
T = TypeVar("T")


def interpret(
    program: Program,
    arrays: Mapping[str, Array],
    scalars: Mapping[str, float],
    *,
    library: str = "compiled",
    seed: int | None = None,
    tensor: int = 0,
) -> dict[str, Array]:
    """What each stored array receives; `arrays` are not changed, `scalars` gives t and every hyperparameter.

    `library` says whose exp, log, pow, ... are meant: those of "compiled" kernels, or those of
    "numpy", which need no compiling and serve where only finite or not is asked. With a `seed` a program that rounds by
    random bits does so, for this tensor of a list; without, everything is rounded to nearest.
    """
    element = np.dtype(program.dtype)

    def operate(node: Apply, args: tuple[Array, ...]) -> Array:
        return operation(node, args, element, library)

    given = loaded(program, arrays)
    values = run(program, given | constants(program, scalars), number, operate)
    shape = np.shape(arrays[program.arrays[0]])
    stored = {array: np.array(np.broadcast_to(values[name], shape)) for array, name in program.stores}
    return stored | _kept(program, stored, scalars, seed, tensor)


def loaded(program: Program, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays as they are in memory, then in the type of the arithmetic, which is exact."""
    kept = {name: np.asarray(a, dtype=numpy_dtype(program.type_of(name))) for name, a in arrays.items()}
    return {name: a.astype(program.dtype) for name, a in kept.items()}


def _kept(
    program: Program, stored: Mapping[str, Array], scalars: Mapping[str, float], seed: int | None, tensor: int
) -> dict[str, Array]:
    """What arrays hold that are kept in another type than that of the arithmetic."""
    types = {array: program.type_of(array) for array in stored if array in dict(program.kept)}
    if seed is None or not program.drawn:
        return {array: to_nearest(stored[array], name) for array, name in types.items()}
    elements = np.arange(next(iter(stored.values())).size)
    random = random_bits(random_words(seed, int(scalars["t"]), tensor, elements), types.values())
    return {
        array: at_random(stored[array].reshape(-1), types[array], bits).reshape(stored[array].shape)
        for array, bits in zip(types, random, strict=False)
    }


def constants(program: Program, scalars: Mapping[str, float]) -> dict[str, Array]:
    """The parameters as the prelude sees them."""
    return {name: np.asarray(float(scalars[name])) for name in program.parameters}


def number(node: Number) -> Array:
    return np.asarray(float(node.value))


def operation(node: Apply, args: tuple[Array, ...], element: np.dtype[Any], library: str = "compiled") -> Array:
    """One operation of the table on values of one type."""
    if node.op == "cast":
        return args[0].astype(element)
    types = {a.dtype for a in args if a.dtype != np.bool_}
    if len(types) > 1:
        raise TypeError(f"{node} mixes {', '.join(sorted(map(str, types)))}")
    row = OPS[node.op]
    if row.rounding is Rounding.LIBRARY and library == "compiled":
        return compiled_function(node.op, types.pop().name)(*args)
    return np.asarray(getattr(np, row.numpy)(*args))


def run(
    program: Program,
    given: Mapping[str, T],
    number: Callable[[Number], T],
    operate: Callable[[Apply, tuple[T, ...]], T],
) -> dict[str, T]:
    """Every name's value, from those of the arrays and parameters."""
    values = dict(given)
    with np.errstate(all="ignore"):
        for line in (*program.prelude, *program.body):
            [values[line.target]] = fold([line.value], symbol=lambda s: values[s.name], number=number, apply=operate)
    return values


@cache
def compiled_function(op: str, dtype: str) -> Callable[..., Array]:
    """A library function as kernels call it, compiled from the same source, over arrays."""
    import numba

    from kernels.emit import function_source
    from kernels.running.load import module_from_text

    module = module_from_text(f"derive_kernels_{op}", f"<derive-kernels {op}>", function_source(op))
    module.over.compile(numba.void(*[getattr(numba.types, dtype)[::1]] * (OPS[op].arity + 1)))
    module.over.disable_compile()

    def function(*args: Array) -> Array:
        same_shape = np.broadcast_arrays(*args)
        flat = [np.array(a, dtype=dtype).reshape(-1) for a in same_shape]
        out = np.empty_like(flat[0])
        module.over(*flat, out)
        return out.reshape(same_shape[0].shape)

    return function


def same_bits(a: Array, b: Array) -> bool:
    """Equal values and signs, zeros' too; any NaN equals any NaN."""
    both_nan = np.isnan(a) & np.isnan(b)
    return bool(np.all(both_nan | ((a == b) & (np.signbit(a) == np.signbit(b)))))
