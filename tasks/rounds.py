"""A bootstrap round: score the pool with the model before, add what it got wrong, retrain."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.network import ScriptNet
from tasks.batches import Labels, Validation, read_crops
from tasks.checkpoint import History
from tasks.determinism import derived_seed, deterministic
from tasks.errors import UserError
from tasks.files import read_json, write_json, written_whole
from tasks.mine import false_alarms, false_positives, plan_mining
from tasks.params import Params
from tasks.score import read_scores, score_pool, write_scores
from tasks.train import Progress, read_training, summary_of, train_network, write_folder
from tasks.weights import CARD_FILE, WEIGHTS_FILE, load_model, weights_of

MINED_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("true", pa.string()),
        ("predicted", pa.string()),
        ("score", pa.float32()),
        ("weights", pa.string()),
    ]
)
log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One round's settings and places."""

    params: Params
    number: int
    table: Path
    previous: Path
    work: Path
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class _Mined:
    """What a round found: all scores, all false positives, and the rows to add."""

    weights: str
    scores: pd.DataFrame
    found: pd.DataFrame
    rows: pd.DataFrame


def run_round(
    params: Params,
    *,
    number: int,
    table: Path,
    previous: Path,
    out: Path,
    work: Path,
    progress: Progress = log.info,
) -> dict[str, float]:
    """Mine with the model in `previous`, retrain it on what it got wrong, write the round at `out`.

    Where there is nothing to add, or the round before had stopped, the folder holds the previous
    model and says `stopped`.

    Returns:
        what was scored, found and added, and the last epoch's figures where there was one.

    Raises:
        UserError: the previous round is missing or broken.
    """
    if not previous.is_dir():
        what = f"round {number} needs the model of the round before it"
        raise UserError(what, where=previous, mend="run that one first")
    job = _Job(params=params, number=number, table=table, previous=previous, work=work, progress=progress)
    figures: dict[str, float] = {}
    with deterministic(params.threads):
        network, card = load_model(previous)
        mined = _mine(job, network, card)
        with written_whole(out) as folder:
            if mined.rows.empty:
                progress(f"round {number}: nothing to add, the model stays")
                _copy_model(previous, folder)
            else:
                figures = _retrain(job, network, card, mined, folder)
            counts = _write_round(job, mined, folder)
    shutil.rmtree(work, ignore_errors=True)
    return {**counts, **figures, "stopped": float(mined.rows.empty)}


def _mine(job: _Job, network: ScriptNet, card: dict[str, Any]) -> _Mined:
    weights = weights_of(job.previous)
    scores = _scores(job, network, card, weights)
    found = false_positives(scores, job.params.mine)
    rows = plan_mining(scores, job.params.mine, taken=read_training(job.previous)["key"])
    if _has_stopped(job.previous):
        rows = rows.head(0)
    job.progress(f"{len(found):,} false positives in a pool of {len(scores):,}; {len(rows):,} to add")
    return _Mined(weights=weights, scores=scores, found=found, rows=rows)


def _scores(job: _Job, network: ScriptNet, card: dict[str, Any], weights: str) -> pd.DataFrame:
    if _has_stopped(job.previous):  # its model is the one that scored
        return read_scores(job.previous / "scores.parquet", weights=weights)
    kept = job.work / "scores.parquet"
    if kept.exists():  # an interrupted run's
        try:
            return read_scores(kept, weights=weights)
        except UserError as error:
            log.warning("scoring again: %s", error)
    return score_pool(network, card, table=job.table, out=kept, weights=weights, progress=job.progress)


def _retrain(job: _Job, network: ScriptNet, card: dict[str, Any], mined: _Mined, folder: Path) -> dict[str, float]:
    """Train the previous model on, with the mined rows among its training rows, and write its folder."""
    mine = job.params.mine
    added = mined.rows[["key", "score"]].assign(round=job.number, weights=mined.weights)
    training = pd.concat([read_training(job.previous), added], ignore_index=True)
    labels = Labels.of_card(card)
    crops = read_crops(job.table, labels, keys=training["key"])
    history = train_network(
        network,
        crops,
        Validation(job.table, labels),
        mode="erm",
        nuisances={},
        params=job.params,
        train=job.params.train.model_copy(update={"epochs": mine.epochs, "rate": mine.rate}),
        seed=derived_seed(job.params.seed, "round", job.number),
        work=job.work,
        progress=job.progress,
    )
    write_folder(folder, network, card, history, training)
    return summary_of(history, network, crops)


def _copy_model(previous: Path, folder: Path) -> None:
    folder.mkdir()
    for name in (WEIGHTS_FILE, CARD_FILE, "training.parquet"):
        shutil.copyfile(previous / name, folder / name)
    no_epochs: History = []
    write_json(folder / "history.json", {"epochs": no_epochs})


def _write_round(job: _Job, mined: _Mined, folder: Path) -> dict[str, float]:
    """Add what is a round's own: the scores, the mined rows, and the sums."""
    write_scores(folder / "scores.parquet", [mined.scores], weights=mined.weights)
    rows = mined.rows.assign(weights=mined.weights)
    pq.write_table(pa.Table.from_pandas(rows, MINED_SCHEMA, preserve_index=False), folder / "mined.parquet")
    counts = {
        "pool": len(mined.scores),
        "false_positives": len(mined.found),
        "false_alarms": false_alarms(mined.found),
        "added": len(mined.rows),
    }
    facts = {
        "round": job.number,
        "previous": int(job.params.rounds[str(job.number)].previous),
        "stopped": mined.rows.empty,
        "weights": weights_of(folder),
        "scored_by": mined.weights,
    }
    write_json(folder / "round.json", {**facts, **counts})
    return {name: float(count) for name, count in counts.items()}


def _has_stopped(folder: Path) -> bool:
    path = folder / "round.json"
    return path.exists() and bool(read_json(path)["stopped"])
