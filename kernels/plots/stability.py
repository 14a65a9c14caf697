"""Stability drawn: over curvature times learning rate and one more hyperparameter, where runs die out and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive.curves import curve
from derive.deriving.stability import frozen, radii_on_grid
from derive.deriving.stability.closed import ClosedLoop, closed_loop
from derive.errors import UserError
from derive.expr import symbols
from derive.library.lookup import as_rule
from derive.rule import Rule
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import derived
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 240


def stability_region(rule: object, along: str = "", **hyperparameters: float) -> Figure:
    """The spectral radius on h theta²/2 over lr h and the hyperparameter `along`, with the derived threshold.

    Below one runs die out, by that factor a step. `along` is left out where the radius depends on one hyperparameter
    besides lr; others have their defaults, or the values given. Raises UserError where no radius is derived, and
    without Matplotlib.
    """
    found = as_rule(rule)
    loop, threshold = _loop(found), derived(found).parts.get("threshold_curvature")
    if loop is None or loop.step_size is None or not isinstance(threshold, Quantity):
        raise UserError(f"no threshold of the curvature is derived for {found.name}", fix="take a rule with one")
    held = [name for name in loop.rule.hyperparameter_names if name != loop.step_size and loop.divides(name)]
    defaults = {name: float(value) for name, value in loop.rule.defaults.items()}
    settings = {**defaults, **dict.fromkeys(held, 1.0), **hyperparameters, loop.step_size: 1.0}
    chosen = along or _only(loop, held)
    vertical = np.linspace(0.0, 0.995, POINTS)
    reach = float(np.nanmax(curve(threshold.expr, {**settings, chosen: np.array([0.0, 0.9])})))
    horizontal = np.linspace(0, 1.1 * reach, POINTS)
    grid_h, grid_b = np.meshgrid(horizontal, vertical)
    values = radii_on_grid(loop.rule, {**settings, loop.curvature.name: grid_h, chosen: grid_b})
    edge = curve(threshold.expr, {**settings, chosen: vertical})
    with drawn(7.0, 4.2) as (figure, [axes]):
        dying = np.where(values < 1, values, np.nan)
        shades = axes.contourf(horizontal, vertical, dying, levels=np.linspace(0, 1, 21), cmap="viridis")
        axes.contour(horizontal, vertical, values, levels=[0.5, 0.8, 0.9, 0.95], colors="white", linewidths=0.6)
        axes.plot(edge, vertical, color=COLOURS[1], linewidth=2, label="derived threshold")
        sharpness = " / ".join([f"{loop.step_size} · {loop.curvature.name}", *held])
        axes.set(xlabel=sharpness, ylabel=chosen, xlim=(0, horizontal[-1]), ylim=(0, vertical[-1]),
                 title=f"Spectral radius of {found.name}")  # fmt: skip
        figure.colorbar(shades, ax=axes, label="factor a step; white: runs grow", ticks=[0, 0.25, 0.5, 0.75, 1])
        axes.legend(fontsize="small", loc="lower right")
    return figure


def _loop(rule: Rule) -> ClosedLoop | None:
    """The rule on a quadratic; of one that divides by a preconditioner, with that held."""
    linear = rule if closed_loop(rule) is not None else frozen(rule)
    return None if linear is None else closed_loop(linear)


def _only(loop: ClosedLoop, held: list[str]) -> str:
    """The one hyperparameter besides the step size and what is held on which the recurrence depends."""
    used = symbols(*map(loop.expr, loop.coefficients)) - {loop.curvature.name, loop.step_size, *held}
    if len(used) != 1:
        what = f"the radius depends on {', '.join(sorted(used)) or f'{loop.step_size} {loop.curvature.name} alone'}"
        raise UserError(what, fix="say along which, along='beta'" if used else "there is nothing to draw it over")
    return next(iter(used))
