"""The pipeline: DVC decides what is stale, Prefect runs it, DVC commits each stage as it ends."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.artifacts import publish_links, publish_stages
from flows.baseline import baseline
from flows.crops import crops
from flows.evaluate import evaluate
from flows.fonts import fonts
from flows.interrupts import ends_when_told
from flows.invariance import invariance
from flows.plan import check_stage, open_repo, plan, stale_stages, status_of, upstream_of
from flows.probe import probe
from flows.register import register_chosen
from flows.report import report
from flows.round import mining_round
from flows.server_gone import needs_server
from flows.stage import Stage, in_flow, step, watched
from flows.tag import tag
from flows.words import words
from tasks.common.dvc_stage import stage_facts
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_runs import recorded_pipeline, recorded_stage
from tasks.common.orphans import no_orphans
from tasks.common.params import Params, read_params
from tasks.common.run_lock import one_run
from unfont.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (fonts, words, crops, tag, baseline, mining_round, invariance, evaluate, probe, report)
}
log = logging.getLogger("unfont")


def run_pipeline(target: str | None = None) -> None:
    """Bring everything (or `target` and what it needs) up to date inside one Prefect flow run."""
    from prefect import flow

    watched()  # points Prefect at a server of this machine, where one answers
    with no_orphans(), ends_when_told(), needs_server():
        flow(name="pipeline", persist_result=False, validate_parameters=False)(run_stale)(target)


def run_stale(target: str | None = None) -> list[str]:
    """Run what is stale and return its names; the plan is asked for again after each commit."""
    params = read_params()
    repo = open_repo()
    done: list[str] = []
    rows: list[dict[str, Any]] = []
    with recorded_pipeline("pipeline", params.model_dump(), params.problem) as record:
        if in_flow():
            publish_links(f"pipeline-{params.problem}", record, params)
        while left := stale_stages(repo, target):
            log.info("%s (%d left after it)", left[0], len(left) - 1)
            if left[0] in done:
                raise RuntimeError(f"{left[0]} is stale right after it ran: does it write what dvc.yaml declares?")
            start = time.monotonic()
            how = _bring_up_to_date(left[0], repo)
            done.append(left[0])
            rows.append({"stage": left[0], "how": how, "seconds": round(time.monotonic() - start, 1)})
        record.metrics({"stages": len(done)})
        if rows and in_flow():
            publish_stages(f"pipeline-{params.problem}", rows)
        if (params.home / "chosen.json").exists():
            # Also where the evaluation came from the cache, or an earlier run was interrupted before this point.
            step(register_chosen)(params)
    return done


def run_one(address: str) -> None:
    """Run one stage alone, stale or not, as `dvc repro --force --single-item` does, and commit it."""
    params = read_params()
    with one_run(), no_orphans():
        _run_one(address, params)


def _run_one(address: str, params: Params) -> None:
    repo = open_repo()
    frontier, graph = status_of(repo)
    check_stage(address, graph)
    stale = upstream_of(address, graph).intersection(plan(frontier, graph))
    if missing := _missing_inputs(address, repo):
        raise UserError("what this stage reads is not there", where=missing[0], fix="run `unfont run` first")
    if stale:
        log.warning("warning: %s is stale, so this is not the result of the present params", ", ".join(sorted(stale)))
    with recorded_pipeline(address, params.model_dump(), params.problem) as record:
        if in_flow():
            publish_links(f"{address}-{params.problem}", record, params)
        _run(address)
    _commit(address, repo)


def _bring_up_to_date(address: str, repo: "Repo") -> str:
    """Take the stage's outputs from DVC's run cache where it has them, run it elsewhere; returns which of both."""
    restored = _restored(address, repo)
    if restored:
        log.info("%s was run before with the same inputs: taken from DVC's cache", address)
        record_restored(address)
    else:
        _run(address)
    _commit(address, repo)
    return "taken from DVC's cache" if restored else "run"


def _run(address: str) -> None:
    name, _, item = address.partition("@")
    STAGES[name](item or None)


def _restored(address: str, repo: "Repo") -> bool:
    from dvc.stage.cache import RunCacheNotFoundError

    stage = next(iter(repo.stage.collect(address)))
    with repo.lock:
        try:
            repo.stage_cache.restore(stage)
        except RunCacheNotFoundError:
            return False
    return True


def record_restored(address: str) -> None:
    """A stage that did not have to run is logged all the same, with its curves and its weights' hash."""
    params = read_params()
    facts = stage_facts(address, params)
    with recorded_stage(facts, params.problem) as record:
        record.tag("unfont.restored", "true")
        for out in facts.outs:
            _record_training(record, out)


def _record_training(record: Record, out: str) -> None:
    if (Path(out) / "history.json").exists():
        record.training(Path(out), {})


def _commit(address: str, repo: "Repo") -> None:
    """Tell DVC that the stage's outputs are the result of its present inputs."""
    repo._reset()
    repo.commit(address, force=True)


def _missing_inputs(address: str, repo: "Repo") -> list[str]:
    stage = next(iter(repo.stage.collect(address)))
    return [dep.def_path for dep in stage.deps if hasattr(dep, "def_path") and not dep.exists]
