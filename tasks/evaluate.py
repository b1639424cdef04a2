"""Evaluate: freeze the choice by validation, then measure every model on splits that chose nothing."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from models.network import ScriptNet
from tasks.batches import as_images, logits_of
from tasks.choose import FIGURE, SEVERITY, SPLIT, choice_of, choose_model
from tasks.determinism import deterministic
from tasks.errors import UserError
from tasks.files import write_json, written_whole
from tasks.metrics import measure, thin_labels
from tasks.params import Params, ProblemSettings
from tasks.table import LABEL, label_columns, nuisance_columns, read_rows, stream_images
from tasks.weights import load_model, weights_of

SPLITS = (SPLIT, "test_seen", "test_unseen")
COLUMNS = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p"]
SCHEMA = pa.schema(
    [(name, {"key": pa.string(), "p": pa.float32(), "ambiguous": pa.bool_()}.get(name, LABEL)) for name in COLUMNS]
)
log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network with the names of its outputs."""

    network: ScriptNet
    labels: list[str]

    @classmethod
    def of_folder(cls, folder: Path) -> "Model":
        network, card = load_model(folder)
        return cls(network=network, labels=card["labels"])


def evaluate_models(
    params: Params, *, table: Path, models: dict[str, Path], chosen: Path, metrics: Path, predictions: Path
) -> dict[str, float]:
    """Choose among `models` and measure all of them.

    `chosen` is written when every model has been scored on `validation` and before any test crop is read;
    nothing reads the test figures back. What the figures are is said by `tasks.metrics.measure`. Every
    severity is the same for a crop in every evaluation: it follows from the crop's key alone.

    Args:
        table: the crop table, with splits.
        models: model folders by name, inside of `chosen`'s folder; of equally good ones the first is chosen.
        chosen, metrics, predictions: the files to write.

    Returns:
        The chosen model's figures, as `split.severity.figure`.

    Raises:
        UserError: a model or the table cannot be read, they are of different sizes, or a split has no crops.
    """
    loaded = open_models(models)
    rows = read_rows(table, list(dict.fromkeys([params.labels.target, params.labels.group])))
    thin = thin_labels(rows, target=params.labels.target, group=params.labels.group)
    with deterministic(params.threads), _predictions_file(predictions) as writer:
        figures = _figures_of_split(params, SPLIT, table=table, models=loaded, thin=thin, writer=writer)
        name = choose_model({name: figures[name][SEVERITY][FIGURE] for name in models})
        value = figures[name][SEVERITY][FIGURE]
        write_json(chosen, choice_of(name, folder=models[name], home=chosen.parent, value=value))
        log.info("chosen: %s, %s %.4f", name, FIGURE, value)
        measured = {SPLIT: figures}
        for split in SPLITS[1:]:
            measured[split] = _figures_of_split(params, split, table=table, models=loaded, thin=thin, writer=writer)
    by_model = {model: {split: measured[split][model] for split in SPLITS} for model in models}
    write_json(metrics, {"models": by_model, "chosen": {"name": name, **by_model[name]}, "thin_scripts": thin})
    return dict(_flat(by_model[name]))


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What some models say about the crops of one split at some severities.

    Kept as numbers: at a million crops, six models and four severities they fit where tables of names would
    not.

    Attributes:
        rows: the crops' labels and keys, with `true`; in the table's order.
        places: [n] int16 by (model, severity): the predicted label's place among the model's.
        p: [n] float32 by (model, severity): its probability.
    """

    rows: pd.DataFrame
    labels: dict[str, list[str]]
    places: dict[tuple[str, str], np.ndarray]
    p: dict[tuple[str, str], np.ndarray]

    def of(self, model: str, severity: str) -> pd.DataFrame:
        """`rows` with `predicted` and `p`, sorted by key."""
        names = np.array(self.labels[model], dtype=object)[self.places[model, severity]]
        rows = self.rows.assign(predicted=names, p=self.p[model, severity])
        return rows.sort_values("key", kind="stable", ignore_index=True)


def open_models(folders: dict[str, Path]) -> dict[str, Model]:
    """Models by name; the same weights are opened once, and `score_split` scores them once."""
    held: dict[str, Model] = {}
    named = {}
    for name, folder in folders.items():
        weights = weights_of(folder)
        if weights not in held:
            held[weights] = Model.of_folder(folder)
        named[name] = held[weights]
    return named


def score_split(
    models: dict[str, Model],
    *,
    table: Path,
    split: str,
    labels: ProblemSettings,
    severities: Sequence[str],
    batch: int,
) -> Answers:
    """Answers of every model to every crop of a split.

    Each batch of crops is read once and degraded once a severity, whatever the number of models. Must run
    within `deterministic`.

    Raises:
        UserError: the split has no crops, or the crops are of another size than a model's.
    """
    seen: list[pd.DataFrame] = []
    # A round after the stop is its predecessor again: one forward pass answers for both.
    first = {name: next(other for other in models if models[other] is models[name]) for name in models}
    distinct = {name: models[name] for name in models if first[name] == name}
    places: dict[tuple[str, str], list[np.ndarray]] = {(m, s): [] for m in distinct for s in severities}
    p: dict[tuple[str, str], list[np.ndarray]] = {key: [] for key in places}
    for pixels, rows in stream_images(table, [split], batch):
        _check_size(pixels, models, table)
        seen.append(rows[["key", "ambiguous", *label_columns(labels)]])
        seeds = seeds_of(rows["key"].tolist(), 0)
        for channels in sorted({model.network.channels for model in distinct.values()}):
            reading = {name: model for name, model in distinct.items() if model.network.channels == channels}
            images = as_images(torch.from_numpy(pixels), channels)
            for severity in severities:
                degraded = degrade(images, seeds, SEVERITIES[severity])
                for name, model in reading.items():
                    best, place = logits_of(model.network, degraded).softmax(1).max(1)
                    places[name, severity].append(place.numpy().astype(np.int16))
                    p[name, severity].append(best.numpy())
    if not seen:
        raise UserError(f"there are no crops of split '{split}'", where=table, mend=f"give {split} some crops")
    facts = pd.concat(seen, ignore_index=True)
    return Answers(
        rows=facts.assign(true=facts[labels.target]),
        labels={name: model.labels for name, model in models.items()},
        places={(m, s): np.concatenate(places[first[m], s]) for m in models for s in severities},
        p={(m, s): np.concatenate(p[first[m], s]) for m in models for s in severities},
    )


def _figures_of_split(
    params: Params,
    split: str,
    *,
    table: Path,
    models: dict[str, Model],
    thin: list[str],
    writer: pq.ParquetWriter,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Figures by model and severity; the answers go to `writer`."""
    labels, settings = params.labels, params.evaluate
    answers = score_split(
        models, table=table, split=split, labels=labels, severities=list(SEVERITIES), batch=settings.batch
    )
    log.info("%s: %d crops scored by %d models", split, len(answers.rows), len(models))
    nuisance = next(iter(nuisance_columns(labels)), None)
    figures: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in models}
    for name in models:
        for severity in SEVERITIES:
            rows = answers.of(name, severity)
            named = rows.assign(model=name, split=split, severity=severity)
            writer.write_table(pa.Table.from_pandas(named[COLUMNS], SCHEMA, preserve_index=False))
            figures[name][severity] = measure(
                rows, nuisance=nuisance, group=labels.group, thin=thin, cell_crops=settings.cell_crops
            )
    return figures


def _check_size(pixels: np.ndarray, models: dict[str, Model], table: Path) -> None:
    for name, model in models.items():
        if pixels.shape[1:3] != (model.network.height, model.network.width):
            raise UserError(
                f"crops are {pixels.shape[1]}×{pixels.shape[2]} pixels, but {name} reads"
                f" {model.network.height}×{model.network.width}",
                where=table,
                mend="train it on this table, or make the crops anew",
            )


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
