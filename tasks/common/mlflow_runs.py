"""Runs in MLflow: a parent run for each pipeline, one nested run for each stage."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.common.dvc_stage import StageFacts, dvc_process
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_store import StoreGoneError, client, experiment_of, reachable_store, use_store

PARENT_VARIABLE = "UNFONT_PARENT_RUN"
REPRO_TAG = "unfont.repro"
STAGE_TAG = "unfont.stage"
SWEEP_TAG = "unfont.sweep"
PARENT_TAG = "mlflow.parentRunId"
NAME_TAG = "mlflow.runName"
PROCESS_TAG = "unfont.process"  # host:pid:start of the process that writes the run
RESUMES_TAG = "unfont.resumes"
CLOCK_S = 5  # by which a process's start may seem to move

log = logging.getLogger("unfont")


@contextlib.contextmanager
def recorded_stage(facts: StageFacts, problem: str) -> Iterator[Record]:
    """A nested run for one stage: FINISHED when the block ends, FAILED when it raises."""
    use_store()
    experiment = experiment_of(problem)
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None:
        _end_killed(experiment)
        parent = _parent_of_repro(experiment)
    tags = {STAGE_TAG: facts.address, NAME_TAG: facts.address, PROCESS_TAG: _this_process()}
    tags |= _killed_before(experiment, facts.address)
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
    experiment = experiment_of(problem)
    _end_killed(experiment)
    run = client().create_run(experiment, tags={NAME_TAG: name, PROCESS_TAG: _this_process()})
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
def recorded_sweep(name: str, params: Mapping[str, Any], problem: str, *, run_name: str = "sweep") -> Iterator[Record]:
    """The parent run of the sweep (or other set of trainings) called `name`: an interrupted call's run is resumed."""
    use_store()
    experiment = experiment_of(problem)
    _end_killed(experiment)
    found = client().search_runs([experiment], f"tags.`{SWEEP_TAG}` = '{name}'", max_results=1)
    run = found[0] if found else client().create_run(experiment, tags={NAME_TAG: run_name, SWEEP_TAG: name})
    client().update_run(run.info.run_id, status="RUNNING")
    with _terminated(run.info.run_id) as run_id:
        record = Record(run_id)
        record.tag(PROCESS_TAG, _this_process())
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
    tags = {PARENT_TAG: parent.run_id, NAME_TAG: name, SWEEP_TAG: name, PROCESS_TAG: _this_process()}
    with _terminated(client().create_run(experiment, tags=tags).info.run_id) as run_id:
        yield Record(run_id)


@contextlib.contextmanager
def _terminated(run_id: str, parent: str | None = None) -> Iterator[str]:
    status = "FAILED"
    try:
        with reachable_store():
            yield run_id
            status = "FINISHED"
    except StoreGoneError:
        status = ""  # not to be told; the next run ends this one as KILLED
        raise
    finally:
        with reachable_store():
            for run in filter(None, (run_id, parent)) if status else ():
                client().set_terminated(run, status)


def _parent_of_repro(experiment: str) -> str | None:
    """Under a bare `dvc repro` all stages share one parent: the run tagged with that process."""
    repro = _repro_process()
    if repro is None:
        return None
    found = client().search_runs([experiment], f"tags.`{REPRO_TAG}` = '{repro}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {REPRO_TAG: repro, NAME_TAG: "dvc repro", PROCESS_TAG: f"{socket.gethostname()}:{repro}"}
    made = client().create_run(experiment, tags=tags)
    return str(made.info.run_id)


def _repro_process() -> str | None:
    dvc = dvc_process()
    return None if dvc is None else f"{dvc.pid}:{dvc.create_time():.0f}"


def _this_process() -> str:
    import psutil

    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def _is_gone(tag: str) -> bool:
    """Whether the process of a run has ended; of another machine's nothing is known."""
    import psutil

    host, pid, start = tag.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        # Seconds after start may differ where the machine's clock was set.
        process = psutil.Process(int(pid))
        other = abs(process.create_time() - float(start)) > CLOCK_S
        return other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _end_killed(experiment: str) -> None:
    """End the runs as KILLED whose process is gone: `kill -9` left them RUNNING."""
    for run in client().search_runs([experiment], "attributes.status = 'RUNNING'"):
        tag = run.data.tags.get(PROCESS_TAG)
        if tag and _is_gone(tag):
            client().set_terminated(run.info.run_id, "KILLED")
            log.warning("MLflow run %s (%s) was killed: it ends so", run.info.run_id, run.info.run_name)


def _killed_before(experiment: str, stage: str) -> dict[str, str]:
    """The tag that names the run which this one goes on from: the stage's last one, where that was killed."""
    found = client().search_runs(
        [experiment], f"tags.`{STAGE_TAG}` = '{stage}'", order_by=["attributes.start_time DESC"], max_results=1
    )
    if not found or found[0].info.status != "KILLED":
        return {}
    log.info("%s goes on from MLflow run %s", stage, found[0].info.run_id)
    return {RESUMES_TAG: found[0].info.run_id}
