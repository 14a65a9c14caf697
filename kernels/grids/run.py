"""The trajectories of a rule from every point of a grid: here or on a cluster, from the start or where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.errors import UserError
from derive.rule import Rule
from kernels.grids.problems import Problem
from kernels.grids.result import Trajectories

if TYPE_CHECKING:
    from kernels.grids.axes import Grid
    from kernels.grids.saving import Blocks
    from kernels.running.descent import Descent, Found, Points

BLOCK = 1 << 28  # operations, about: what is done between two looks at Ctrl-C, and lost where nothing is saved
MOST = 1 << 33  # points
LONGEST = 1 << 40  # steps


def trajectories(
    rule: Rule | str | Callable[..., object],
    problem: Problem,
    *,
    grid: Mapping[str, Any],
    steps: int = 1000,
    start: Any = None,
    within: float = 1e-6,
    escape: float = 1e6,
    save: str | Path | None = None,
    cluster: Any = None,
    on_progress: Callable[[int, int], object] | None = None,
    **hyperparameters: float,
) -> Trajectories:
    """Run the rule down the problem from every point of the grid, in float64; bits are those of `compile(rule).step`.

    `grid` gives values for hyperparameters by name, and for coordinates of the start as "theta[0]"; each is an axis of
    the result, in order. `start` is one point (ones, where it is left out), or a row for each of several, which are the
    last axis. Other hyperparameters have their defaults, or the values given.

    `within` is the distance from the minimum at which a run has settled, `escape` the one beyond which it has diverged.
    `save` names a file: finished blocks are kept in a folder beside it, so that a call that was interrupted goes on
    where it stopped, and a finished one is read. `cluster` is the address of a Dask scheduler, or a
    `dask.distributed.Client`. `on_progress(done, points)` is called after every block.

    Raises UserError for what can't be used, and for a `save` that holds another grid.
    """
    from derive.library.lookup import as_rule
    from kernels.descent import enter_times
    from kernels.driver import compile_descent
    from kernels.grids.axes import grid_of

    found = as_rule(rule)
    _refuse_scalars(problem, steps, within, escape)
    descent = compile_descent(found, problem.kind)
    points = grid_of(found, problem, grid, start, hyperparameters, first=enter_times(found))
    if points.size > MOST:
        raise UserError(f"the grid has {points.size} points", fix=f"stay below {MOST}")
    job = Job(descent, problem, points, steps, within, escape)
    with ExitStack() as stack:
        blocks = None
        if save is not None:
            path = Path(save)
            if path.exists():
                return _kept(path, job)
            from kernels.grids.saving import blocks_of

            blocks = stack.enter_context(blocks_of(path, job.about))
        made = job.result(_run(job, blocks, cluster, on_progress))
        if blocks is not None:
            from kernels.grids.saving import finished

            made.save(path)
            finished(blocks.folder)
    return made


@dataclass(frozen=True)
class Job:
    """A grid that is to be run."""

    descent: Descent
    problem: Problem
    grid: Grid
    steps: int
    within: float
    escape: float

    @property
    def points(self) -> Points:
        from kernels.running.descent import Points

        problem, grid = self.problem, self.grid
        return Points(
            grid.values, grid.places, problem.data, problem.minimum, self.steps, self.within, problem.functions
        )

    @property
    def about(self) -> dict[str, Any]:
        """What decides the results, a checksum each, by what a user calls it."""
        from kernels.running.content import rule_data

        values = [(name, array.tobytes().hex()) for name, array in self.grid.axes.items()]
        return {
            "rule": _checksum(rule_data(self.descent.rule)),
            "problem": self.problem.content,
            "grid": _checksum([values, self.grid.settings, self.grid.start.tobytes().hex(), self.grid.start.shape]),
            "steps": self.steps,
            "within": self.within,
        }

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """From where to where, all points in order; the same for every run of the job."""
        from derive.reading.landscapes import LANES

        size = self.grid.size
        each = BLOCK // max(1, self.steps * self.problem.size * self.problem.cost)
        each = min(max(each // LANES, 1), 4096) * LANES
        return [(lo, min(lo + each, size)) for lo in range(0, size, each)]

    def result(self, found: Found) -> Trajectories:
        grid, problem = self.grid, self.problem
        loss, distance, largest, settled = map(grid.shaped, found.arrays)
        return Trajectories(
            rule=self.descent.rule.name,
            problem=problem.said,
            steps=self.steps,
            axes=grid.axes,
            settings=grid.settings,
            start=grid.start,
            minimum=problem.minimum,
            within=self.within,
            escape=self.escape,
            loss=loss if problem.has_loss else None,
            distance=distance,
            largest=largest,
            settled=settled,
            curvatures=problem.data if problem.kind == "quadratic" else None,
            key=_checksum(self.about),
        )


def _run(job: Job, blocks: Blocks | None, cluster: Any, on_progress: Callable[[int, int], object] | None) -> Found:
    """Every block: kept before, made here, or made by a cluster."""
    from kernels.running.descent import Found

    whole, done = Found.empty(job.grid.size), 0

    def count(lo: int, hi: int) -> None:
        nonlocal done
        done += hi - lo
        if on_progress is not None:
            on_progress(done, job.grid.size)

    def put(lo: int, hi: int, found: Found) -> None:
        if blocks is not None:
            blocks.keep(lo, hi, found)
        whole.part(lo, hi).take(found)
        count(lo, hi)

    missing = []
    for lo, hi in job.blocks:
        kept = None if blocks is None else blocks.fetch(lo, hi)
        if kept is None:
            missing.append((lo, hi))
        else:
            whole.part(lo, hi).take(kept)
            count(lo, hi)
    if cluster is not None:
        from kernels.grids.spreading import spread

        spread(job, missing, cluster, put)
        return whole
    for lo, hi in missing:
        part = whole.part(lo, hi)
        interrupt = job.descent.run(job.points, lo, hi, part)
        if blocks is not None:
            blocks.keep(lo, hi, part)
        if interrupt is not None:
            raise interrupt
        count(lo, hi)
    return whole


def _kept(path: Path, job: Job) -> Trajectories:
    from kernels.grids.result import load

    there = load(path)
    if there.key != _checksum(job.about):
        raise UserError("it holds another grid", where=str(path), fix="delete it, or save elsewhere")
    return replace(there, escape=job.escape)


def _refuse_scalars(problem: Problem, steps: int, within: float, escape: float) -> None:
    from kernels.running import diagnose

    if not isinstance(problem, Problem):
        raise UserError(f"{problem!r} is no problem", fix="give kernels.grids.quadratic([1, 25]), or another of them")
    if type(steps) is not int or not 1 <= steps <= LONGEST:
        raise UserError(f"steps must be a whole number from 1, not {steps!r}", fix="give steps=1000")
    for name, value in (("within", within), ("escape", escape)):
        if not 0 < diagnose.real(name, value) < float("inf"):
            raise UserError(f"{name} must be a positive number, not {value!r}", fix="leave it out, or give a distance")


def _checksum(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
