"""How items of work are spread: through Prefect's task runners inside a flow run, and without Prefect elsewhere.

The results are the same bytes; inside a flow run every item is a task run that one can watch.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from flows.stage import in_flow
from tasks.common.drawing_settings import RunnerSettings
from tasks.common.parallel import AHEAD, FanOut, dask_client, in_order, processes, spread

T = TypeVar("T")
R = TypeVar("R")

# Dask gets the flow and its parameters along with every task run, so what the flow works on is neither.
_results: ContextVar[Callable[[], Iterator[Any]]] = ContextVar("results")


def fan_out(
    settings: RunnerSettings, *, name: str = "draw-shards", item: str = "shard", section: str = "crops"
) -> FanOut:
    """Spread work by `runner`, `workers` and `scheduler` of a section of the params.

    Inside a flow run the items are task runs, `<item>-<number>`, of a nested flow called `name`; elsewhere
    `tasks.common.parallel.spread` does it. Errors name the `section`. To be called from the flow, not from a task of
    it: a task's context would travel to Dask's workers too.
    """

    def run(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        if in_flow() and items:
            return _through_prefect(work, items, settings, name=name, item=item, section=section)
        runner, workers, scheduler = settings.runner, settings.workers, settings.scheduler
        return spread(work, items, runner=runner, workers=workers, scheduler=scheduler, section=section)

    return run


def _through_prefect(
    work: Callable[[T], R], items: Sequence[T], settings: RunnerSettings, *, name: str, item: str, section: str
) -> Iterator[R]:
    from prefect import flow, task
    from prefect.cache_policies import NO_CACHE

    # Nothing is cached or kept here: DVC alone decides what is stale.
    one = task(name=item, task_run_name=f"{item}-{{number}}", cache_policy=NO_CACHE, persist_result=False)(_call)
    workers = min(settings.workers, len(items))
    with ExitStack() as stack:
        task_runner, ahead = _task_runner(settings, workers, section, stack)
        if settings.runner == "processes":
            # Prefect's own pool of processes imports Prefect in each and reads its settings again for every task run:
            # half a second each. So its threads run the task runs, and each has a process do the work.
            work = stack.enter_context(processes(work, workers=workers))

        def submit(numbered: tuple[int, T]) -> _TaskRun:
            number, value = numbered
            return _TaskRun(one.submit(number, partial(work, value)))

        _results.set(lambda: in_order(submit, list(enumerate(items)), ahead=ahead))
        nested = flow(name=name, task_runner=task_runner, validate_parameters=False, persist_result=False)
        yield from nested(run_items)()


def run_items() -> Iterator[Any]:
    """Run the work on every item."""
    yield from _results.get()()


def _call(number: int, call: Callable[[], R]) -> R:
    """What a task run does: the work with its item, as one argument that Prefect does not look into."""
    return call()


def _task_runner(settings: RunnerSettings, workers: int, section: str, stack: ExitStack) -> tuple[Any, int]:
    """The flow's task runner, and how many items it may have under way."""
    from prefect.task_runners import ThreadPoolTaskRunner

    if settings.runner != "dask":
        return ThreadPoolTaskRunner(max_workers=workers), AHEAD * workers
    client = stack.enter_context(dask_client(workers=workers, scheduler=settings.scheduler, section=section))
    from prefect_dask.task_runners import DaskTaskRunner

    return DaskTaskRunner(address=client.scheduler.address), AHEAD * max(workers, sum(client.nthreads().values()))


class _TaskRun:
    """A task run under way, as `in_order` takes it."""

    def __init__(self, future: Any) -> None:
        self.future = future

    def result(self) -> Any:
        return self.future.result()

    def cancel(self) -> None:
        self.future.wrapped_future.cancel()
