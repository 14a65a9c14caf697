"""What the compiled kernels do, drawn: effective rates for kinds of gradients, paths on an oblong bowl."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from derive.errors import UserError
from derive.library.lookup import as_rule
from kernels.driver import compile
from kernels.plots.style import drawn
from kernels.running.kernel import Kernel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
SEED = 1

# Five kinds of gradients, as functions of the step counted from 0 (an array) and a generator of random numbers.
STREAMS: Mapping[str, Callable[[Array, np.random.Generator], Array]] = {
    "constant, 1": lambda t, random: np.ones_like(t),
    "constant, 0.01": lambda t, random: np.full_like(t, 0.01),
    "alternating, ±1": lambda t, random: np.where(t % 2 == 0, 1.0, -1.0),
    "fading, 0.97^t": lambda t, random: 0.97**t,
    "noise around 0.3": lambda t, random: 0.3 + random.standard_normal(t.size),
}


def effective_rates(rule: object, steps: int = 200, **hyperparameters: float) -> Figure:
    """How far theta moves in a step, over the size of that step's gradient, for five streams of gradients.

    The five streams are five elements of one array that the compiled kernel steps in float64. Hyperparameters left
    out have their defaults. Raises UserError for an average, and without Matplotlib.
    """
    kernel = kernel_of(rule)
    t, random = np.arange(steps, dtype=float), np.random.default_rng(SEED)
    gradients = np.stack([made(t, random) for made in STREAMS.values()])
    moved = np.abs(np.diff(_path(kernel, gradients, hyperparameters), axis=1))
    with drawn() as (figure, [axes]), np.errstate(divide="ignore", invalid="ignore"):
        for name, row, size in zip(STREAMS, moved, np.abs(gradients), strict=True):
            axes.plot(t + 1, row / size, label=name, linewidth=1.2)
        axes.set(
            xlabel="step t", ylabel="|Δθ| / |g|", yscale="log", title=f"Effective learning rate of {name_of(rule)}"
        )
        figure.legend(title="gradients", fontsize="small", loc="outside right upper")
    return figure


def trajectories(
    rules: Sequence[object], steps: int = 60, curvatures: tuple[float, float] = (1.0, 25.0), **hyperparameters: float
) -> Figure:
    """Paths from (-1, 0.6) on the bowl (h1 x² + h2 y²)/2, one for each rule, by the compiled kernels in float64.

    A hyperparameter given is that of every rule that has it. Raises UserError for averages, and without Matplotlib.
    """
    curvature = np.array(curvatures)
    with drawn(7.0, 4.2) as (figure, [axes]):
        for rule in rules:
            kernel = kernel_of(rule)
            own = {n: v for n, v in hyperparameters.items() if n in kernel.rule.hyperparameter_names}
            path = descent(kernel, np.array([-1.0, 0.6]), curvature, [0.0] * steps, own)
            axes.plot(*path.T, marker=".", markersize=3, linewidth=1, label=name_of(rule))
        _contours(axes, curvature)
        axes.plot(0, 0, "+", color="black", markersize=10)
        title = f"{steps} steps on a bowl of curvatures {curvatures[0]:g} and {curvatures[1]:g}"
        axes.set(xlabel="x", ylabel="y", title=title)
        figure.legend(fontsize="small", loc="outside right upper")
    return figure


def _contours(axes: Any, curvature: Array) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = np.meshgrid(np.linspace(left, right, 200), np.linspace(bottom, top, 200))
    height = (curvature[0] * x**2 + curvature[1] * y**2) / 2
    axes.contour(x, y, height, levels=np.geomspace(height.max() / 3000, height.max(), 12), colors="grey",
                 linewidths=0.5, alpha=0.6)  # fmt: skip


def kernel_of(rule: object) -> Kernel:
    found = as_rule(rule)
    if found.is_average:
        raise UserError(f"{found.name} is an average: it moves no parameter", fix="take an update rule")
    return compile(found, "float64")


def name_of(rule: object) -> str:
    return as_rule(rule).name


def _path(kernel: Kernel, gradients: Array, hyperparameters: Mapping[str, float]) -> Array:
    """theta before the first step and after every one, a row for each row of gradients."""
    theta = np.zeros(gradients.shape[0])
    state = kernel.init(theta, **hyperparameters)
    path = [theta.copy()]
    for t, column in enumerate(gradients.T, start=1):
        kernel.step(theta, np.ascontiguousarray(column), state, t, **hyperparameters)
        path.append(theta.copy())
    return np.stack(path, axis=1)


def descent(
    kernel: Kernel,
    start: Array,
    curvatures: Array,
    noise: Sequence[Array | float],
    hyperparameters: Mapping[str, float],
) -> Array:
    """Every theta of a run on quadratics of these curvatures, the gradient taken where the rule asks for it.

    There are as many steps as noises, which are added to the gradients.
    """
    theta = start.copy()
    state = kernel.init(theta, **hyperparameters)
    path = [theta.copy()]
    for t, added in enumerate(noise, start=1):
        point = theta.copy()
        if kernel.querying is not None:
            kernel.query(theta, state, point, t, **hyperparameters)
        with np.errstate(over="ignore", invalid="ignore"):  # a run may leave the number line
            kernel.step(theta, curvatures * point + added, state, t, **hyperparameters)
        path.append(theta.copy())
    return np.stack(path)
