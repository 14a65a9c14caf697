"""How far two implementations of a rule may drift apart by rounding alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from derive.errors import UserError
from derive.evaluate import exact
from derive.expr import Expr, Symbol
from derive.library.lookup import as_rule
from derive.rule import Rule
from kernels.lower import output_array
from kernels.measuring.inputs import Array, types_of
from kernels.measuring.oracle import interpret
from kernels.measuring.rounding import bounds
from kernels.passes.powers import Powers
from kernels.pipeline import programs
from kernels.program import Program
from kernels.storage import Storage, numpy_dtype, storage_of


def tolerance(
    rule: Rule | str | Callable[..., object],
    gradients: Sequence[float] | Array,
    dtype: str | Storage = "float32",
    *,
    start: float = 0.0,
    **hyperparameters: float,
) -> Array:
    """How far apart two implementations may be after each step, of the same gradients, by rounding alone.

    One does the operations in the order of the rule, as its paper writes them (with products for whole powers), the
    other in that of the compiled kernel. Each is within its running error bound of the exact run of the same numbers,
    and the two bounds are added: one number a step, for theta or the output of an average, infinite where there is no
    bound. Two that are farther apart are not both this rule in this precision. Hyperparameters left out have their
    defaults. Raises UserError for a rule of norms, or with gradients taken elsewhere than at theta: its runs depend on
    more than these numbers.
    """
    found = as_rule(rule)
    if found.norms or found.query is not None or found.asked:
        raise UserError(f"{found.name} needs more than the gradients of one coordinate", fix="take a rule without")
    storage = storage_of(dtype)
    if storage.rounding != "nearest":
        raise UserError(
            f"no tolerance for {storage}: two runs differ by their random bits", fix="take another rounding"
        )
    made = programs(found, storage)
    settings = {**{name: float(value) for name, value in found.defaults.items()}, **hyperparameters}
    orders = (Powers().apply(made.lowered), made.final)
    total: Array = np.sum([list(_distances(found, order, gradients, start, settings)) for order in orders], axis=0)
    return total


def _distances(
    rule: Rule, program: Program, gradients: Sequence[float] | Array, start: float, settings: Mapping[str, float]
) -> Iterator[float]:
    """After each step a bound on the distance of this program's run from the exact one."""
    given, shown = rule.inputs[0], output_array(rule) if rule.is_average else rule.inputs[0]
    types = {name: numpy_dtype(kept) for name, kept in types_of(program).items()}
    values = {given: np.full(1, start, types[given])}
    values |= {state.name: _initial(state.initial, values, settings).astype(types[state.name]) for state in rule.states}
    errors: dict[str, Array] = {}
    for t, gradient in enumerate(gradients, start=1):
        name = "x" if rule.is_average else "g"
        values[name] = np.full(1, gradient, types[name])
        arrays = {
            name: values.get(name, values[given]) for name in program.arrays
        }  # what is stored only has no value yet
        scalars = {**settings, "t": float(t)}
        errors = errors | bounds(program, arrays, scalars, errors).errors
        values |= interpret(program, arrays, scalars)
        yield float(errors[shown][0])


def _initial(initial: Expr, values: Mapping[str, Array], settings: Mapping[str, float]) -> Array:
    [first] = values.values()
    if isinstance(initial, Symbol) and initial.name in values:
        return first.copy()
    [number] = exact([initial], {name: Fraction(value) for name, value in settings.items()})
    assert isinstance(number, Fraction)  # a number or a hyperparameter: other states no kernel can start with
    return np.full_like(first, float(number))
