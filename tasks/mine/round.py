"""A round of hard-negative mining: score the pool with the previous model, add its false positives, retrain."""

import logging
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.network import CropNet
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json, written_whole
from tasks.common.parallel import FanOut
from tasks.crop_table.shards import nuisance_columns
from tasks.mine.additions import MINED_SCHEMA, Additions, additions_of, decisions_of
from tasks.mine.gain import gain_of
from tasks.mine.job import RoundJob
from tasks.mine.label_errors import write_suspects
from tasks.mine.review import LEFT_OUT
from tasks.mine.score import score_pool
from tasks.mine.select import NEAR, SET_ASIDE, false_alarms
from tasks.train.batches import Crops, Labels, Validation, read_crops
from tasks.train.card import CARD_FILE, WEIGHTS_FILE, weights_of
from tasks.train.job import gather
from tasks.train.loop import replica_seed, train_network, untrained
from tasks.train.model_folder import read_training, summary_of, write_folder
from tasks.train.replicas import MINED
from tasks.train.weights import load_model

COUNTS = ("pool", "false_positives", "false_alarms", "added", "near_duplicates", "set_aside")
log = logging.getLogger("unfont")


def score_for(job: RoundJob, *, fan_out: FanOut) -> None:
    """Score the pool for a training that mines it; what an interrupted run scored is not scored again."""
    if job.out.exists() or job.stop() or job.control:
        return
    score_pool(
        job.start,
        table=job.table,
        out=job.scores,
        work=job.work / "scores",
        severity=job.params.score.severity,
        nuisance=next(iter(nuisance_columns(job.params.labels)), None),
        fan_out=fan_out,
        device=job.params.device,
        progress=job.progress,
    )


def train_round(job: RoundJob) -> dict[str, float]:
    """Add to the training set of the previous model, retrain it, and write the folder at `job.out`.

    Where there is nothing to add and no decision on a training crop, or where an earlier round stopped, the folder
    holds the previous model. One that is there already, from an interrupted run, stays.

    Returns:
        what was scored, found and added, the metrics on validation, and the last epoch's where there was one.
    """
    metrics: dict[str, float] = {}
    if not job.out.exists():
        with deterministic(job.params.threads), written_whole(job.out) as folder:
            network, card = load_model(job.start)
            additions = additions_of(job)
            validation = Validation(job.table, Labels.of_card(card))
            before = validation.metrics(network)
            if additions.added.empty and not (additions.scored_by and _decides_on_training(job)):
                job.progress(f"round {job.number}: {additions.why}, the model stays")
                _copy_model(job.start, folder)
                after = before
            else:
                metrics, network = _retrain(job, network, card, additions, validation, folder)
                after = validation.metrics(network)
            _write_round(job, additions, folder, {"before": before, "after": after})
    facts = read_json(job.out / "round.json")
    known = {name: facts[name] for name in COUNTS} | {
        f"validation_{name}": value for name, value in facts["validation"]["after"].items()
    }
    sums = {name: float(value) for name, value in known.items() if value is not None}
    return {**sums, **metrics, "stopped": float(facts["stopped"])}


def finish_round(jobs: list[RoundJob], *, out: Path) -> None:
    """Put a round's trainings together at `out`, with what the round gained on validation over its seeds."""
    rounds = [read_json(job.out / "round.json") for job in jobs if job.replica.arm == MINED]
    gain = gain_of([facts["validation"] for facts in rounds])
    gather(jobs, out=out, facts={"round.json": {**rounds[0], "gain": gain}})
    if gain is not None:
        pays = "beyond" if gain["pays"] else "within"
        main = jobs[0]
        main.progress(
            f"round {main.number}: {gain['metric']} better by {gain['mean']:.4f}, {pays} {gain['spread']:.4f}"
        )


def _retrain(
    job: RoundJob, network: CropNet, card: dict[str, Any], additions: Additions, validation: Validation, folder: Path
) -> tuple[dict[str, float], CropNet]:
    """Train with the new rows among the training rows, and write the model's folder."""
    params, mine = job.params, job.params.mine
    added = additions.added[["key", "score"]].assign(round=job.number, weights=additions.scored_by)
    training = pd.concat([read_training(job.start), added], ignore_index=True)
    training, crops = _crops_of(job, training, Labels.of_card(card))
    seed = replica_seed(params.seed, f"round/{job.number}", job.replica.seed)
    train = params.train
    with deterministic(params.threads, seed=seed):
        if mine.start == "warm":
            train = train.model_copy(update={"epochs": mine.epochs, "learning_rate": mine.learning_rate, "ramp": 0.0})
        else:
            network = untrained(card, crops, params)
        trained = train_network(
            network,
            crops,
            validation,
            params=params,
            train=train,
            seed=seed,
            work=job.work,
            progress=job.progress,
            added=training["key"][training["round"] > 0],
            mine=mine,
        )
    write_folder(folder, network, card, trained, training)
    return summary_of(trained.history, network, crops), network


def _decides_on_training(job: RoundJob) -> bool:
    """Whether a person decided on a crop of the previous model's training set: it is to be learned, mined or not."""
    return bool(read_training(job.start)["key"].isin(decisions_of(job)["key"]).any())


def _crops_of(job: RoundJob, training: pd.DataFrame, labels: Labels) -> tuple[pd.DataFrame, Crops]:
    """The training rows and their crops, with the labels that a person decided, without those to exclude."""
    decisions = decisions_of(job)
    left_out = decisions["key"][decisions["label"] == LEFT_OUT]
    training = training[~training["key"].isin(left_out)]
    crops = read_crops(job.table, labels, keys=training["key"])
    return training, crops.relabelled(dict(zip(decisions["key"], decisions["label"], strict=True)), labels)


def _copy_model(previous: Path, folder: Path) -> None:
    folder.mkdir()
    for name in (WEIGHTS_FILE, CARD_FILE, "training.parquet"):
        shutil.copyfile(previous / name, folder / name)
    write_json(folder / "history.json", {"epochs": [], "curve": []})


def _write_round(job: RoundJob, additions: Additions, folder: Path, validation: dict[str, Any]) -> None:
    """Add the round's scores, every false positive and its outcome, the suspected labels, and the counts."""
    plan, scored = additions.plan, additions.scored_by is not None
    if scored and job.replica.main:
        shutil.copyfile(job.scores, folder / "scores.parquet")
    rows = pa.Table.from_pandas(plan.assign(weights=additions.scored_by), MINED_SCHEMA, preserve_index=False)
    pq.write_table(rows, folder / "mined.parquet")
    if additions.suspects is not None:
        write_suspects(folder / "review.parquet", additions.suspects)
    facts = {
        "round": job.number,
        "previous": int(job.params.rounds[str(job.number)].previous),
        "stopped": additions.added.empty,
        "why": additions.why,
        "weights": weights_of(folder),
        "scored_by": additions.scored_by,
        "severity": job.params.score.severity if scored else None,
        "validation": validation,
        "gain": None,
        "pool": additions.pool,
        "added": len(additions.added),
    }
    outcomes = plan["outcome"].value_counts()
    found = {
        "false_positives": len(plan),
        "false_alarms": false_alarms(plan),
        "near_duplicates": int(outcomes.get(NEAR, 0)),
        "set_aside": int(outcomes.get(SET_ASIDE, 0)),
    }
    write_json(folder / "round.json", facts | (found if scored else dict.fromkeys(found)))
