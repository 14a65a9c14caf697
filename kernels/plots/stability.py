"""Stability drawn: over curvature times learning rate and one more hyperparameter, where runs die out and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive.errors import UserError
from derive.expr import symbols
from derive.library.lookup import as_rule
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import derived
from kernels.plots.curves import curve
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVATURE = "h"
POINTS = 240


def stability_region(rule: object, along: str = "", **hyperparameters: float) -> Figure:
    """The spectral radius on h theta²/2 over lr h and the hyperparameter `along`, with the derived threshold.

    Below one runs die out, by that factor a step. `along` is left out where the radius depends on one hyperparameter
    besides lr; others have their defaults, or the values given. Raises UserError where no radius is derived, and
    without Matplotlib.
    """
    found = as_rule(rule)
    known = derived(found)
    if "spectral_radius" not in known.parts:
        raise UserError(f"no spectral radius is derived for {found.name}", fix="take a rule that is linear in g")
    radius: Quantity = known.spectral_radius
    settings = {**{n: float(v) for n, v in known.defaults.items()}, "P": 1.0, **hyperparameters, "lr": 1.0}
    chosen = along or _only(radius, settings)
    vertical = np.linspace(0.0, 0.995, POINTS)
    reach = float(np.nanmax(curve(known.threshold_curvature.expr, {**settings, chosen: np.array([0.0, 0.9])})))
    horizontal = np.linspace(0, 1.1 * reach, POINTS)
    grid_h, grid_b = np.meshgrid(horizontal, vertical)
    values = curve(radius.expr, {**settings, CURVATURE: grid_h, chosen: grid_b})
    edge = curve(known.threshold_curvature.expr, {**settings, chosen: vertical})
    with drawn(7.0, 4.2) as (figure, [axes]):
        dying = np.where(values < 1, values, np.nan)
        shades = axes.contourf(horizontal, vertical, dying, levels=np.linspace(0, 1, 21), cmap="viridis")
        axes.contour(horizontal, vertical, values, levels=[0.5, 0.8, 0.9, 0.95], colors="white", linewidths=0.6)
        axes.plot(edge, vertical, color=COLOURS[1], linewidth=2, label="derived threshold")
        held = " / P" if "P" in symbols(radius.expr) else ""
        axes.set(xlabel=f"lr · h{held}", ylabel=chosen, xlim=(0, horizontal[-1]), ylim=(0, vertical[-1]),
                 title=f"Spectral radius of {found.name}")  # fmt: skip
        figure.colorbar(shades, ax=axes, label="factor a step; white: runs grow", ticks=[0, 0.25, 0.5, 0.75, 1])
        axes.legend(fontsize="small", loc="lower right")
    return figure


def _only(radius: Quantity, settings: dict[str, float]) -> str:
    names = sorted(symbols(radius.expr) - {CURVATURE, "lr", "P"})
    if len(names) != 1:
        what = f"the radius depends on {', '.join(names) or 'lr h alone'}"
        raise UserError(what, fix="say along which, along='beta'" if names else "there is nothing to draw it over")
    return names[0]
