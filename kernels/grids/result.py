"""What is known of many trajectories: arrays shaped like the grid, and how they are kept in a file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.errors import UserError

if TYPE_CHECKING:
    from kernels.running.descent import Array

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Runs of a rule on a problem, one for each point of a grid; every array has the shape of the grid.

    `axes` are the values along each axis, in order. Distances are Euclidean, from the problem's minimum.

    loss      the problem's loss after the last step
    distance  after the last step
    largest   the largest distance on the way, the start included
    settled   after how many steps the distance is at most `within` and stays so to the end; -1: not at the end

    What is no number is given as infinite. Squares of distances above 10¹⁵⁴ overflow: `largest` is then infinite.
    """

    rule: str
    problem: str
    steps: int
    axes: dict[str, Array] = field(repr=False)
    settings: dict[str, float]
    start: Array = field(repr=False)
    minimum: Array = field(repr=False)
    within: float
    escape: float
    loss: Array | None = field(repr=False)
    distance: Array = field(repr=False)
    largest: Array = field(repr=False)
    settled: Array = field(repr=False)
    curvatures: Array | None = field(default=None, repr=False)
    key: str = field(default="", repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.axes.values())

    @cached_property
    def diverged(self) -> Array:
        """Whether the run was ever further from the minimum than `escape`."""
        return ~(self.largest <= self.escape)

    @cached_property
    def first(self) -> Array:
        """The distance of the start."""
        import numpy as np

        total: Any = np.zeros(self.shape)
        for j, least in enumerate(self.minimum):
            total = np.hypot(total, self.coordinate(j) - least)
        return np.asarray(total)

    @cached_property
    def growth(self) -> Array:
        """The factor of the distance a step, on the average: (last / first) ^ (1 / steps). Above one the run grows."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.exp((np.log(self.distance) - np.log(self.first)) / self.steps))

    @property
    def best(self) -> dict[str, float]:
        """Where the loss is least, and of equal losses the distance: a value on each axis."""
        import numpy as np

        found = self.distance if self.loss is None else self.loss
        [first, *_] = np.lexsort((self.distance.reshape(-1), found.reshape(-1)))
        place = np.unravel_index(int(first), self.shape)
        return {name: float(values[k]) for (name, values), k in zip(self.axes.items(), place, strict=True)}

    def along(self, name: str) -> Array:
        """The values of one axis, shaped so that they go with the arrays."""
        place = [*self.axes].index(name)
        return self.axes[name].reshape([-1 if k == place else 1 for k in range(len(self.axes))])

    def coordinate(self, j: int) -> Array:
        """Coordinate j of the starts, shaped so that it goes with the arrays."""
        if f"theta[{j}]" in self.axes:
            return self.along(f"theta[{j}]")
        return self.start[:, j] if self.start.ndim == 2 else self.start[j]  # several starts are the last axis

    def save(self, path: str | Path) -> Path:
        """Write everything into one file (NumPy's .npz), aside first, then renamed."""
        import numpy as np

        from kernels.grids.saving import aside

        place = Path(path)
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        arrays |= {f"axis {k} {name}": values for k, (name, values) in enumerate(self.axes.items())}
        plain = {name: getattr(self, name) for name in _PLAIN}
        said = json.dumps({"format": FORMAT, **plain}).encode()
        with aside(place) as file:
            np.savez(file, said=np.frombuffer(said, np.uint8), **arrays)
        return place


_ARRAYS = ("start", "minimum", "loss", "distance", "largest", "settled", "curvatures")
_PLAIN = ("rule", "problem", "steps", "settings", "within", "escape", "key")


def load(path: str | Path) -> Trajectories:
    """What `Trajectories.save` wrote. Raises UserError for a file that is none."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            said = json.loads(file["said"].tobytes())
            if said["format"] != FORMAT:
                raise UserError(f"its format is {said['format']}, not {FORMAT}", where=str(path), fix="make it anew")
            axes = {name.split(" ", 2)[2]: file[name] for name in file.files if name.startswith("axis ")}
            arrays: dict[str, Any] = {name: file[name] if name in file.files else None for name in _ARRAYS}
        return Trajectories(axes=axes, **{name: said[name] for name in _PLAIN}, **arrays)
    except OSError as error:
        raise UserError(
            f"can't be read: {error.strerror or error}", where=str(path), fix="name a file that is there"
        ) from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise UserError(
            "these are no trajectories", where=str(path), fix="name another file, or make it anew"
        ) from None
