"""A grid's blocks on a Dask cluster: each is a task, made again elsewhere where its worker dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from derive.errors import UserError
from derive.rule import Rule
from kernels.driver import compile_descent
from kernels.running.content import surroundings
from kernels.running.descent import Found, Points

if TYPE_CHECKING:
    from kernels.grids.run import Job

AHEAD = 3  # tasks for each thread of the cluster, so that none waits for the next
LIVES = 10  # times that a block is tried where workers die over it, each time on several
PATIENCE = 60  # seconds without any worker


def spread(job: Job, blocks: Sequence[tuple[int, int]], cluster: Any, put: Callable[[int, int, Found], object]) -> None:
    """Have the blocks made by the cluster, and put each where it belongs as it comes.

    Raises UserError where there is no such cluster, or its workers have another version of this package.
    """
    with _client(cluster) as client:
        _Spreading(client, job, list(reversed(blocks)), put).run()


@dataclass
class _Spreading:
    """Blocks under way on a cluster: those that are left, the last first, and which task makes which."""

    client: Any
    job: Job
    left: list[tuple[int, int]]
    put: Callable[[int, int, Found], object]
    running: dict[Any, tuple[int, int]] = field(default_factory=dict)
    died: Counter[tuple[int, int]] = field(default_factory=Counter)

    def run(self) -> None:
        from distributed import KilledWorker, as_completed

        work, coming = self._work(), as_completed(loop=self.client.loop)
        try:
            while self.left or self.running:
                ahead = AHEAD * max(1, sum(self.client.nthreads().values()))  # workers may come and go
                while self.left and len(self.running) < ahead:
                    block = self.left.pop()
                    future = self.client.submit(_made, work, *block, pure=False)
                    self.running[future] = block
                    coming.add(future)
                future = next(coming)
                block = self.running.pop(future)
                try:
                    found = Found(*future.result())
                except KilledWorker as error:
                    self._once_more(block, error)
                    work = self._work()
                    continue
                self.put(*block, found)
        finally:
            self.client.cancel([work, *self.running])

    def _work(self) -> Any:
        """What every block needs, on the cluster; made again there where it is lost."""
        descent = self.job.descent
        source = surroundings()["source"]
        return self.client.submit(_work, descent.rule, descent.kind, self.job.points, source, pure=False)

    def _once_more(self, block: tuple[int, int], error: Exception) -> None:
        self.died[block] += 1
        if self.died[block] == LIVES:
            what = f"workers die over one block, {LIVES} times and more"
            raise UserError(what, where="the cluster", fix="see what ends them; what was saved is kept") from error
        self.left.append(block)


def _work(rule: Rule, kind: str, points: Points, source: str) -> tuple[Rule, str, Points]:
    """On a worker: what every block needs, once this package is known to be the same here."""
    if surroundings()["source"] != source:
        what = "a worker has another version of derive-kernels"
        raise UserError(what, where="the cluster", fix="install the same version everywhere")
    return rule, kind, points


def _made(work: tuple[Rule, str, Points], lo: int, hi: int) -> Any:
    """On a worker: one block, by the thread that asks for it."""
    rule, kind, points = work
    found, points = Found.empty(hi - lo), points.aligned()  # what came over a wire lies anywhere
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
        yield _with_workers(cluster)
        return
    if not isinstance(cluster, str):
        what = f"{type(cluster).__name__} is neither an address nor a client"
        raise UserError(what, where="cluster", fix='give "tcp://host:8786", or a dask.distributed.Client')
    try:
        client = Client(cluster, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        what = f"there is no Dask scheduler: {str(error).splitlines()[0][:120]}"
        raise UserError(
            what, where=cluster, fix="start one with `dask scheduler`, and workers with `dask worker`"
        ) from None
    try:
        yield _with_workers(client)
    finally:
        client.close()


def _with_workers(client: Any) -> Any:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        what = f"the cluster had no workers for {PATIENCE} s"
        raise UserError(what, where=client.scheduler.address, fix="start one with `dask worker ADDRESS`") from None
    return client
