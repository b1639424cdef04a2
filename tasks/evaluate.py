"""Evaluate: freeze the choice by validation, then measure every model on splits that chose nothing."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.degrade import SEVERITIES
from tasks.answers import Model, open_models, score_split
from tasks.choose import FIGURE, SEVERITY, SPLIT, choice_of, choose_model
from tasks.determinism import deterministic
from tasks.files import read_json, write_json, written_whole
from tasks.metrics import measure, text_of, thin_labels
from tasks.params import Params
from tasks.recall import text_threshold
from tasks.study import means_of, summarise
from tasks.table import LABEL, nuisance_columns, read_rows

SPLITS = (SPLIT, "test_seen", "test_unseen")
COLUMNS = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p", "p_text"]
TYPES = {"key": pa.string(), "ambiguous": pa.bool_(), "p": pa.float32(), "p_text": pa.float32()}
SCHEMA = pa.schema([(name, TYPES.get(name, LABEL)) for name in COLUMNS])
Thresholds = Mapping[tuple[str, str], float | None]  # of p_text, by model and severity
log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is scored and how: each model at its own severities; the answers of `named` models go to `writer`."""

    params: Params
    table: Path
    models: dict[str, Model]
    named: Mapping[str, Path]
    thin: list[str]
    writer: pq.ParquetWriter

    @property
    def severities(self) -> dict[str, list[str]]:
        return {name: list(SEVERITIES) if name in self.named else [SEVERITY] for name in self.models}


def evaluate_models(
    params: Params,
    *,
    table: Path,
    models: dict[str, Path],
    replicas: dict[str, Path],
    chosen: Path,
    metrics: Path,
    study: Path,
    predictions: Path,
) -> dict[str, float]:
    """Choose among `models` and measure all of them, and beside them the replicas of a study.

    `chosen` is written when every model has been scored on `validation` and before any test crop is read;
    nothing reads the test figures back. What the figures are is said by `tasks.metrics.measure`; a model's
    thresholds are fixed on `validation`, one a severity. Every severity is the same for a crop in every
    evaluation: it follows from the crop's key alone.

    Args:
        table: the crop table, with splits.
        models: model folders by name, inside of `chosen`'s folder; of equally good ones the first is chosen.
        replicas: a study's further trainings by name (`round-1/control-0`). They are scored at light
            degradation and never chosen; their figures are in `study` alone.
        chosen, metrics, study, predictions: the files to write; what `study` says is said by `tasks.study`.

    Returns:
        The chosen model's figures, as `split.severity.figure`, and a study's means.

    Raises:
        UserError: a model or the table cannot be read, they are of different sizes, or a split has no crops.
    """
    loaded = open_models(models | replicas)
    rows = read_rows(table, list(dict.fromkeys([params.labels.target, params.labels.group])))
    thin = thin_labels(rows, target=params.labels.target, group=params.labels.group)
    with deterministic(params.threads), _predictions_file(predictions) as writer:
        job = _Job(params=params, table=table, models=loaded, named=models, thin=thin, writer=writer)
        figures, thresholds = _measure_split(job, SPLIT)
        name = choose_model({name: figures[name][SEVERITY][FIGURE] for name in models})
        value = figures[name][SEVERITY][FIGURE]
        write_json(chosen, choice_of(name, folder=models[name], home=chosen.parent, value=value))
        log.info("chosen: %s, %s %.4f", name, FIGURE, value)
        measured = {SPLIT: figures}
        for split in SPLITS[1:]:
            measured[split], _ = _measure_split(job, split, thresholds)
    by_model = {model: {split: measured[split][model] for split in SPLITS} for model in models}
    write_json(metrics, {"models": by_model, "chosen": {"name": name, **by_model[name]}, "thin_scripts": thin})
    light = {model: {split: measured[split][model][SEVERITY] for split in SPLITS} for model in loaded}
    summary = _study_of(params, models, light)
    write_json(study, summary)
    return dict(_flat(by_model[name])) | means_of(summary)


def _measure_split(
    job: _Job, split: str, thresholds: Thresholds | None = None
) -> tuple[dict[str, dict[str, dict[str, Any]]], Thresholds]:
    """Figures by model and severity, and the thresholds that they stand at: the split's own where none are given."""
    labels, settings = job.params.labels, job.params.evaluate
    answers = score_split(
        job.models, table=job.table, split=split, labels=labels, severities=job.severities, batch=settings.batch
    )
    log.info("%s: %d crops scored by %d models", split, len(answers.rows), len(job.models))
    if thresholds is None:
        thresholds = {key: _threshold(answers.of(*key)) for key in answers.places}
    figures: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in job.models}
    for name, severity in answers.places:
        rows = answers.of(name, severity)
        if name in job.named:
            facts = rows.assign(model=name, split=split, severity=severity)
            job.writer.write_table(pa.Table.from_pandas(facts[COLUMNS], SCHEMA, preserve_index=False))
        figures[name][severity] = measure(
            rows,
            nuisance=next(iter(nuisance_columns(labels)), None),
            group=labels.group,
            thin=job.thin,
            cell_crops=settings.cell_crops,
            threshold=thresholds[name, severity],
        )
    return figures, thresholds


def _threshold(rows: pd.DataFrame) -> float | None:
    """The threshold of p_text that keeps 95% of the text crops; None where the model knows no `Zxxx`."""
    p_text = text_of(rows)["p_text"]
    return text_threshold(p_text.to_numpy()) if p_text.notna().all() else None


def _study_of(params: Params, models: dict[str, Path], figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What `study.json` says: the study's summary, and the gains by which the rounds themselves stopped or not."""
    numbers = {int(number): int(settings.previous) for number, settings in params.rounds.items()}
    summary = summarise(
        figures,
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


def _flat(figures: dict[str, dict[str, dict[str, Any]]]) -> Iterator[tuple[str, float]]:
    for split, by_severity in figures.items():
        for severity, values in by_severity.items():
            for figure, value in values.items():
                if isinstance(value, int | float):
                    yield f"{split}.{severity}.{figure}", float(value)
