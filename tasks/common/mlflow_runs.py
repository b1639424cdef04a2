"""Runs in MLflow: a parent run for each pipeline, one nested run for each stage."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_store import client, experiment_of, use_store

PARENT_VARIABLE = "UNFONT_PARENT_RUN"
REPRO_TAG = "unfont.repro"
STAGE_TAG = "unfont.stage"
SWEEP_TAG = "unfont.sweep"
PARENT_TAG = "mlflow.parentRunId"
NAME_TAG = "mlflow.runName"


@contextlib.contextmanager
def recorded_stage(facts: StageFacts, problem: str) -> Iterator[Record]:
    """A nested run for one stage: FINISHED when the block ends, FAILED when it raises."""
    use_store()
    experiment = experiment_of(problem)
    parent = os.environ.get(PARENT_VARIABLE) or _parent_of_repro(experiment)
    tags = {STAGE_TAG: facts.address, NAME_TAG: facts.address}
    if parent:
        tags[PARENT_TAG] = parent
        client().update_run(parent, status="RUNNING")
    with _terminated(client().create_run(experiment, tags=tags).info.run_id, parent) as run_id:
        record = Record(run_id)
        record.params(facts.params)
        record.inputs(facts.data)
        yield record


@contextlib.contextmanager
def recorded_pipeline(name: str, params: Mapping[str, Any], problem: str) -> Iterator[Record]:
    """The parent run of everything that is recorded inside the block."""
    use_store()
    run = client().create_run(experiment_of(problem), tags={NAME_TAG: name})
    before = os.environ.get(PARENT_VARIABLE)
    os.environ[PARENT_VARIABLE] = run.info.run_id
    try:
        with _terminated(run.info.run_id) as run_id:
            record = Record(run_id)
            record.params(params)
            yield record
    finally:
        if before is None:
            del os.environ[PARENT_VARIABLE]
        else:
            os.environ[PARENT_VARIABLE] = before


@contextlib.contextmanager
def recorded_sweep(name: str, params: Mapping[str, Any], problem: str) -> Iterator[Record]:
    """The parent run of the sweep called `name`: an interrupted call's run is resumed."""
    use_store()
    experiment = experiment_of(problem)
    found = client().search_runs([experiment], f"tags.`{SWEEP_TAG}` = '{name}'", max_results=1)
    run = found[0] if found else client().create_run(experiment, tags={NAME_TAG: "sweep", SWEEP_TAG: name})
    client().update_run(run.info.run_id, status="RUNNING")
    with _terminated(run.info.run_id) as run_id:
        record = Record(run_id)
        if not found:
            record.params(params)
        yield record


@contextlib.contextmanager
def recorded_training(parent: Record, name: str, problem: str) -> Iterator[Record | None]:
    """The child run of one training of a sweep; None where the parent has a finished one of that `name`."""
    experiment = experiment_of(problem)
    wanted = f"tags.`{PARENT_TAG}` = '{parent.run_id}' AND tags.`{SWEEP_TAG}` = '{name}'"
    if client().search_runs([experiment], f"{wanted} AND attributes.status = 'FINISHED'", max_results=1):
        yield None
        return
    tags = {PARENT_TAG: parent.run_id, NAME_TAG: name, SWEEP_TAG: name}
    with _terminated(client().create_run(experiment, tags=tags).info.run_id) as run_id:
        yield Record(run_id)


@contextlib.contextmanager
def _terminated(run_id: str, parent: str | None = None) -> Iterator[str]:
    status = "FAILED"
    try:
        yield run_id
        status = "FINISHED"
    finally:
        for run in filter(None, (run_id, parent)):
            client().set_terminated(run, status)


def _parent_of_repro(experiment: str) -> str | None:
    """Under a bare `dvc repro` all stages share one parent: the run tagged with that process."""
    repro = _repro_process()
    if repro is None:
        return None
    found = client().search_runs([experiment], f"tags.`{REPRO_TAG}` = '{repro}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    made = client().create_run(experiment, tags={REPRO_TAG: repro, NAME_TAG: "dvc repro"})
    return str(made.info.run_id)


def _repro_process() -> str | None:
    """`pid:start` of the `dvc` process that runs this stage, or None outside of one."""
    if "DVC_STAGE" not in os.environ:
        return None
    import psutil

    outermost = None
    for process in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if any(Path(word).name == "dvc" for word in process.cmdline()[:3]):
                outermost = process
    return f"{outermost.pid}:{outermost.create_time():.0f}" if outermost else None
