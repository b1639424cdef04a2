"""A sweep through real trainings, Optuna and MLflow; once through Prefect's task runner too."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows import sweep as flow
from tasks.common.mlflow_runs import PARENT_TAG, SWEEP_TAG
from tasks.common.mlflow_store import client, experiment_of
from tasks.sweep.space import Space
from tasks.sweep.sweep import Outcome, SweepJob, try_setting
from tasks.sweep.table import summarise_sweep
from tasks.sweep.trials import open_study, setting_results
from tests.tasks.sweep.toysweep import PARAMS, make_toy_project, toy_space, toy_sweep

SPACE = toy_space("erm", "conditional+pairs", strength=[0.1, 1.0])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_project(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def home(project: Path, store: Path) -> Path:
    shutil.copytree(project, store, dirs_exist_ok=True)
    return store


def settings(workers: int = 1) -> Any:
    return PARAMS.sweep.model_copy(update={"workers": workers})


def summary_of(space: Space) -> dict[str, Any]:
    return summarise_sweep(setting_results(open_study(toy_sweep(space)), space), space)


def go(space: Space, wanted: int) -> None:
    sweep = toy_sweep(space)
    flow.run_trials(sweep, open_study(sweep), settings=settings(), wanted=wanted)


class Counted:
    """`try_setting` that counts, and is killed at the n-th training."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.names: list[str] = []
        self.killed_at = killed_at

    def __call__(self, job: SweepJob) -> Outcome:
        if len(self.names) == self.killed_at:
            raise KeyboardInterrupt
        self.names.append(job.name)
        return try_setting(job)


def runs_of() -> tuple[Any, list[Any]]:
    """The parent run, and its children's in the order that they were made."""
    runs = client().search_runs([experiment_of("scripts")], order_by=["attributes.start_time ASC"])
    (parent,) = [run for run in runs if PARENT_TAG not in run.data.tags]
    children = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent.info.run_id]
    assert len(children) == len(runs) - 1
    return parent, children


def test_an_interrupted_sweep_goes_on_and_trains_nothing_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [f"{setting.name},seed={seed}" for setting in SPACE.grid() for seed in range(2)]
    assert len(whole) == 6
    first, second, third = Counted(killed_at=3), Counted(), Counted()
    monkeypatch.setattr(flow, "try_setting", first)
    with pytest.raises(KeyboardInterrupt):
        go(SPACE, wanted=3)
    assert first.names == whole[:3]
    parent, _ = runs_of()
    assert parent.info.status == "FAILED"

    monkeypatch.setattr(flow, "try_setting", second)
    go(SPACE, wanted=3)
    assert second.names == whole[2:]  # a setting is asked for again with both seeds; the one done is taken as it is
    monkeypatch.setattr(flow, "try_setting", third)
    go(SPACE, wanted=3)
    assert third.names == []

    parent, children = runs_of()
    assert parent.info.status == "FINISHED"
    assert [run.data.tags[SWEEP_TAG] for run in children] == whole
    rows = summary_of(SPACE)["rows"]
    assert [run.data.metrics["validation.light.criterion"] for run in children] == [
        value for row in rows for value in row["criterion_by_seed"]
    ]
    assert parent.data.metrics["best.validation.light.criterion"] == pytest.approx(
        max(row["criterion_mean"] for row in rows)
    )
    last = children[-1]
    assert last.data.params["mode"] == "conditional+pairs"
    assert (last.data.params["strength"], last.data.params["seed"]) == ("1.0", "1")
    assert len(client().get_metric_history(last.info.run_id, "pairs_loss")) == PARAMS.invariance.epochs


def test_a_sampled_sweep_tries_as_many_settings_as_asked(home: Path) -> None:
    space = toy_space("conditional", strength=[0.1, 10.0], sampled=True, seeds=1)
    go(space, wanted=2)
    go(space, wanted=3)
    rows = summary_of(space)["rows"]
    assert len({row["strength"] for row in rows}) == len(rows) == 3
    assert all(0.1 <= row["strength"] <= 10 for row in rows)


@pytest.mark.e2e
def test_through_prefect_every_training_is_a_task_run_with_the_same_result(home: Path, prefect_server: None) -> None:
    from prefect.client.orchestration import get_client

    space = toy_space("erm", "pairs")
    sweep = toy_sweep(space)
    flow.run_sweep(sweep, open_study(sweep), settings=settings(workers=2), wanted=2)
    inside = summary_of(space)
    with get_client(sync_client=True) as api:
        states = {api.read_flow(run.flow_id).name: run.state for run in api.read_flow_runs()}
        tasks = {run.name for run in api.read_task_runs()}
    assert states["sweep"].is_completed() and states["sweep-trainings"].is_completed()
    assert {"training-0", "training-1", "training-2", "training-3"} <= tasks

    shutil.rmtree("data/.work")
    go(space, wanted=2)
    assert summary_of(space) == inside
