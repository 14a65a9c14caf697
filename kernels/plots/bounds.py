"""Bounds of steps drawn: over two hyperparameters, and over the steps."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from derive.deriving.bounds import bound_map
from derive.errors import UserError
from derive.expr import symbols
from derive.library.lookup import as_rule
from derive.stating.properties import step_bound
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = (1, 1.1, 1.5, 2, 3, 5, 10, 20, 50, 100)
CELLS = 60
DIGITS = 1_000_000


def step_bound_map(rule: object, t: int | None = None) -> Figure:
    """The largest step over the learning rate at step `t`, or in the long run, over the two decays it depends on.

    Where the bound is infinite the map is blank. Raises UserError where no bound of two decays is derived, and
    without Matplotlib.
    """
    found = as_rule(rule)
    names = sorted(symbols(step_bound(found).expr) & set(found.hyperparameter_names))
    if len(names) != 2:
        raise UserError(f"the bound depends on {', '.join(names) or 'nothing'}", fix="take a rule with two decays")
    # Evenly spaced in how long they remember, from no memory to three thousand steps.
    decays = 1 - np.geomspace(1, 3e-4, CELLS)
    exact = [Fraction(round(b * DIGITS), DIGITS) for b in decays]
    exact[0] = Fraction(1, DIGITS)  # at 0 some closed forms have no value
    values = np.array(bound_map(found, (names[0], exact), (names[1], exact), t))
    when = "in the long run" if t is None else f"at step {t}"
    with drawn(6.4, 4.8) as (figure, [axes]):
        memory = 1 / (1 - decays)
        finite = np.where(np.isfinite(values), values, np.nan)
        shades = axes.contourf(
            memory, memory, np.clip(finite, 1, LEVELS[-1]), levels=LEVELS, cmap="viridis", norm="log"
        )
        defaults = [found.defaults.get(name) for name in names]
        if None not in defaults:
            at = [1 / (1 - float(value)) for value in defaults if value is not None]
            axes.plot(*at, "o", color=COLOURS[1], label="defaults")
            axes.legend(fontsize="small", loc="lower right")
        axes.set(xscale="log", yscale="log", xlabel=f"1/(1 - {names[0]})", ylabel=f"1/(1 - {names[1]})",
                 title=f"Largest step of {found.name} over lr, {when}")  # fmt: skip
        figure.colorbar(shades, ax=axes, label="|Δθ| / lr; blank: no bound", ticks=LEVELS, format="{x:g}")
    return figure
