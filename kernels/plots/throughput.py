"""How much memory a step moves in a second, against how much there is of it; the floor drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernels.bench.comparing import Timed
from kernels.plots.style import COLOURS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOOR = "floor"


def throughput(timed: Sequence[Timed], bytes_per_element: int) -> Figure:
    """Gigabytes a second of every peer's median step, by the bytes that the kernel reads and writes for an element.

    Raises UserError without Matplotlib.
    """
    peers = list(dict.fromkeys(each.peer for each in timed if each.median is not None))
    with drawn(7.0, 4.0) as (figure, [axes]):
        for place, peer in enumerate(peers):
            found = sorted((t.elements, t.elements * bytes_per_element / t.median / 1e9)
                           for t in timed if t.peer == peer and t.median is not None)  # fmt: skip
            x, y = zip(*found, strict=True)
            colour, line, marker = (
                ("black", "--", "") if peer == FLOOR else (COLOURS[place % 6], "-" if place < 6 else ":", ".")
            )
            axes.plot(x, y, color=colour, linestyle=line, marker=marker, label=peer, linewidth=1.2)
        axes.set(xlabel="elements", ylabel="GB/s", xscale="log", ylim=(0, None), title=f"A step of {timed[0].rule}")
        figure.legend(fontsize="small", loc="outside right upper")
    return figure
