"""Rules compared as they should be: each at every value of its hyperparameter, not at one that suits one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from derive.errors import UserError
from kernels.plots.runs import SEED, Array, descent, kernel_of, name_of
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS = 40  # points around the minimum, at distance 1
VALUES = tuple(float(v) for v in np.geomspace(1e-4, 10, 41))
BAND = (0.1, 0.5, 0.9)  # quantiles over the starts
DIVERGED = 1e3  # losses above this many times the first are drawn there


def sensitivity(
    rules: Sequence[object],
    over: str = "lr",
    values: Sequence[float] = VALUES,
    steps: int = 100,
    curvatures: tuple[float, float] = (1.0, 25.0),
    noise: float = 0.1,
    **hyperparameters: float,
) -> Figure:
    """The loss that is left after so many steps on a bowl, for every value of one hyperparameter, by compiled kernels.

    The same for each rule: the bowl (h1 x² + h2 y²)/2, the number of steps, the values tried, the starts, points
    around the minimum at distance 1, and the noise of the gradients, normal with this standard deviation. A line is
    the median over the starts of the last loss over the first, the band what lies between the tenth and the ninetieth
    of a hundred; the legend says where the median is least. A hyperparameter given is that of every rule that has it.
    Raises UserError for averages, for a rule without the hyperparameter, and without Matplotlib.
    """
    if isinstance(rules, str) or not rules:
        raise UserError("sensitivity compares several rules", fix='give a list: sensitivity(["momentum", "adam"])')
    tried, bowl = np.array(values), np.repeat(curvatures, STARTS)
    random = np.random.default_rng(SEED)
    angles = random.uniform(0, 2 * np.pi, STARTS)
    starts = np.concatenate([np.cos(angles), np.sin(angles)])
    added = noise * random.standard_normal((steps, 2 * STARTS))
    with drawn(7.0, 4.2) as (figure, [axes]):
        for colour, rule in zip(np.resize(COLOURS, len(rules)), rules, strict=True):
            kernel = kernel_of(rule)
            if over not in kernel.rule.hyperparameter_names:
                raise UserError(f"{name_of(rule)} has no {over}", fix="name a hyperparameter that every rule has")
            own = {n: v for n, v in hyperparameters.items() if n in kernel.rule.hyperparameter_names}
            runs = [descent(kernel, starts, bowl, [*added], {**own, over: float(value)}) for value in tried]
            left = np.array([_left(run[-1], run[0], bowl) for run in runs])
            low, median, high = np.quantile(left, BAND, axis=1)
            best = int(np.argmin(median))
            axes.plot(tried, median, color=colour, label=f"{name_of(rule)}: least at {over} = {tried[best]:.3g}")
            axes.fill_between(tried, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(tried[best], median[best], "o", color=colour)
        title = f"Loss left after {steps} steps, curvatures {curvatures[0]:g} and {curvatures[1]:g}"
        axes.set(xlabel=over, ylabel="loss / first loss", xscale="log", yscale="log", title=title)
        figure.legend(fontsize="small", loc="outside right upper")
    return figure


def _left(theta: Array, start: Array, bowl: Array) -> Array:
    """What is left of the loss for every start; x of all starts stands before y of all."""
    with np.errstate(over="ignore", invalid="ignore"):
        last, first = ((bowl * point**2).reshape(2, STARTS).sum(axis=0) for point in (theta, start))
        left: Array = np.nan_to_num(np.minimum(last / first, DIVERGED), nan=DIVERGED)
    return left
