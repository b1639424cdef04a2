"""The experiments through real trainings and MLflow, on toy faces; once through Prefect's task runner too."""

from pathlib import Path
from typing import Any

import pytest

from flows import ablation as flow
from tasks.ablation.train import Outcome, TrainingJob, train_and_measure
from tasks.common.mlflow_runs import PARENT_TAG, SWEEP_TAG
from tasks.common.mlflow_store import client, experiment_of
from tests.tasks.ablation.toyablation import small_params, toy_experiment

ONLY = "four-class,no-dense,pairs"


def settings(workers: int = 1) -> Any:
    return small_params().sweep.model_copy(update={"workers": workers})


class Counted:
    """`train_and_measure` that counts, and is killed at the n-th training."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.names: list[str] = []
        self.killed_at = killed_at

    def __call__(self, job: TrainingJob) -> Outcome:
        if len(self.names) == self.killed_at:
            raise KeyboardInterrupt
        self.names += [] if job.result.exists() else [job.name]
        return train_and_measure(job)


def test_an_interrupted_experiment_goes_on_and_every_training_is_a_child_run(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = toy_experiment(ONLY)
    whole = [job.name for job in experiment.jobs]
    assert len(whole) == 4 * 2 * 2
    first, second = Counted(killed_at=5), Counted()
    monkeypatch.setattr(flow, "train_and_measure", first)
    with pytest.raises(KeyboardInterrupt):
        flow.measure(experiment, settings=settings())
    monkeypatch.setattr(flow, "train_and_measure", second)
    numbers, maps = flow.measure(experiment, settings=settings())
    assert first.names + second.names == whole

    runs = client().search_runs([experiment_of("faces")], order_by=["attributes.start_time ASC"])
    (parent,) = [run for run in runs if PARENT_TAG not in run.data.tags]
    children = [run for run in runs if run.data.tags.get(PARENT_TAG) == parent.info.run_id]
    assert (parent.info.run_name, parent.info.status) == ("ablation", "FINISHED")
    assert [run.data.tags[SWEEP_TAG] for run in children] == whole
    assert {run.data.params["modes"] for run in children} == {"erm", "pairs"}

    assert [row["name"] for row in numbers["variants"]] == ["base", "four-class", "no-dense"]
    assert {claim["variant"] for claim in numbers["claims"]} == {"base", "four-class", "no-dense"}
    assert [row["name"] for row in numbers["cures"]["rows"]] == ["pairs"]
    mean = sum(run.data.metrics["new.accuracy"] for run in children if run.data.params["recipe"] == "base") / 4
    assert numbers["variants"][0]["accuracy"]["new"]["mean"] == pytest.approx(mean, abs=1e-4)
    assert parent.data.metrics["base.new.accuracy"] == pytest.approx(mean, abs=1e-4)
    assert list(maps) == ["base", "four-class", "no-dense"]
    assert "embedding.dense1" not in maps["no-dense"]


@pytest.mark.e2e
def test_through_prefect_the_result_is_the_same(store: Path, prefect_server: None) -> None:
    experiment = toy_experiment("no-dense")
    inside = flow.run_experiment(experiment, settings=settings(workers=2))
    assert flow.measure(experiment, settings=settings()) == inside
