"""Sweep: train a mode of invariance on with settings × seeds, and measure each model on `validation` alone."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import torch

from tasks.common.determinism import deterministic
from tasks.common.device import device_of
from tasks.common.dvc_stage import WORK, stage_facts
from tasks.common.files import read_json, write_json
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns, read_rows
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY, TRAINING_SPLITS
from tasks.evaluate.model_selection import criterion_of
from tasks.evaluate.predictions import Model, score_split
from tasks.invariance.train import ModeJob, train_mode
from tasks.metrics.classification import measure, thin_labels
from tasks.sweep.space import PARAMETERS, Setting, Space
from tasks.train.card import WEIGHTS_FILE, weights_of
from tasks.train.checkpoint import History
from tasks.train.replicas import SEED, Replica
from tasks.train.weights import load_tensors
from unfont.errors import UserError

CRITERION = "criterion"  # by which `evaluate` chooses a model, and a sweep its best setting
SWEEP_METRICS = (CRITERION, "accuracy", "worst_nuisance", "worst_target", "false_alarm_rate")
READ = (*TRAINING_SPLITS, SELECTION_SPLIT)  # never a test split
DIGITS = 6
SCRATCH = WORK / "sweep"  # outside of all that dvc.yaml names: a sweep makes no stage stale


class Outcome(TypedDict):
    """What one training ended with: `SWEEP_METRICS`, all None where it diverged; its own seconds; its epochs."""

    seed: int
    weights: str
    seconds: float
    metrics: dict[str, float | None]
    epochs: History


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is tried, on what, from which models, one a seed; `inputs` are those of `inputs_of`."""

    params: Params
    space: Space
    table: Path
    starts: list[Path]
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        """Of its study and its MLflow run: the same arguments are the same sweep."""
        return f"{self.params.problem}-{self.space.name()}"

    @property
    def study(self) -> Path:
        """The SQLite file with the studies of its problem."""
        return SCRATCH / f"{self.params.problem}.db"

    @property
    def work(self) -> Path:
        """Where its trainings work: sweeps with the same inputs share them."""
        facts = json.dumps(self.inputs, sort_keys=True)
        return SCRATCH / self.params.problem / hashlib.sha256(facts.encode()).hexdigest()[:16]

    def jobs(self, setting: Setting) -> list["SweepJob"]:
        """The trainings of one setting, one a seed."""
        params = self.params.model_copy(update={"invariance": setting.of(self.params.invariance)})
        return [
            SweepJob(
                params=params,
                replica=Replica(seed=seed, arm=SEED),
                table=self.table,
                scratch=self.work / f"{setting.name},seed={seed}",
                mode=setting.mode,
                start=start,
                setting=setting,
            )
            for seed, start in enumerate(self.starts)
        ]


@dataclass(frozen=True, kw_only=True)
class SweepJob(ModeJob):
    """One training of a sweep, with scratch of its own: that of the stage `invariance`, with one setting."""

    setting: Setting

    @property
    def name(self) -> str:
        return self.scratch.name

    @property
    def result(self) -> Path:
        """Its `Outcome`, once it is done."""
        return self.scratch.with_name(f"{self.name}.json")


def make_sweep(params: Params, space: Space, *, table: Path, last_round: Path) -> Sweep:
    """A sweep from the models of the last round.

    Raises:
        UserError: there is no last round.
    """
    starts = starts_of(last_round, space.seeds)
    return Sweep(params=params, space=space, table=table, starts=starts, inputs=inputs_of(params, starts))


def starts_of(last_round: Path, seeds: int) -> list[Path]:
    """The models that the seeds go on from: the last round's of the same seed where a study made it, else its own.

    Raises:
        UserError: there is no last round.
    """
    own = [Replica(seed=seed, arm=SEED).mined.folder(last_round) for seed in range(seeds)]
    if not (last_round / WEIGHTS_FILE).is_file():
        raise UserError("there is no model to start from", where=last_round, fix="run the last round first")
    return [start if start.is_dir() else last_round for start in own]


def inputs_of(params: Params, starts: list[Path]) -> dict[str, str]:
    """All that a training's outcome depends on beside its setting and seed: values of params, data, code, weights.

    They are the dependencies of the stages `invariance` and `evaluate` in `dvc.yaml`.
    """
    mode = params.invariance.modes[0]
    trained, measured = stage_facts(f"invariance@{mode}", params), stage_facts("evaluate", params)
    swept = [f"invariance.{key}" for key in PARAMETERS]
    values = {key: json.dumps(value, sort_keys=True) for key, value in trained.params.items() if key not in swept}
    code = {path: sha for path, sha in measured.code_hashes().items() if path.endswith(".py")}
    weights = {f"weights of seed {seed}": weights_of(start) for seed, start in enumerate(starts)}
    counted = {"evaluate.cell_crops": str(params.evaluate.cell_crops)}
    return values | counted | trained.data | trained.code_hashes() | code | weights


def try_setting(job: SweepJob) -> Outcome:
    """Train on from `job.start` and measure; what an interrupted sweep has done is not repeated.

    An interrupted training goes on from its checkpoint. The model itself is not kept: with these values in
    params.yaml the stage trains the same one again.
    """
    if job.result.exists():
        done: Outcome = read_json(job.result)
        return done
    began = time.monotonic()
    train_mode(job)
    outcome = Outcome(
        seed=job.replica.seed,
        weights=weights_of(job.out),
        seconds=0.0,
        metrics=measure_model(job.params, job.out, table=job.table),
        epochs=read_json(job.out / "history.json")["epochs"],
    )
    outcome["seconds"] = round(time.monotonic() - began, 3)
    write_json(job.result, outcome)
    shutil.rmtree(job.scratch)
    return outcome


def measure_model(params: Params, folder: Path, *, table: Path) -> dict[str, float | None]:
    """`SWEEP_METRICS` of the model in `folder`, on `validation`; all None where its weights are NaN or infinite.

    They are those of `evaluate` (`tasks.metrics.classification.measure`), with the criterion by which it chooses a
    model. But no row of a test split is read, not even to count designs: a script with fewer than three in the other
    splits is left out of `worst_target`.
    """
    if not all(torch.isfinite(tensor).all() for tensor in load_tensors(folder / WEIGHTS_FILE).values()):
        return dict.fromkeys(SWEEP_METRICS)
    labels = params.labels
    with deterministic(params.threads):
        predictions = score_split(
            {"model": Model.of_folder(folder, device_of(params.device))},
            table=table,
            split=SELECTION_SPLIT,
            labels=labels,
            severities=[SEVERITY],
            batch=params.evaluate.batch,
        )
    rows = read_rows(table, list(dict.fromkeys([labels.target, labels.group])), READ)
    metrics = measure(
        predictions.of("model", SEVERITY),
        nuisance=next(iter(nuisance_columns(labels)), None),
        group=labels.group,
        thin=thin_labels(rows, target=labels.target, group=labels.group),
        cell_crops=params.evaluate.cell_crops,
        confidence=params.evaluate.confidence,
    )
    return {
        CRITERION: round(criterion_of(metrics), DIGITS),
        **{name: _share(metrics[name]) for name in SWEEP_METRICS[1:]},
    }


def _share(value: float | int | str | None) -> float | None:
    return None if value is None else float(value)
