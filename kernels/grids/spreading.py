"""A grid's blocks on a Dask cluster: each is a task, made again elsewhere where its worker dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from derive.errors import UserError
from derive.rule import Rule
from kernels.driver import compile_descent
from kernels.grids.problems import Problem
from kernels.running.content import surroundings
from kernels.running.descent import Found, Points

if TYPE_CHECKING:
    from kernels.grids.run import Job

AHEAD = 3  # tasks for each thread of the cluster, so that none waits for the next
LIVES = 10  # workers that may die over one block


def spread(
    job: Job, blocks: Sequence[tuple[int, int]], cluster: Any, put: Callable[[int, int, Found], None]
) -> None:
    """Have the blocks made by the cluster, and put each where it belongs as it comes.

    Raises UserError where there is no such cluster, or its workers have another version of this package.
    """
    with _client(cluster) as client:
        from distributed import as_completed

        work = client.submit(
            _work, job.descent.rule, job.problem, job.points, surroundings()["source"], pure=False, retries=LIVES
        )
        left, running = iter(blocks), dict[Any, tuple[int, int]]()
        coming = as_completed()
        try:
            _submit(client, work, left, running, coming, AHEAD * max(1, _threads(client)))
            for future in coming:
                lo, hi = running.pop(future)
                put(lo, hi, Found(*_result(future)))
                _submit(client, work, left, running, coming, 1)
        finally:
            client.cancel([work, *running])


def _submit(client: Any, work: Any, left: Iterator[tuple[int, int]], running: Any, coming: Any, count: int) -> None:
    for lo, hi in (block for block, _ in zip(left, range(count), strict=False)):
        future = client.submit(_made, work, lo, hi, pure=False, retries=LIVES)
        running[future] = (lo, hi)
        coming.add(future)


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        what = f"a block was lost with {LIVES} workers, one after the other"
        raise UserError(what, where="the cluster", fix="see what ends them; what was saved is kept") from error


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())


def _work(rule: Rule, problem: Problem, points: Points, source: str) -> tuple[Rule, str, Points]:
    """On a worker: what every block needs, once this package is known to be the same here."""
    if surroundings()["source"] != source:
        what = "a worker has another version of derive-kernels"
        raise UserError(what, where="the cluster", fix="install the same version everywhere")
    return rule, problem.kind, points


def _made(work: tuple[Rule, str, Points], lo: int, hi: int) -> Any:
    """On a worker: one block, by the thread that asks for it."""
    rule, kind, points = work
    found = Found.empty(hi - lo)
    compile_descent(rule, kind).run(points, lo, hi, found, threads=False)
    return found.arrays


@contextmanager
def _client(cluster: Any) -> Iterator[Any]:
    """A client of the cluster: the one given, or one of the address."""
    try:
        from distributed import Client
    except ImportError as missing:
        raise UserError("a cluster needs Dask", fix="install derive-kernels[cluster]") from missing
    if isinstance(cluster, Client):
        yield cluster
        return
    if not isinstance(cluster, str):
        what = f"{type(cluster).__name__} is neither an address nor a client"
        raise UserError(what, where="cluster", fix='give "tcp://host:8786", or a dask.distributed.Client')
    try:
        client = Client(cluster, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        what = f"there is no Dask scheduler: {str(error).splitlines()[0][:120]}"
        raise UserError(what, where=cluster, fix="start one with `dask scheduler`, and workers with `dask worker`") from None
    try:
        yield client
    finally:
        client.close()
