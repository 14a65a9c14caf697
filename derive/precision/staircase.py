"""The staircase: what a buffer holds step by step when its input is zero, in a format and exactly; data for a plot."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.deriving.linear import linear_buffers
from derive.errors import UserError
from derive.expr import Number, Symbol, apply, symbols
from derive.precision.arithmetic import stored
from derive.precision.confirming import Unconfirmed
from derive.precision.formats import Model, Value, model_of
from derive.precision.running import converted, run_stored
from derive.precision.scope import at_rest, value_of
from derive.rule import Rule


@dataclass(frozen=True)
class Staircase:
    """`held[t]` is the buffer after t steps in the format, `true[t]` over the reals, to the nearest float64."""

    buffer: str
    model: Model
    held: tuple[Fraction, ...]
    true: tuple[float, ...]

    @property
    def stuck_from(self) -> int | None:
        """The first step after which the buffer no longer changes, if it came to that."""
        last = self.held[-1]
        first = next(t for t, value in enumerate(self.held) if value == last)
        return first if first < len(self.held) - 1 else None


def staircase(
    rule: Rule, buffer: str, dtype: str, *, start: Fraction | int = 1, steps: int = 1000, arithmetic: str | None = None
) -> Staircase:
    """A linear buffer of the rule from `start` (rounded to the format), at the default hyperparameters.

    Each step is computed exactly and run in the format; both have to agree. Raises UserError where the rule has
    no such buffer, or a hyperparameter no default, and where the buffer is no longer a number.
    """
    model = model_of(dtype, arithmetic)
    found = next((b for b in linear_buffers(rule) if b.name == buffer), None)
    values = at_rest(rule)
    if found is None or values is None:
        what = f"{buffer!r} is no linear buffer with known hyperparameters"
        raise UserError(
            what, where=rule.name, fix=f"it has {', '.join(b.name for b in linear_buffers(rule)) or 'none'}"
        )
    first = model.storage.round(Fraction(start))
    if isinstance(first, float):
        raise UserError(f"{start} is beyond {model.storage.name}", where="start", fix="start at a smaller number")
    share = apply("pow", found.decay, Symbol("t")) * Number(first)
    true = (value_of(share, {**rule.defaults, "t": Fraction(t)}) for t in range(steps + 1))
    return Staircase(buffer, model, _held(rule, buffer, values, first, steps, model), tuple(_nearest(x) for x in true))


def _nearest(value: Fraction | None) -> float:
    return float("nan") if value is None else float(value)


def _held(
    rule: Rule, buffer: str, values: dict[str, Fraction], first: Fraction, steps: int, model: Model
) -> tuple[Fraction, ...]:
    others = {name: value for name, value in values.items() if name != buffer}
    is_steady = "t" not in symbols(rule.step[buffer])  # then what does not change once never does
    held, run_value = [first], converted(first, model.storage)
    for t in range(1, steps + 1):
        now: dict[str, Any] = {**others, "t": Fraction(t)}
        value: Value
        [value] = stored([rule.step[buffer]], {**now, buffer: held[-1]}, model)
        [run_value] = run_stored([rule.step[buffer]], {**now, buffer: run_value}, model)
        ran = float(np.asarray(run_value).astype(np.float64))
        if ran != value and not (isinstance(value, float) and np.isnan([ran, value]).all()):
            raise Unconfirmed(f"{buffer} is not {float(value):g} after step {t} in {model.storage.name}")
        if isinstance(value, float):
            what = f"{buffer} is {value:g} after step {t} in {model.storage.name}"
            raise UserError(what, where=rule.name, fix="take another format")
        held.append(value)
        if value == held[-2] and is_steady:
            return (*held, *[value] * (steps - t))
    return tuple(held)
