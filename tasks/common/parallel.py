"""Many items of work spread over threads, processes, or a Dask cluster; the results come in the order of the items.

A worker that is lost (killed, out of memory, its machine gone) costs the item that it was at another run, and
nothing else. An error of the work itself is raised as it is.
"""

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from unfont.errors import UserError

T = TypeVar("T")
R = TypeVar("R")
Result = TypeVar("Result", covariant=True)

TRIES = 3  # workers that one item may lose before it is given up
AHEAD = 4  # items a worker that are under way, or done and waiting for their turn
ANSWER = 20  # seconds that a Dask scheduler has to answer

log = logging.getLogger("unfont")


class FanOut(Protocol):
    """Runs `work` on every item somewhere; yields the results in the order of the items."""

    def __call__(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]: ...


class Running(Protocol[Result]):
    """One item under way."""

    def result(self) -> Result: ...

    def cancel(self) -> Any: ...


class WorkerLostError(RuntimeError):
    """An item whose worker was lost as often as it was tried."""


def spread(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    runner: str,
    workers: int,
    scheduler: str | None = None,
    section: str = "crops",
    tries: int = TRIES,
) -> Iterator[R]:
    """Run `work` on every item: in `threads`, in spawned `processes`, or on `dask`; yield the results in order.

    One worker that is no cluster's is this process itself. `work` and the items travel by pickle to processes and to
    Dask: a module's function, or a `functools.partial` of one. At most `AHEAD` items a worker are under way or wait.
    `section` of the params is where all this is set; errors name it.

    Raises:
        UserError: Dask is not installed, or the scheduler does not answer.
        WorkerLostError: `tries` workers were lost at the same item.
    """
    workers = min(workers, len(items))
    if not items:
        return
    if runner == "dask":
        with dask_client(workers=workers, scheduler=scheduler, section=section, tries=tries) as client:
            # Not the client's executor: where a worker is lost as its result comes in, that one raises TypeError.
            ahead = AHEAD * max(workers, sum(client.nthreads().values()))
            yield from in_order(lambda item: client.submit(work, item, pure=False), items, ahead=ahead)
    elif workers == 1:
        yield from map(work, items)
    else:
        with ExitStack() as stack:
            if runner == "processes":
                work = stack.enter_context(processes(work, workers=workers, tries=tries))
            threads = stack.enter_context(ThreadPoolExecutor(workers))
            yield from in_order(lambda item: threads.submit(work, item), items, ahead=AHEAD * workers)


def in_order(submit: Callable[[T], Running[R]], items: Iterable[T], *, ahead: int) -> Generator[R, None, None]:
    """Results in the order of the items; at most `ahead` items are submitted whose results are not taken yet."""
    rest = iter(items)
    running = deque(submit(item) for item in islice(rest, ahead))
    try:
        while running:
            result = running.popleft().result()
            running.extend(submit(item) for item in islice(rest, 1))
            yield result
    finally:
        for item in running:
            item.cancel()


@contextmanager
def processes(work: Callable[[T], R], *, workers: int, tries: int = TRIES) -> Iterator[Callable[[T], R]]:
    """`work` in one of `workers` spawned processes: a function to be called from as many threads.

    A process that is lost is replaced, and its item runs again; the others do not notice. (In one pool of several
    processes, one that dies takes the work of all others with it.)
    """
    lanes = [_Lane(work, tries) for _ in range(workers)]
    free: SimpleQueue[_Lane[T, R]] = SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def run(item: T) -> R:
        lane = free.get()
        try:
            return lane.run(item)
        finally:
            free.put(lane)

    try:
        yield run
    finally:
        for lane in lanes:
            lane.close()


class _Lane(Generic[T, R]):
    """One process at a time, started when it is first needed."""

    def __init__(self, work: Callable[[T], R], tries: int) -> None:
        self.work, self.tries = work, tries
        self.pool: ProcessPoolExecutor | None = None

    def run(self, item: T) -> R:
        for _ in range(self.tries):
            if self.pool is None:
                # Spawned: a fork would copy the locks of torch's and Arrow's threads.
                self.pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            try:
                return self.pool.submit(self.work, item).result()
            except BrokenExecutor:
                log.warning("a worker was lost: its item runs again in another one")
                self.close()
        raise WorkerLostError(
            f"{self.tries} workers were lost in a row at the same item; out of memory? ({item!r:.200})"
        )

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown()
        self.pool = None


@contextmanager
def dask_client(*, workers: int, scheduler: str | None, section: str = "crops", tries: int = TRIES) -> Iterator[Any]:
    """A client of the Dask cluster at `scheduler`, or of one of this machine's own that ends with the block.

    The own cluster has `workers` processes, listens on loopback only and has no dashboard. Dask itself runs an item
    again whose worker was lost; `tries` is set on the own cluster; another one has its own setting.

    Raises:
        UserError: Dask is not installed, or the scheduler does not answer.
        WorkerLostError: in place of Dask's `KilledWorker`.
    """
    try:
        import dask
        import distributed
    except ImportError:
        fix = "pip install 'unfont-pipeline[dask]', or choose processes"
        raise UserError("Dask is not installed", where=f"{section}.runner: dask", fix=fix) from None
    with ExitStack() as stack:
        if scheduler is None:
            # Workers that are daemons could not start the processes of a training.
            own = {"distributed.scheduler.allowed-failures": tries - 1, "distributed.worker.daemon": False}
            stack.enter_context(dask.config.set(own))
            cluster = distributed.LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
            scheduler = stack.enter_context(cluster).scheduler_address
        try:
            client = distributed.Client(scheduler, timeout=ANSWER, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            fix = f"start it, fix {section}.scheduler, or set it to null for a cluster of this machine's own"
            raise UserError("the Dask scheduler does not answer", where=scheduler, fix=fix) from error
        stack.enter_context(client)
        try:
            yield client
        except distributed.KilledWorker as error:
            raise WorkerLostError("an item's workers were lost each time that Dask tried it; out of memory?") from error
