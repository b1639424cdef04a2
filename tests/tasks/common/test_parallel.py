"""Work spread over workers: the order of its results, lost workers, errors."""

import os
import sys
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from tasks.common.parallel import WorkerLostError, in_order, spread
from tests.fanwork import begun, die, die_once, refuse, write_square
from unfont.errors import UserError

SLOW_DASK = pytest.param("dask", marks=pytest.mark.slow)
RUNNERS = ["threads", "processes", SLOW_DASK]


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_results_come_in_the_order_of_the_items(runner: str, tmp_path: Path) -> None:
    paths = list(spread(partial(write_square, folder=tmp_path), range(20), runner=runner, workers=2))
    assert [path.read_text() for path in paths] == [str(n * n) for n in range(20)]
    assert begun(tmp_path) == list(range(20))


def test_a_lost_process_costs_its_own_item_and_nothing_else(tmp_path: Path) -> None:
    paths = list(spread(partial(die_once, folder=tmp_path), range(8), runner="processes", workers=2))
    assert [path.read_text() for path in paths] == [str(n * n) for n in range(8)]
    assert (tmp_path / "dead").exists()
    assert begun(tmp_path) == list(range(8))  # each was finished once: none beside 3 began again


@pytest.mark.slow
def test_dask_runs_a_lost_workers_item_again(tmp_path: Path) -> None:
    paths = list(spread(partial(die_once, folder=tmp_path), range(8), runner="dask", workers=2))
    assert [path.read_text() for path in paths] == [str(n * n) for n in range(8)]
    assert (tmp_path / "dead").exists()


def test_an_item_that_kills_every_worker_is_given_up() -> None:
    with pytest.raises(WorkerLostError, match="memory"):
        list(spread(die, range(3), runner="processes", workers=2, tries=2))


@pytest.mark.parametrize("runner", RUNNERS)
def test_an_error_of_the_work_is_raised_as_it_is(runner: str) -> None:
    results = spread(refuse, range(30), runner=runner, workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(UserError, match="two is too many"):
        next(results)


def test_one_worker_is_this_process() -> None:
    here = list(spread(_thread_of, range(3), runner="processes", workers=1))
    assert here == [threading.get_ident()] * 3


def _thread_of(_: int) -> int:
    return threading.get_ident()


@pytest.mark.parametrize("runner", RUNNERS)
def test_no_items_start_no_worker(runner: str) -> None:
    assert list(spread(refuse, [], runner=runner, workers=2)) == []


def test_results_that_nobody_takes_hold_back_the_rest() -> None:
    submitted: list[int] = []

    def submit(number: int) -> "Future[int]":
        submitted.append(number)
        future: Future[int] = Future()
        future.set_result(number)
        return future

    results = in_order(submit, range(100), ahead=4)
    assert next(results) == 0
    assert submitted == [0, 1, 2, 3, 4]


def test_what_is_not_taken_is_cancelled() -> None:
    futures: list[Future[int]] = []

    def submit(number: int) -> "Future[int]":
        futures.append(Future())
        if number == 0:
            futures[-1].set_result(0)
        return futures[-1]

    results = in_order(submit, range(100), ahead=4)
    next(results)
    results.close()
    assert [future.cancelled() for future in futures] == [False, True, True, True, True]


@pytest.mark.slow
def test_a_cluster_that_runs_already_is_used(tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        options = {"runner": "dask", "workers": 2, "scheduler": cluster.scheduler_address}
        assert list(spread(_process_of, range(6), **options)) == [cluster.workers[0].pid] * 6


def _process_of(_: int) -> int:
    return os.getpid()


def test_a_scheduler_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.common.parallel.ANSWER", 0.5)
    with pytest.raises(UserError, match=r"scheduler does not answer \(tcp://127.0.0.1:9\): .*fix score.scheduler"):
        list(spread(refuse, range(2), runner="dask", workers=2, scheduler="tcp://127.0.0.1:9", section="score"))


def test_missing_dask_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"\(crops.runner: dask\): pip install 'unfont-pipeline\[dask\]'"):
        list(spread(refuse, range(2), runner="dask", workers=2))
    with pytest.raises(UserError, match=r"\(score.runner: dask\)"):
        list(spread(refuse, range(2), runner="dask", workers=2, section="score"))
