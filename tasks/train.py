"""Training: one loop for round 0, the mining rounds and the modes of invariance."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from models.invariance import MODES, Mode
from models.network import ScriptNet
from models.settings import TrainSettings
from tasks.batches import Crops, Labels, Validation, batches_in, read_crops, shuffled
from tasks.checkpoint import History, restore_checkpoint, save_checkpoint
from tasks.determinism import derived_seed, deterministic
from tasks.errors import UserError
from tasks.files import write_json, written_whole
from tasks.params import Params
from tasks.table import COLOUR, read_rows
from tasks.weights import new_network, save_model

Progress = Callable[[str], None]
SAY_EVERY = 10.0  # seconds

TRAINING_SCHEMA = pa.schema(
    [("key", pa.string()), ("round", pa.int16()), ("weights", pa.string()), ("score", pa.float32())]
)
log = logging.getLogger("unfont")


def train_baseline(
    params: Params, *, table: Path, out: Path, work: Path, progress: Progress = log.info
) -> dict[str, float]:
    """Round 0: train from scratch on the whole `train` split and write the model's folder at `out`.

    Args:
        work: holds checkpoints; a run that was interrupted goes on from there and ends with the
        same bytes.

    Returns:
        the last epoch's figures, and the number of crops and weights.
    """
    _check_colour(params)
    labels = Labels.of_table(table, params.labels, channels=params.crops.channels)
    keys = read_rows(table, ["key"], ["train"])["key"]
    if keys.empty:
        raise UserError("there are no training crops", where=table, mend="tag more crops")
    training = baseline_rows(keys)
    crops = read_crops(table, labels, keys=training["key"])
    card = make_card(params, labels, mode="erm", size=(crops.images.shape[1], crops.images.shape[2]))
    seed = derived_seed(params.seed, "baseline")
    with deterministic(params.threads, seed=seed):
        network = new_network(card)
        history = train_network(
            network,
            crops,
            Validation(table, labels),
            mode="erm",
            nuisances={},
            params=params,
            train=params.train,
            seed=seed,
            work=work,
            progress=progress,
        )
    with written_whole(out) as folder:
        write_folder(folder, network, card, history, training)
    shutil.rmtree(work, ignore_errors=True)
    return summary_of(history, network, crops)


def train_network(
    network: ScriptNet,
    crops: Crops,
    validation: Validation,
    *,
    mode: str,
    nuisances: dict[str, int],
    params: Params,
    train: TrainSettings,
    seed: int,
    work: Path,
    progress: Progress,
) -> History:
    """Train `network` in place, from a checkpoint in `work` if there is one; an entry an epoch.

    Must run within `deterministic`.
    """
    steps = train.epochs * batches_in(len(crops), train.batch)
    trained = MODES[mode](network, nuisances, loss=params.loss, train=train, invariance=params.invariance, steps=steps)
    identity = _identity(crops, mode, params, train, seed)
    history = restore_checkpoint(work / "checkpoint", trained, identity=identity)
    pace = _Pace(progress, done=len(history) * len(crops), total=train.epochs * len(crops))
    for epoch in range(len(history), train.epochs):
        figures = _train_epoch(trained, crops, params=params, train=train, seed=seed, epoch=epoch, pace=pace)
        history.append({"epoch": epoch, **figures, "validation_accuracy": validation.accuracy(network)})
        save_checkpoint(work / "checkpoint", trained, history=history, identity=identity)
        progress(f"epoch {epoch + 1}/{train.epochs}: {_said(history[-1])}; {pace}")
    return history


def _train_epoch(
    mode: Mode, crops: Crops, *, params: Params, train: TrainSettings, seed: int, epoch: int, pace: "_Pace"
) -> dict[str, float]:
    """One visit to every crop: the mean of every figure over the batches that have it."""
    # Dropout draws from torch's own generator: set by epoch, so that a resumed run draws the same.
    torch.manual_seed(derived_seed(seed, epoch))
    mode.network.train()
    seen: dict[str, list[float]] = {}
    for rows in shuffled(len(crops), train.batch, seed=seed, epoch=epoch):
        figures = mode.update(crops.batch(rows, params.degrade, epoch=epoch, seed=seed))
        for name, value in figures.items():
            seen.setdefault(name, []).append(value)
        pace.step(len(rows))
    return {name: sum(values) / len(values) for name, values in seen.items()}


def _check_colour(params: Params) -> None:
    if COLOUR not in params.labels.nuisances:
        return
    for wrong, key, mend in (
        (params.crops.channels == 1, "crops.channels", "set it to 3: grey crops have no colour to forget"),
        (not params.degrade.colour, "degrade.colour", "set it above 0: all ink would be black"),
    ):
        if wrong:
            raise UserError(f"'{COLOUR}' cannot be a nuisance", where=f"params.yaml: {key}", mend=mend)


def baseline_rows(keys: pd.Series) -> pd.DataFrame:
    """Training rows of round 0: nothing has scored them."""
    return pd.DataFrame({"key": sorted(keys), "round": 0, "weights": None, "score": None})


def make_card(params: Params, labels: Labels, *, mode: str, size: tuple[int, int]) -> dict[str, Any]:
    """What `model.json` says of a model."""
    return {
        "problem": params.problem,
        "target": labels.target_name,
        "labels": labels.target,
        "nuisances": labels.nuisances,
        "height": size[0],
        "width": size[1],
        "channels": labels.channels,
        "network": params.network.model_dump(),
        "mode": mode,
    }


def write_folder(
    folder: Path, network: ScriptNet, card: dict[str, Any], history: History, training: pd.DataFrame
) -> None:
    """Make a model's folder: weights, card, history and the lineage of its training rows."""
    folder.mkdir()
    save_model(folder, network, card)
    write_json(folder / "history.json", {"epochs": history})
    rows = training.sort_values("key")
    pq.write_table(pa.Table.from_pandas(rows, TRAINING_SCHEMA, preserve_index=False), folder / "training.parquet")


def read_training(folder: Path) -> pd.DataFrame:
    """The lineage of a model's training rows, as `write_folder` wrote it.

    Raises:
        UserError: there is none.
    """
    path = folder / "training.parquet"
    try:
        training: pd.DataFrame = pq.read_table(path, schema=TRAINING_SCHEMA).to_pandas()
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise UserError("there is no list of training crops", where=path, mend="train that model again") from error
    return training


def summary_of(history: History, network: ScriptNet, crops: Crops) -> dict[str, float]:
    """Figures to be logged: the last epoch's, the number of training crops and of weights."""
    last = {name: value for name, value in history[-1].items() if value is not None and name != "epoch"}
    return {**last, "crops": len(crops), "weights": sum(p.numel() for p in network.parameters())}


def _identity(crops: Crops, mode: str, params: Params, train: TrainSettings, seed: int) -> str:
    settings = [part.model_dump() for part in (params.degrade, params.network, params.loss, params.invariance, train)]
    facts = json.dumps([settings, mode, seed, params.threads, crops.keys], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _said(figures: dict[str, float | None]) -> str:
    wanted = ("loss", "accuracy", "validation_accuracy")
    return ", ".join(f"{name} {value:.3f}" for name in wanted if (value := figures.get(name)) is not None)


class _Pace:
    """Rate and time left, said every few seconds."""

    def __init__(self, progress: Progress, *, done: int, total: int) -> None:
        self.progress, self.done, self.total = progress, done, total
        self.first, self.start, self.said = done, time.monotonic(), time.monotonic()

    def step(self, crops: int) -> None:
        self.done += crops
        if time.monotonic() - self.said > SAY_EVERY:
            self.said = time.monotonic()
            self.progress(f"{self.done:,} of {self.total:,} crops; {self}")

    def __str__(self) -> str:
        rate = (self.done - self.first) / max(time.monotonic() - self.start, 1e-9)
        return f"{rate:,.0f} crops/s, {(self.total - self.done) / max(rate, 1e-9):,.0f} s left"
