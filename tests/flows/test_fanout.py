"""Work spread through Prefect's task runners, inside a flow run and without one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.context import FlowRunContext

from flows.fanout import fan_out
from tasks.common.drawing_settings import CropsSettings, RunnerSettings
from tasks.common.parallel import WorkerLostError
from tasks.common.params import ScoreSettings
from tests.fanwork import begun, die, die_once, refuse, write_square
from tests.toytables import CROPS, SCRIPTS, bytes_in, make_toy_crops, make_toy_tables
from unfont.errors import UserError

OTHERS = ["processes", pytest.param("dask", marks=pytest.mark.slow)]


def by(runner: str) -> CropsSettings:
    return CropsSettings(**{**CROPS.model_dump(), "runner": runner, "workers": 2})


def in_a_flow(work, items, settings: RunnerSettings, **names: str):
    """What the crops stage does: a flow that spreads work and takes its results one by one."""

    @flow(name="crops", persist_result=False)
    def crops() -> list:
        results = list(fan_out(settings, **names)(work, items))
        assert FlowRunContext.get().flow.name == "crops"  # nothing of the nested flow is left over
        return results

    return crops()


def test_a_flow_gets_the_same_as_no_flow(tmp_path: Path, prefect_server: None) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir(), outside.mkdir()
    results = in_a_flow(partial(write_square, folder=inside), range(10), by("threads"))
    assert results == [inside / f"{n}.txt" for n in range(10)]
    assert begun(inside) == list(range(10))
    list(fan_out(by("threads"))(partial(write_square, folder=outside), range(10)))
    assert [path.read_bytes() for path in results] == [(outside / path.name).read_bytes() for path in results]


@pytest.mark.parametrize(
    ("names", "nested", "item"),
    [({}, "draw-shards", "shard"), ({"name": "score-parts", "item": "part"}, "score-parts", "part")],
)
def test_every_item_is_a_task_run_of_a_nested_flow(
    names: dict[str, str], nested: str, item: str, tmp_path: Path, prefect_server: None
) -> None:
    in_a_flow(partial(write_square, folder=tmp_path), range(5), by("threads"), **names)
    with get_client(sync_client=True) as client:
        run = max(
            (run for run in client.read_flow_runs() if client.read_flow(run.flow_id).name == nested),
            key=lambda run: run.created,
        )
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        found: set[str] = set()
        until = time.monotonic() + 20  # the server hears of task runs a little later
        while len(found) < 5 and time.monotonic() < until:
            time.sleep(0.2)
            found = {task.name for task in client.read_task_runs(flow_run_filter=wanted)}
    assert run.state.is_completed()
    assert found == {f"{item}-{n}" for n in range(5)}


@pytest.mark.parametrize("runner", OTHERS)
def test_a_lost_workers_item_runs_again(runner: str, tmp_path: Path, prefect_server: None) -> None:
    results = in_a_flow(partial(die_once, folder=tmp_path), range(8), by(runner))
    assert [path.read_text() for path in results] == [str(n * n) for n in range(8)]
    assert (tmp_path / "dead").exists()
    if runner == "processes":
        assert begun(tmp_path) == list(range(8))  # each was finished once: none beside 3 began again


@pytest.mark.parametrize("runner", OTHERS)
def test_an_item_that_kills_every_worker_is_given_up(runner: str, prefect_server: None) -> None:
    with pytest.raises(WorkerLostError, match="memory"):
        in_a_flow(die, range(3), by(runner))


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_an_error_of_the_work_is_raised_as_it_is(runner: str, prefect_server: None) -> None:
    with pytest.raises(UserError, match="two is too many"):
        in_a_flow(refuse, range(30), by(runner))


def test_the_crop_table_has_the_same_bytes_as_without_prefect(tmp_path: Path, prefect_server: None) -> None:
    tables = make_toy_tables(tmp_path)
    make_toy_crops(tables, tmp_path / "outside", SCRIPTS, map)

    @flow(name="crops", persist_result=False)
    def crops() -> None:
        make_toy_crops(tables, tmp_path / "inside", SCRIPTS, fan_out(by("processes")))

    crops()
    assert bytes_in(tmp_path / "inside" / "crops") == bytes_in(tmp_path / "outside" / "crops")


@pytest.mark.slow
def test_a_cluster_started_elsewhere_loses_a_worker_and_nothing_else(tmp_path: Path, prefect_server: None) -> None:
    tables = make_toy_tables(tmp_path)
    make_toy_crops(tables, tmp_path / "here", SCRIPTS, map)
    with cluster_of_the_command_line(tmp_path) as (address, workers):
        settings = CropsSettings(**{**CROPS.model_dump(), "runner": "dask", "workers": 2, "scheduler": address})
        results = in_a_flow(partial(die_once, folder=tmp_path), range(8), settings)
        assert [path.read_text() for path in results] == [str(n * n) for n in range(8)]
        assert sorted(worker.poll() is None for worker in workers) == [False, True]

        @flow(name="crops", persist_result=False)
        def crops() -> None:
            make_toy_crops(tables, tmp_path / "there", SCRIPTS, fan_out(settings))

        crops()  # by the worker that is left
    assert bytes_in(tmp_path / "there" / "crops") == bytes_in(tmp_path / "here" / "crops")


@contextmanager
def cluster_of_the_command_line(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process of its own that nobody starts again; the scheduler's address."""
    program = Path(sys.executable).with_name("dask")
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # the work is of this folder
    with ExitStack() as stack, (folder / "cluster.log").open("wb") as log:

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        where = folder / "scheduler.json"
        start("scheduler", *local, "--port", "0", "--scheduler-file", str(where))
        workers = [
            start("worker", *local, "--no-nanny", "--nthreads", "1", "--scheduler-file", str(where)) for _ in range(2)
        ]
        yield wait_for_workers(where), workers


def wait_for_workers(where: Path) -> str:
    """The address of the scheduler, once two workers have joined it."""
    from distributed import Client

    until = time.monotonic() + 60
    while not where.exists() and time.monotonic() < until:
        time.sleep(0.1)
    with Client(scheduler_file=str(where)) as client:
        client.wait_for_workers(2, timeout=60)
        return str(client.scheduler.address)


def test_an_error_names_the_section_that_is_wrong(monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    settings = ScoreSettings(severity="clean", runner="dask", workers=2, scheduler=None)
    with pytest.raises(UserError, match=r"\(score.runner: dask\)"):
        in_a_flow(refuse, range(2), settings, section="score")
    with pytest.raises(UserError, match=r"\(score.runner: dask\)"):
        list(fan_out(settings, section="score")(refuse, range(2)))
