"""Low precision drawn: how a buffer decays in a format, beside how it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from derive.library.lookup import as_rule
from derive.precision.staircase import staircase
from kernels.plots.style import drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def precision_staircase(
    rule: object, buffer: str, dtypes: Sequence[str] = ("float16", "bfloat16"), start: int = 1, steps: int = 1000
) -> Figure:
    """A buffer from `start` under zero gradients, step by step in each format, and exactly.

    Raises UserError for a buffer that is not linear, for unknown formats, and without Matplotlib.
    """
    found = as_rule(rule)
    runs = [staircase(found, buffer, dtype, start=start, steps=steps) for dtype in dtypes]
    t = np.arange(steps + 1)
    with drawn(7.0, 3.8) as (figure, [axes]):
        for dtype, run in zip(dtypes, runs, strict=True):
            stuck = "" if run.stuck_from is None else f", stuck from step {run.stuck_from}"
            axes.step(t, [float(value) for value in run.held], where="post", label=f"{dtype}{stuck}", linewidth=1.4)
        axes.plot(t, runs[0].true, color="black", linewidth=1, linestyle="--", label="exact")
        axes.set(xlabel="steps without gradients", ylabel=buffer, title=f"{buffer} of {found.name} in low precision")
        axes.legend(fontsize="small")
    return figure
