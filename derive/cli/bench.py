"""`derive bench`: kernels beside their peers and the memory floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.cli.bench_document import bench_document
from derive.cli.documents import as_json_option, write_json
from derive.cli.packages import require_own_kernels
from derive.cli.tables import print_notes, print_table
from derive.errors import UserError
from derive.rule import Rule

if TYPE_CHECKING:
    from kernels.bench.comparing import Plan, Timed

DEFAULT_RULES = ("adam",)
DEFAULT_SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)
LARGEST = 10**9  # elements; more is a slip of the hand


def _sizes(_context: object, _parameter: object, text: str | None) -> tuple[int, ...]:
    if text is None:
        return DEFAULT_SIZES
    try:
        found = tuple(int(float(part)) for part in text.split(","))
    except (ValueError, OverflowError):
        found = ()
    if not found or not all(1 <= size <= LARGEST for size in found):
        raise UserError(f"{text!r} are no sizes", where="--sizes", fix="write --sizes 1000,1e6")
    return found


def _divided(_context: object, _parameter: object, text: str | None) -> int | None:
    """What the sizes of GPT-2's tensors are divided by."""
    if text is None:
        return None
    name, slash, divisor = text.partition("/")
    if name != "gpt2" or (slash and not (divisor.isascii() and divisor.isdigit() and int(divisor))):
        raise UserError(f"there is no network {text!r}", where="--network", fix="write gpt2 or gpt2/16")
    return int(divisor or 1)


@click.command("bench")
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--sizes", callback=_sizes, metavar="N,N,...", help="Elements.  [default: 1,1e3,1e5,1e6,1e7]")
@click.option("--network", callback=_divided, metavar="gpt2[/N]", help="A network's tensors, each an Nth of its size.")
@click.option("--peers", metavar="NAME,NAME,...", help="Only these; the kernel and the floor are always there.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(1), help="Cores for every peer.  [default: all]")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option(
    "--limit",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds that a peer may take to answer.",
)
@click.option("--plot", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Throughput, as a file.")
@as_json_option
def bench_command(
    rules: Sequence[str],
    sizes: tuple[int, ...],
    network: int | None,
    peers: str | None,
    dtype: str,
    threads: int | None,
    rounds: int,
    limit: float,
    plot: Path | None,
    as_json: bool,
) -> int:
    """Time a step beside its peers: in turn, in one run, each in a process of its own.

    The floor reads and writes the same memory with next to no arithmetic. Ratios are what counts: times depend on the
    machine and on what else it does.
    """
    require_own_kernels()
    from kernels.bench.comparing import Plan
    from kernels.bench.network import gpt2

    tensors = (gpt2(network),) if network else tuple((size,) for size in sizes)
    plans = [Plan(name, _peers(peers), tensors, dtype, threads or 0, rounds, limit=limit)
             for name in rules or DEFAULT_RULES]  # fmt: skip
    found = [_found(name.rule) for name in plans]
    if plot is not None and len(plans) > 1:
        raise UserError("a plot shows one rule", where="--plot", fix="name one rule")
    timed = _timed(plans)
    moved = [_bytes_per_element(rule, dtype) for rule in found]
    if plot is not None:
        from kernels.plots.throughput import throughput

        throughput(timed[0], moved[0]).savefig(plot)
    if as_json:
        write_json(bench_document(plans, timed, moved))
    else:
        for plan, rows, width in zip(plans, timed, moved, strict=True):
            _print(plan, rows, width)
    return 0


def _peers(text: str | None) -> tuple[str, ...]:
    from kernels.bench.peers import PEERS

    if text is None:
        return (*PEERS,)
    named = [part.strip() for part in text.split(",")]
    for name in named:
        if name not in PEERS:
            raise UserError(f"there is no peer {name!r}", where="--peers", fix=f"name some of {', '.join(PEERS)}")
    return tuple(name for name in PEERS if name in {"kernel", "floor", *named})


def _found(name: str) -> Rule:
    from derive.library.lookup import find_rule
    from kernels.checks import refuse_unfit

    rule = find_rule(name)
    refuse_unfit(rule)
    if rule.is_average or rule.defaults.keys() != {*rule.hyperparameter_names}:
        what = "is an average" if rule.is_average else "has a hyperparameter without a default"
        raise UserError(f"{rule.name} {what}", where="derive bench", fix="take an update rule with defaults")
    return rule


def _bytes_per_element(rule: Rule, dtype: str) -> int:
    from kernels import compile

    return compile(rule, dtype).bytes_per_element


def _timed(plans: Sequence[Plan]) -> list[list[Timed]]:
    from kernels.bench.comparing import compare

    with _bar(sum(plan.turns for plan in plans)) as on_turn:
        return [list(compare(plan, on_turn)) for plan in plans]


@contextmanager
def _bar(turns: int) -> Iterator[Callable[[str], object]]:
    """A bar with the time that is left, on a terminal's standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("starting", total=turns)
        yield lambda said: progress.update(bar, description=said, advance=1)


def _print(plan: Plan, timed: Sequence[Timed], width: int) -> None:
    """A table for each list of sizes, and who was skipped."""
    for sizes in plan.sizes:
        rows = [each for each in timed if each.sizes == sizes]
        seconds = {each.peer: each.median for each in rows}
        print(f"{plan.rule}, {plan.dtype}, {_said(sizes)}")
        shown = [(each.peer, _duration(each.median), f"{each.elements * width / each.median / 1e9:.3g}",
                  _ratio(each.median, seconds["floor"]), _ratio(each.median, seconds["kernel"]))
                 for each in rows if each.median is not None]  # fmt: skip
        print_table(("peer", "median", "GB/s", "of the floor", "of the kernel"), shown)
        print()
    skipped = dict.fromkeys(f"skipped: {each.peer}: {each.skipped}" for each in timed if each.skipped)
    print_notes([*skipped])


def _said(sizes: tuple[int, ...]) -> str:
    tensors = f" in {len(sizes)} tensors" if len(sizes) > 1 else ""
    return f"{sum(sizes):,} element{'s' if sum(sizes) > 1 else ''}{tensors}"


def _duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _ratio(seconds: float, other: float | None) -> str:
    return "" if other is None else f"{seconds / other:.2f}"
