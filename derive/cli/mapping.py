"""`derive map`: a rule on a problem for a whole grid of hyperparameters, or of starting points."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.cli.documents import as_json_option, document, write_json
from derive.cli.packages import require_own_kernels
from derive.cli.tables import print_table
from derive.errors import UserError

if TYPE_CHECKING:
    from kernels.grids.problems import Problem
    from kernels.grids.result import Trajectories

SHOWN = 5  # of the best points
LARGEST = 10**7  # values on one axis; more is a slip of the hand
SEED = 20


@click.command("map")
@click.argument("rule")
@click.option(
    "--problem", type=click.Choice(["quadratic", "rosenbrock", "logistic"]), default="quadratic", show_default=True
)
@click.option(
    "--spectrum", metavar="H,H,...", default="1,25", show_default=True, help="Of the quadratic: its curvatures."
)
@click.option("--size", type=click.IntRange(2), default=2, show_default=True, help="Of Rosenbrock: its coordinates.")
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Of logistic: numbers, comma-separated, the label last.",
)
@click.option("--l2", type=float, default=1e-3, show_default=True, help="Of logistic: the weight of |theta|²/2.")
@click.option("--grid", "axes", metavar="NAME=LOW:HIGH:COUNT[:log],...", required=True,
              help="Axes; theta[0] is a coordinate of the start. NAME=VALUE is no axis, but a value.")  # fmt: skip
@click.option("--start", metavar="X,X,...", help="One coordinate for each of the problem.  [default: ones]")
@click.option(
    "--starts", type=click.IntRange(1), help="So many starts in random directions, at distance 1 from the minimum."
)
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--within", type=float, default=1e-6, show_default=True, help="The distance at which a run has settled.")
@click.option("--escape", type=float, default=1e6, show_default=True, help="The distance at which a run has diverged.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the results in FILE; go on where it stopped."
)
@click.option("--cluster", metavar="ADDRESS", help="Spread the grid over a Dask cluster.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A picture, as a file."
)
@as_json_option
def map_command(
    rule: str,
    problem: str,
    spectrum: str,
    size: int,
    data: Path | None,
    l2: float,
    axes: str,
    start: str | None,
    starts: int | None,
    steps: int,
    within: float,
    escape: float,
    save: Path | None,
    cluster: str | None,
    output: Path | None,
    as_json: bool,
) -> int:
    """Run a rule down a problem from every point of a grid, in one compiled kernel.

    Two hyperparameters make a map of stability, two coordinates of the start a picture of basins, one hyperparameter
    with --starts bands of what is left of the loss.
    """
    require_own_kernels()
    from derive.library.lookup import find_rule
    from kernels.grids import trajectories

    found = find_rule(rule)
    grid, settings = _axes(axes)
    tried = problem_of(problem, spectrum, size, data, l2)
    if start is not None and starts is not None:
        raise UserError("--start and --starts exclude each other", where="derive map", fix="leave one out")
    begun = _around(tried, starts) if starts is not None else None if start is None else _list("--start", start)
    if output is not None:
        _refuse_picture(output, [*(name for name, v in grid.items() if len(v) > 1), *["start"] * ((starts or 1) > 1)])
    try:
        with _bar() as on_progress:
            made = trajectories(
                found, tried, grid=grid, steps=steps, start=begun, within=within, escape=escape, save=save,
                cluster=cluster, on_progress=on_progress, **settings,
            )  # fmt: skip
    except KeyboardInterrupt:
        if save is not None:
            click.echo(f"what was done is kept beside {save}; the same command goes on from there", err=True)
        raise
    if output is not None:
        from kernels.plots.maps import picture

        picture(made, found).savefig(output)
    if as_json:
        write_json(_document(made, save, output))
    else:
        _print(made)
    return 0


def _axes(text: str) -> tuple[dict[str, Any], dict[str, float]]:
    """The axes, and the values that are none."""
    import numpy as np

    axes, settings = dict[str, Any](), dict[str, float]()
    for part in text.split(","):
        name, _, values = part.strip().partition("=")
        words = values.split(":")
        log = words[-1] == "log" and len(words) == 4
        try:
            numbers = [float(word) for word in (words[:-1] if log else words)]
            count = int(numbers[2]) if len(numbers) == 3 else 1
            usable = len(numbers) in (1, 3) and 1 <= count <= LARGEST and all(map(math.isfinite, numbers))
            usable = usable and (len(numbers) == 1 or count == numbers[2]) and not (log and min(numbers[:2]) <= 0)
        except (ValueError, OverflowError):
            usable = False
        if not name or not usable:
            fix = 'write --grid "lr=0.001:2:200:log,beta=0:0.99:100"'
            raise UserError(f"{part.strip()!r} is no axis", where="--grid", fix=fix)
        if name in axes or name in settings:
            raise UserError(f"{name} has two axes", where="--grid", fix="leave one out")
        if len(numbers) == 1 and not name.startswith("theta["):
            settings[name] = numbers[0]
        elif len(numbers) == 1:
            axes[name] = numbers
        else:
            axes[name] = (np.geomspace if log else np.linspace)(numbers[0], numbers[1], count)
    return axes, settings


def _refuse_picture(output: Path, names: list[str]) -> None:
    """Before anything is run: whether there will be a picture, and a file of that kind."""
    from kernels.plots.maps import suited

    suited(names)
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as missing:
        raise UserError("plots need Matplotlib", fix="install derive-kernels[plots]") from missing
    kinds = FigureCanvasBase.get_supported_filetypes()
    if output.suffix.removeprefix(".") not in kinds:
        fix = f"end its name in one of {', '.join(sorted(kinds))}"
        raise UserError(f"there are no pictures of the kind {output.suffix!r}", where=str(output), fix=fix)


def _list(option: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{text!r} are no numbers", where=option, fix=f"write {option} 1,25") from None


def problem_of(name: str, spectrum: str, size: int, data: Path | None, l2: float) -> Problem:
    """The problem that the options describe."""
    from kernels.grids import logistic, quadratic, rosenbrock

    if name == "quadratic":
        return quadratic(_list("--spectrum", spectrum))
    if name == "rosenbrock":
        return rosenbrock(size)
    if data is None:
        raise UserError("logistic regression needs data", where="--problem", fix="give --data FILE.csv")
    import numpy as np

    try:
        table = np.loadtxt(data, delimiter=",", ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        what = f"can't be read as numbers: {' '.join(str(error).split())[:120]}"
        raise UserError(what, where=str(data), fix="give lines of comma-separated numbers, the label last") from None
    return logistic(table[:, :-1], table[:, -1], l2)


def _around(problem: Problem, count: int) -> Any:
    """Starts in random directions, at distance 1 from the minimum; the same every time."""
    import numpy as np

    away = np.random.default_rng(SEED).standard_normal((count, problem.size))
    return problem.minimum + away / np.linalg.norm(away, axis=1, keepdims=True)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], object]]:
    """A bar with the time that is left, on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("points"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _best(made: Trajectories) -> list[tuple[dict[str, float], float, float, int]]:
    """The points with the least loss: where they are, loss, distance, after how many steps they have settled."""
    import numpy as np

    left = made.distance if made.loss is None else made.loss
    order = np.lexsort((made.distance.reshape(-1), left.reshape(-1)))[:SHOWN]
    rows = []
    for flat in order:
        place = np.unravel_index(int(flat), made.shape)
        where = {name: float(values[k]) for (name, values), k in zip(made.axes.items(), place, strict=True)}
        rows.append((where, float(left[place]), float(made.distance[place]), int(made.settled[place])))
    return rows


def _print(made: Trajectories) -> None:
    count = made.distance.size
    print(f"{made.rule}, {made.problem}: {made.steps:,} steps from {count:,} points")
    print(
        f"{_share(made.settled >= 0)} settled within {made.within:g}, "
        f"{_share(made.diverged)} went beyond {made.escape:g}\n"
    )
    rows = _best(made)
    print_table(
        (*made.axes, "loss", "distance", "settled"),
        [(*(f"{v:.6g}" for v in where.values()), f"{loss:.4g}", f"{distance:.4g}", _settled(settled))
         for where, loss, distance, settled in rows],
    )  # fmt: skip
    sys.stdout.flush()


def _settled(steps: int) -> str:
    return "no" if steps < 0 else f"after {steps}"


def _share(which: Any) -> str:
    return f"{which.sum():,} ({which.mean():.1%})"


def _document(made: Trajectories, save: Path | None, output: Path | None) -> dict[str, Any]:
    rows = [{"where": where, "loss": _finite(loss), "distance": _finite(distance),
             "settled": settled if settled >= 0 else None}
            for where, loss, distance, settled in _best(made)]  # fmt: skip
    return document(
        "map", rule=made.rule, problem=made.problem, steps=made.steps, settings=made.settings,
        axes=[{"name": name, "values": values.tolist()} for name, values in made.axes.items()],
        points=int(made.distance.size), settled=int((made.settled >= 0).sum()), diverged=int(made.diverged.sum()),
        within=made.within, escape=made.escape, saved=None if save is None else str(save),
        picture=None if output is None else str(output), rows=rows,
    )  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
