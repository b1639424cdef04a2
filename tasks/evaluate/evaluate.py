"""Evaluate: freeze the choice by validation, then measure every model on splits that the choice did not read."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from models.degrade import SEVERITIES
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.device import device_of
from tasks.common.files import read_json, write_json, written_whole
from tasks.common.params import Params
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import MEASURED_SPLITS, REPORT_SPLIT, SELECTION_SPLIT, SEVERITY
from tasks.evaluate.criterion_difference import criterion_difference
from tasks.evaluate.invariance_gain import BASELINE, means_of_modes, pairs_of, summarise_modes
from tasks.evaluate.measure_split import SCHEMA, EvaluationProtocol, Measured, compare, measure_split, thresholds_of
from tasks.evaluate.mining_gain import means_of, summarise
from tasks.evaluate.model_selection import ONE_STANDARD_ERROR, choice_of, choose_model
from tasks.evaluate.plot_tables import by_model, nuisance_points, training_points, write_plots
from tasks.evaluate.predictions import Model, SplitPredictions, calibrated, open_models, score_split
from tasks.metrics.classification import text_of, thin_labels
from tasks.metrics.group_bootstrap import Differences
from tasks.metrics.paired_bootstrap import Difference

log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The files of an evaluation, and the folder of its plots; docs/reference/metrics.md describes them."""

    chosen: Path
    metrics: Path
    study: Path
    invariance: Path
    groups: Path
    plots: Path
    predictions: Path

    @classmethod
    def of_home(cls, home: Path) -> "Outputs":
        return cls(
            chosen=home / "chosen.json",
            metrics=home / "metrics" / "evaluate.json",
            study=home / "metrics" / "study.json",
            invariance=home / "metrics" / "invariance.json",
            groups=home / "metrics" / "groups.json",
            plots=home / "plots",
            predictions=home / "predictions.parquet",
        )


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is scored: each model at its own severities, the `named` ones at all."""

    params: Params
    table: Path
    models: dict[str, Model]
    named: Mapping[str, Path]

    def score(self, split: str, **options: Any) -> SplitPredictions:
        severities = {name: list(SEVERITIES) if name in self.named else [SEVERITY] for name in self.models}
        options = {"severities": severities, **options}
        labels, batch = self.params.labels, self.params.evaluate.batch
        return score_split(self.models, table=self.table, split=split, labels=labels, batch=batch, **options)

    @property
    def modes(self) -> list[str]:
        """The modes of invariance among the named models."""
        return [mode for mode in self.params.invariance.modes if mode in self.named]

    @property
    def preferred(self) -> list[str]:
        """The named models, the one to be chosen among equals first: modes that unlearn, then rounds and `erm`."""
        unlearning = [mode for mode in self.modes if mode != BASELINE]
        return [*unlearning, *(name for name in self.named if name not in unlearning)]


def evaluate_models(
    params: Params, *, table: Path, models: dict[str, Path], replicas: dict[str, Path], outputs: Outputs
) -> dict[str, float]:
    """Choose among `models` and measure all of them, and beside them the replicas of a study.

    `outputs.chosen` is written when every model has been scored on `validation` and before any test row is read;
    nothing reads the metrics of the test splits back. Each model's temperature, and its thresholds of `p_text`, one a
    severity, are fixed on `validation` as well. The metrics are those of `tasks.metrics.classification.measure`. Every
    severity is the same for a crop in every evaluation: it follows from the crop's key alone.

    Args:
        table: the crop table, with splits.
        models: model folders by name, inside of `outputs.chosen`'s folder. Of those that validation cannot tell apart
            the first mode that unlearns is chosen, in the order of the params; without one the first model.
        replicas: a study's further trainings by name (`round-1/control-0`, `erm/seed-1`). They are scored at light
            degradation and never chosen; their metrics are in `study` and `invariance` alone.

    Returns:
        The chosen model's metrics, as `split.severity.metric`, and a study's means.

    Raises:
        UserError: a model or the table cannot be read, they are of different sizes, or a split has no crops.
    """
    job = _Job(
        params=params, table=table, models=open_models(models | replicas, device_of(params.device)), named=models
    )
    with deterministic(params.threads), _predictions_file(outputs.predictions) as writer:
        job, predictions = _validate(job)
        name = _choose(job, predictions, outputs.chosen)
        protocol = _protocol(job, predictions)
        measured, differences = {}, {}
        for split in MEASURED_SPLITS:
            predictions = predictions if split == SELECTION_SPLIT else job.score(split)
            log.info("%s: %d crops scored by %d models", split, len(predictions.rows), len(job.models))
            measured[split] = measure_split(
                predictions, split=split, models=job.models, named=models, protocol=protocol, writer=writer
            )
            if split == REPORT_SPLIT:
                pairs = pairs_of(job.modes, _last(params))
                seed = derived_seed(params.seed, "designs")
                differences = compare(predictions, measured[split].details, pairs, protocol=protocol, seed=seed)
    return _write(job, name, measured, differences, protocol.thin, outputs)


def _validate(job: _Job) -> tuple[_Job, SplitPredictions]:
    """Fit every model's temperature at light degradation; the job with them, and its predictions on `validation`."""
    light = job.score(SELECTION_SPLIT, severities=[SEVERITY], keep_logits=True)
    job = replace(job, models=calibrated(job.models, light, SEVERITY))
    others = [severity for severity in SEVERITIES if severity != SEVERITY]
    rest = job.score(SELECTION_SPLIT, severities={name: others if name in job.named else [] for name in job.models})
    return job, replace(rest, scored=light.at_temperatures(job.models).scored | rest.scored)


def _choose(job: _Job, predictions: SplitPredictions, chosen: Path) -> str:
    """Write the choice. Which labels are thin follows from the whole table: no term of the criterion needs it."""
    settings, labels = job.params.evaluate, job.params.labels
    settings = settings.model_copy(update={"cell_crops": min(settings.cell_crops, settings.choice_crops)})
    protocol = EvaluationProtocol(labels=labels, settings=settings, thin=[], thresholds={})
    rows = {name: predictions.of(name, SEVERITY) for name in job.preferred}
    metrics = {name: protocol.metrics(own, name, SEVERITY) for name, own in rows.items()}
    selection = choose_model(metrics, lambda one, other: _difference(protocol, rows[one], rows[other], job.params.seed))
    rests_on = protocol.rests_on(text_of(rows[selection.name]))
    choice = choice_of(
        selection,
        folder=job.named[selection.name],
        home=chosen.parent,
        metrics=metrics,
        rests_on=rests_on,
        temperatures={folder: job.models[own].temperature for own, folder in job.named.items()},
    )
    write_json(chosen, choice)
    _log_choice(choice, protocol.nuisance)
    return selection.name


def _difference(protocol: EvaluationProtocol, one: pd.DataFrame, other: pd.DataFrame, seed: int) -> Difference:
    """By how much one model's criterion is higher than the other's, and that less its standard error."""
    return criterion_difference(
        one,
        other,
        nuisance=protocol.nuisance,
        group=protocol.labels.group,
        cell_crops=protocol.settings.cell_crops,
        resamples=protocol.settings.resamples,
        confidence=ONE_STANDARD_ERROR,
        seed=derived_seed(seed, "choice"),
    )


def _log_choice(choice: Mapping[str, Any], nuisance: str | None) -> None:
    log.info("chosen: %s, %.4f, temperature %.2f", choice["name"], choice["value"], choice["temperature"])
    highest, rests_on = choice["highest"], choice["rests_on"]
    if highest["name"] != choice["name"]:
        log.info("%s has %.4f, which is within one standard error", highest["name"], highest["value"])
    if rests_on:
        counted = ", ".join(f"{value} ({facts['n']} crops)" for value, facts in rests_on.items() if facts)
        missing = ", ".join(value for value, facts in rests_on.items() if not facts)
        log.info("its worst %s is of %s; too few crops or designs: %s", nuisance, counted, missing or "none")


def _protocol(job: _Job, validation: SplitPredictions) -> EvaluationProtocol:
    labels = job.params.labels
    rows = read_rows(job.table, list(dict.fromkeys([labels.target, labels.group])))
    return EvaluationProtocol(
        labels=labels,
        settings=job.params.evaluate,
        thin=thin_labels(rows, target=labels.target, group=labels.group),
        thresholds=thresholds_of(validation),
    )


def _write(
    job: _Job,
    name: str,
    measured: dict[str, Measured],
    differences: dict[tuple[str, str], Differences],
    thin: list[str],
    outputs: Outputs,
) -> dict[str, float]:
    """Write what was measured; the metrics for MLflow."""
    params, models = job.params, job.named
    own = {model: {split: measured[split].metrics[model] for split in MEASURED_SPLITS} for model in models}
    temperatures = {model: job.models[model].temperature for model in models}
    chosen = {"name": name, **own[name]}
    write_json(outputs.metrics, {"models": own, "chosen": chosen, "thin_targets": thin, "temperatures": temperatures})
    groups = {model: {split: measured[split].details[model].groups for split in MEASURED_SPLITS} for model in models}
    write_json(outputs.groups, {"severity": SEVERITY, "models": groups})
    light = {
        model: {split: measured[split].metrics[model][SEVERITY] for split in MEASURED_SPLITS} for model in job.models
    }
    study = _study_of(params, models, light)
    write_json(outputs.study, study)
    modes = summarise_modes(
        light,
        modes=job.modes,
        differences=differences,
        split=REPORT_SPLIT,
        resamples=params.evaluate.resamples,
        confidence=params.evaluate.confidence,
    )
    write_json(outputs.invariance, {**modes, "severity": SEVERITY})
    _plot(models, name, measured[REPORT_SPLIT], outputs.plots)
    return dict(_flat(own[name])) | means_of(study) | means_of_modes(modes)


def _plot(models: Mapping[str, Path], chosen: str, measured: Measured, folder: Path) -> None:
    """Write the tables behind the plots, of the unseen typefaces at light degradation."""
    details = measured.details
    histories = {name: read_json(models[name] / "history.json")["epochs"] for name in models}
    write_plots(
        folder,
        {
            "confusion": details[chosen].confusion,
            "reliability": details[chosen].reliability,
            "risk_coverage": by_model({name: detail.risks for name, detail in details.items()}),
            "accuracy_by_nuisance": nuisance_points({n: detail.groups["by_nuisance"] for n, detail in details.items()}),
            "training": training_points(histories),
        },
    )


def _last(params: Params) -> str:
    """The round that every mode went on from."""
    return f"round-{max(map(int, ('0', *params.rounds)))}"


def _study_of(params: Params, models: Mapping[str, Path], metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What `study.json` holds: the study's summary, and the gains by which the rounds themselves stopped or not."""
    numbers = {int(number): int(settings.previous) for number, settings in params.rounds.items()}
    summary = summarise(
        metrics,
        previous={0: None, **numbers},
        seeds=params.study.seeds,
        control=params.study.control,
        confidence=params.evaluate.confidence,
    )
    rounds = {str(number): read_json(models[f"round-{number}"] / "round.json") for number in numbers}
    return {**summary, "severity": SEVERITY, "gains": {number: facts.get("gain") for number, facts in rounds.items()}}


@contextlib.contextmanager
def _predictions_file(path: Path) -> Iterator[pq.ParquetWriter]:
    with written_whole(path) as beside, pq.ParquetWriter(beside, SCHEMA, compression="zstd") as writer:
        yield writer


def _flat(metrics: dict[str, dict[str, dict[str, Any]]]) -> Iterator[tuple[str, float]]:
    for split, by_severity in metrics.items():
        for severity, values in by_severity.items():
            for metric, value in values.items():
                if isinstance(value, int | float):
                    yield f"{split}.{severity}.{metric}", float(value)
