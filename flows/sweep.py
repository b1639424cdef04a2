"""Sweep: not a stage but many trainings beside the pipeline, each a task run that one can watch."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.artifacts import publish_links
from flows.fanout import fan_out
from flows.interrupts import ends_when_told
from flows.stage import in_flow, watched
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_runs import recorded_sweep, recorded_training
from tasks.common.orphans import no_orphans
from tasks.common.params import SweepSettings
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY
from tasks.sweep.space import Space
from tasks.sweep.sweep import CRITERION, Outcome, Sweep, SweepJob, try_setting
from tasks.sweep.trials import OpenTrial, done_in, finish_trial, next_trials

if TYPE_CHECKING:
    import optuna

log = logging.getLogger("unfont")


def run_sweep(sweep: Sweep, study: "optuna.Study", *, settings: SweepSettings, wanted: int) -> None:
    """Run what is left of `wanted` trials inside one Prefect flow run."""
    from prefect import flow

    watched()  # points Prefect at a server of this machine, where one predictions

    @flow(name="sweep", persist_result=False)
    def sweep_modes() -> None:
        """Train modes of invariance with many settings and seeds; measure each on validation."""
        run_trials(sweep, study, settings=settings, wanted=wanted)

    with no_orphans(), ends_when_told():
        sweep_modes()


def run_trials(sweep: Sweep, study: "optuna.Study", *, settings: SweepSettings, wanted: int) -> None:
    """Run what is left of `wanted` trials; every training is a child run in MLflow.

    All of a grid is spread at once. Of a sampled space as many settings are sampled as there are workers, then as
    many more by the results of those.
    """
    at_once = settings.workers if sweep.space.sampled else wanted
    params = sweep.params
    with recorded_sweep(sweep.name, _values(sweep.space), params.problem) as parent:
        if in_flow():
            publish_links(f"sweep-{params.problem}", parent, params)
        while begun := next_trials(study, sweep.space, wanted=wanted, at_once=at_once, seed=params.seed):
            _run_batch(sweep, study, begun, settings, parent)
        parent.metrics({"trials": done_in(study), f"best.{SELECTION_SPLIT}.{SEVERITY}.{CRITERION}": study.best_value})


def _run_batch(
    sweep: Sweep, study: "optuna.Study", begun: Sequence[OpenTrial], settings: SweepSettings, parent: Record
) -> None:
    jobs = [job for each in begun for job in sweep.jobs(each.setting)]
    spread = fan_out(settings, name="sweep-trainings", item="training", section="sweep")
    under_way, outcomes = iter(begun), list[Outcome]()
    for job, outcome in zip(jobs, spread(try_setting, jobs), strict=True):
        log.info("%s: %s", job.name, _line(outcome))
        _record(parent, job, outcome)
        outcomes.append(outcome)
        if len(outcomes) == sweep.space.seeds:
            finish_trial(study, next(under_way).trial, outcomes)
            outcomes = []


def _record(parent: Record, job: SweepJob, outcome: Outcome) -> None:
    with recorded_training(parent, job.name, job.params.problem) as record:
        if record is None:
            return
        record.params({"mode": job.setting.mode, "seed": job.replica.seed, **dict(job.setting.parameters)})
        record.curves(outcome["epochs"])
        known = {key: value for key, value in outcome["metrics"].items() if value is not None}
        record.metrics({f"{SELECTION_SPLIT}.{SEVERITY}.{key}": value for key, value in known.items()})
        record.metrics({"training_seconds": outcome["seconds"]})
        record.tag("weights_sha256", outcome["weights"])


def _values(space: Space) -> dict[str, Any]:
    parameters = {key: list(values) for key, values in space.values.items()}
    return {"modes": list(space.modes), **parameters, "seeds": space.seeds, "sampled": space.sampled}


def _line(outcome: Outcome) -> str:
    known = {key: value for key, value in outcome["metrics"].items() if value is not None}
    return ", ".join(f"{key} {100 * value:.1f}%" for key, value in known.items()) or "diverged"
