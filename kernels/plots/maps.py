"""Many trajectories drawn: where runs die out, which starts arrive and when, and what is left over a hyperparameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.curves import curve
from derive.errors import UserError
from derive.expr import symbols
from derive.library.lookup import as_rule
from derive.stating.quantities import Quantity
from derive.stating.vocabulary import derived
from kernels.grids.axes import START
from kernels.grids.result import Trajectories
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAND = (0.1, 0.5, 0.9)  # quantiles over whatever is on the other axes
GROWN = 10.0  # times the most that is left of a run which came nearer: what is above is drawn there


def picture(found: Trajectories, rule: object = None) -> Figure:
    """The picture that suits the axes: `basins` for two coordinates of the start, `stability_map` for two
    hyperparameters, `bands` for a hyperparameter and starts. Raises UserError for others, and without Matplotlib."""
    drawing = suited([name for name in found.axes if len(found.axes[name]) > 1])
    return stability_map(found, rule) if drawing is stability_map else drawing(found)


def suited(names: Sequence[str]) -> Callable[[Trajectories], Figure]:
    """The function that draws over axes of these names. Raises UserError where none does."""
    hyperparameters = [name for name in names if not name.startswith("theta[") and name != START]
    if len(names) == 2 and not hyperparameters and START not in names:
        return basins
    if len(names) == 2 and len(hyperparameters) == 2:
        return stability_map
    if len(hyperparameters) == 1:
        return bands
    raise UserError(f"no picture has the axes {', '.join(names) or 'of one point'}", fix="take two axes of the grid")


def stability_map(found: Trajectories, rule: object = None) -> Figure:
    """The factor of the distance a step over two hyperparameters; grey where runs grow.

    On a quadratic the threshold that is derived of the rule is drawn over it: where the largest curvature under which
    runs die out is the problem's largest. `rule` is needed where that of the result is not in the library. Raises
    UserError without two axes, and without Matplotlib.
    """
    across, up = _two(found)
    growth = found.growth.reshape(len(found.axes[across]), len(found.axes[up])).T
    with drawn(7.0, 4.6) as (figure, [axes]):
        axes.grid(visible=False)
        axes.set_facecolor("0.85")
        shown, edges = np.ma.masked_where(~(growth < 1), growth), _edges(found, across, up)
        darkest = np.floor(10 * float(shown.min())) / 10 if shown.count() else 0.0
        shades = axes.pcolormesh(*edges, shown, cmap="viridis", vmin=darkest, vmax=1, rasterized=True)
        edge = _threshold(found, across, up, rule)
        if edge is not None and (edge < 0).any() and (edge > 0).any():
            axes.contour(found.axes[across], found.axes[up], edge, levels=[0.0], colors=COLOURS[1], linewidths=1.6)
            axes.plot([], [], color=COLOURS[1], label="derived threshold")
            axes.legend(fontsize="small", loc="best", frameon=True)
        _scales(axes, found, across, up)
        axes.set(xlabel=across, ylabel=up, title=_said(found))
        figure.colorbar(shades, ax=axes, label="factor of the distance a step; grey: runs grow")
    return figure


def basins(found: Trajectories) -> Figure:
    """After how many steps runs have settled, over two coordinates of the start; grey where they have not.

    Raises UserError without two such axes, and without Matplotlib.
    """
    across, up = _two(found)
    settled = found.settled.reshape(len(found.axes[across]), len(found.axes[up])).T
    with drawn(6.4, 5.0) as (figure, [axes]):
        axes.grid(visible=False)
        axes.set_facecolor("0.85")
        shown = np.ma.masked_where(settled < 0, settled)
        shades = axes.pcolormesh(*_edges(found, across, up), shown, cmap="viridis_r", rasterized=True)
        least = [found.minimum[int(name.removeprefix("theta[").rstrip("]"))] for name in (across, up)]
        axes.plot(*least, "o", color="white", markeredgecolor="black", label="minimum")
        away = found.diverged.reshape(settled.T.shape).T
        if away.any():
            outside = np.ma.masked_where(~away, np.ones(settled.shape))
            axes.pcolormesh(*_edges(found, across, up), outside, cmap="gray", vmin=0, vmax=1.6, rasterized=True)
        axes.set(xlabel=across, ylabel=up, title=_said(found))
        axes.legend(fontsize="small", loc="best", frameon=True)
        grey = "light grey: not settled" + ("; dark: diverged" if away.any() else "")
        figure.colorbar(shades, ax=axes, label=f"steps until within {found.within:g}\n{grey}")
    return figure


def bands(found: Trajectories, over: str = "") -> Figure:
    """What is left of the loss over one hyperparameter: the median over all else that varies, and the band in which
    four of five lie. Without a loss, of the distance.

    `over` may be left out where one hyperparameter has an axis. Raises UserError where it has none, and without
    Matplotlib.
    """
    hyperparameters = [name for name in found.axes if name != START and not name.startswith("theta[")]
    chosen = over or (hyperparameters[0] if len(hyperparameters) == 1 else "")
    if chosen not in hyperparameters:
        raise UserError(f"there is no axis {chosen!r}", fix=f"say over which: {', '.join(hyperparameters) or 'none'}")
    last, what = (found.distance, "distance") if found.loss is None else (found.loss, "loss")
    values = found.axes[chosen]
    rows = np.moveaxis(last, [*found.axes].index(chosen), 0).reshape(len(values), -1)
    rows = np.where(np.isfinite(rows), rows, np.inf)
    low, middle, high = np.quantile(rows, BAND, axis=1, method="nearest")
    nearer = last[found.distance <= found.first]
    top = GROWN * float(nearer.max()) if nearer.size else float(rows.min())
    best = int(np.argmin(middle))
    with drawn(7.0, 4.2) as (figure, [axes]):
        shown = [np.minimum(line, top) for line in (low, middle, high)]
        axes.plot(values, shown[1], color=COLOURS[0], label=f"least at {chosen} = {values[best]:.3g}")
        axes.fill_between(values, shown[0], shown[2], color=COLOURS[0], alpha=0.2, linewidth=0)
        axes.plot(values[best], shown[1][best], "o", color=COLOURS[0])
        axes.set(xlabel=chosen, ylabel=f"{what} after {found.steps} steps", yscale="log", title=_said(found))
        if _is_geometric(values):
            axes.set_xscale("log")
        axes.legend(fontsize="small")
    return figure


def _two(found: Trajectories) -> tuple[str, str]:
    names = [name for name in found.axes if len(found.axes[name]) > 1]
    if len(names) != 2:
        raise UserError(f"a map has two axes, not {len(names)}", fix="give two axes of the grid, and others one value")
    return names[0], names[1]


def _edges(found: Trajectories, across: str, up: str) -> tuple[Any, Any]:
    return _borders(found.axes[across]), _borders(found.axes[up])


def _borders(values: Any) -> Any:
    """Of cells around the values: in the middle between two, in the scale in which the axis is drawn."""
    scaled = np.log(values) if _is_geometric(values) else values
    middle = (scaled[1:] + scaled[:-1]) / 2
    ends = [2 * scaled[0] - middle[0]], middle, [2 * scaled[-1] - middle[-1]]
    borders = np.concatenate(ends)
    return np.exp(borders) if _is_geometric(values) else borders


def _is_geometric(values: Any) -> bool:
    """Whether values grow by factors rather than by steps."""
    if len(values) < 3 or not (values > 0).all():
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.ptp(ratios) < 1e-6 * ratios.mean() and ratios[0] != 1)


def _scales(axes: Any, found: Trajectories, across: str, up: str) -> None:
    if _is_geometric(found.axes[across]):
        axes.set_xscale("log")
    if _is_geometric(found.axes[up]):
        axes.set_yscale("log")


def _threshold(found: Trajectories, across: str, up: str, rule: object) -> Any:
    """The curvature up to which runs die out over the problem's largest, in logarithms: zero on the threshold."""
    if found.curvatures is None or not (found.curvatures > 0).all():
        return None
    try:
        known = as_rule(found.rule if rule is None else rule)
    except UserError:  # a rule of the user's own, which the result only names
        return None
    threshold = derived(known).parts.get("threshold_curvature")
    if not isinstance(threshold, Quantity) or not symbols(threshold.expr) <= {*known.hyperparameter_names}:
        return None
    x, y = np.meshgrid(found.axes[across], found.axes[up])
    single = {name: float(values[0]) for name, values in found.axes.items() if len(values) == 1}
    values = curve(threshold.expr, {**found.settings, **single, across: x, up: y})
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(values) - np.log(found.curvatures.max())


def _said(found: Trajectories) -> str:
    return f"{found.rule}, {found.steps} steps, {found.problem}"
