"""Ablation: not a stage but many trainings beside the pipeline, each a task run that one can watch.

It is no stage of dvc.yaml: what it reads is an archive that the user names, wherever that lies, and a project without
one must run whole. What is done is kept by the content of pictures, settings and code (`tasks.ablation.experiment`).
"""

import logging
from typing import Any

from flows.fanout import fan_out
from flows.interrupts import ends_when_told
from flows.stage import watched
from tasks.ablation.experiment import PROBLEM, Experiment
from tasks.ablation.faces import NEW, TEST
from tasks.ablation.measured import Measured
from tasks.ablation.recipes import BASE
from tasks.ablation.similarity import compare_with_base, similarity_jobs
from tasks.ablation.summary import summarise
from tasks.ablation.train import Outcome, TrainingJob, train_and_measure
from tasks.ablation.transfer import train_head, transfer_jobs
from tasks.ablation.unit_maps import MapsJob, UnitMaps, maps_of
from tasks.common.mlflow_record import Record
from tasks.common.mlflow_runs import recorded_sweep, recorded_training
from tasks.common.orphans import no_orphans
from tasks.common.params import SweepSettings

log = logging.getLogger("unfont")

Found = tuple[dict[str, Any], dict[str, UnitMaps]]


def run_experiment(experiment: Experiment, *, settings: SweepSettings) -> Found:
    """The numbers of `tasks.ablation.summary` and every variant's maps, made inside one Prefect flow run."""
    from prefect import flow

    watched()  # points Prefect at a server of this machine, where one answers

    @flow(name="ablation", persist_result=False, validate_parameters=False)
    def ablation() -> Found:
        """Train every variant and cure in every rotation with every seed, and compare them."""
        return measure(experiment, settings=settings)

    with no_orphans(), ends_when_told():
        return ablation()


def measure(experiment: Experiment, *, settings: SweepSettings) -> Found:
    """Train what is not done yet, then compare; every training is a child run in MLflow."""
    values = experiment.settings.model_dump() | {"recipes": ",".join(experiment.recipes)}
    with recorded_sweep(experiment.name, values, PROBLEM, run_name="ablation") as parent:
        outcomes = _trained(experiment, settings, parent)
        similar, transfers = similarity_jobs(experiment.of_variants, experiment.work), transfer_jobs(experiment.jobs)
        compared = fan_out(settings, name="ablation-similarity", item="similarity", section="sweep")
        similarities = dict(zip([job.place for job in similar], compared(compare_with_base, similar), strict=True))
        headed = fan_out(settings, name="ablation-heads", item="head", section="sweep")
        kept: dict[str, dict[tuple[int, int], dict[str, float]]] = {}
        for job, found in zip(transfers, headed(train_head, transfers), strict=True):
            kept.setdefault(job.name, {})[job.head.place] = found
        measured = Measured(
            rotations=experiment.settings.rotations, seeds=experiment.settings.seeds, outcomes=outcomes,
            similarities=similarities, kept=kept,
        )  # fmt: skip
        numbers = summarise(measured, experiment.variants, experiment.cures, facts=experiment.facts)
        parent.metrics(_means(numbers))
    return numbers, _maps(experiment, settings)


def _trained(
    experiment: Experiment, settings: SweepSettings, parent: Record
) -> dict[str, dict[tuple[int, int], Outcome]]:
    spread = fan_out(settings, name="ablation-trainings", item="training", section="sweep")
    found: dict[str, dict[tuple[int, int], Outcome]] = {}
    for job, outcome in zip(experiment.jobs, spread(train_and_measure, experiment.jobs), strict=True):
        accuracy = outcome["accuracy"]
        known = ", ".join(f"{part} {100 * accuracy[part]:.1f}%" for part in (TEST, NEW) if part in accuracy)
        log.info("%s: %s", job.name, known)
        _record(parent, job, outcome)
        found.setdefault(job.recipe.name, {})[job.place] = outcome
    return found


def _record(parent: Record, job: TrainingJob, outcome: Outcome) -> None:
    with recorded_training(parent, job.name, PROBLEM) as record:
        if record is None:
            return
        recipe = job.recipe
        record.params({
            "recipe": recipe.name, "rotation": job.rotation, "seed": job.seed, "labels": len(recipe.labels),
            "modes": "+".join(recipe.modes) or "erm", "augment": "+".join(recipe.augment) or "none",
            **recipe.network.model_dump(),
        })  # fmt: skip
        record.curves(outcome["epochs"])
        record.metrics({f"{part}.accuracy": value for part, value in outcome["accuracy"].items()})
        record.metrics({"parameters": outcome["parameters"], "training_seconds": outcome["seconds"]})
        record.tag("weights_sha256", outcome["weights"])


def _maps(experiment: Experiment, settings: SweepSettings) -> dict[str, UnitMaps]:
    """Every variant's maps in the first rotation with the first seed."""
    first = {job.recipe.name: job for job in experiment.of_variants if job.place == (0, 0)}
    jobs = [MapsJob(trained=job, base=first[BASE]) for job in first.values()]
    spread = fan_out(settings, name="ablation-maps", item="maps", section="sweep")
    return dict(zip(first, spread(maps_of, jobs), strict=True))


def _means(numbers: dict[str, Any]) -> dict[str, float]:
    """Mean accuracies by recipe and part, and what the best cure gains."""
    cures = numbers["cures"]
    found = {
        f"{row['name'].replace('+', '-')}.{part}.accuracy": spread["mean"]
        for row in [*numbers["variants"], *(cures["rows"] if cures else [])]
        for part, spread in row["accuracy"].items()
    }
    return found | ({"gain_points": cures["gain_points"]} if cures else {})
