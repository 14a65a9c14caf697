"""How every figure looks: one size, one set of colours that all readers can tell apart, no frame around the legend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from derive.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito 2008, Color universal design: told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SETTINGS: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "font.size": 10.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "derive",
}


@contextmanager
def drawn(width: float = 7.0, height: float = 4.0, rows: int = 1) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure, in inches, with its axes one below the other. Raises UserError where Matplotlib is missing."""
    try:
        import matplotlib.pyplot as plt
        from cycler import cycler
    except ImportError as missing:
        raise UserError("plots need Matplotlib", fix="install derive-kernels[plots]") from missing
    with plt.rc_context({**SETTINGS, "axes.prop_cycle": cycler(color=COLOURS)}):
        figure, axes = plt.subplots(rows, 1, figsize=(width, height), layout="constrained", squeeze=False)
        yield figure, list(axes[:, 0])
