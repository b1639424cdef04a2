"""The problem `faces` in rotations: CMU faces, every person held out once, whole."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from models.settings import CLEAN
from tasks.baseline.train import baseline_jobs, train_baseline
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json
from tasks.common.parallel import spread
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import read_table, write_shards
from tasks.crop_table.splits import (
    MEASURED_SPLITS,
    POOL,
    REPORT_SPLIT,
    SELECTION_SPLIT,
    SEVERITY,
    SPLITS,
    TEST_SEEN,
    TEST_UNSEEN,
    TRAIN,
    VALIDATION,
)
from tasks.crop_table.text_side import share_of
from tasks.evaluate.mining_gain import interval_of_mean
from tasks.evaluate.predictions import open_models, score_split
from tasks.invariance.train import ModeJob, train_mode
from tasks.mine.job import round_jobs
from tasks.mine.round import finish_round, score_for, train_round
from tasks.train.job import gather
from tasks.train.replicas import SEED, Replica

ROOT = Path(__file__).resolve().parent.parent
PROBLEM = "faces"
VALIDATING = 3  # people, beside those who are tested
SEEN, POOL_SHARE = 0.15, 0.15  # fractions of the training people's pictures
SEVERITIES = (CLEAN, SEVERITY)
WORKERS = 2
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Run:
    """All trainings of one rotation with one seed; `start` is the model that the modes go on from."""

    params: Params
    modes: tuple[str, ...]
    table: Path
    home: Path
    seed: int


def measure_faces(
    archive: Path, *, modes: Sequence[str], seeds: int, rotations: int, keep: Path | None = None
) -> dict[str, Any]:
    """Accuracy on people never seen of every round and mode, by rotation and seed, and what the best mode gains on erm.

    The best is chosen by the mean accuracy on `validation`. Every person is tested once; three others validate.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = (keep or Path(scratch)).resolve()
        if not (folder / "unfont" / "data" / PROBLEM / "table").exists():
            bring(archive.resolve(), folder / "unfont")
        params = faces_params(folder / "unfont" / "params.yaml")
        runs = [
            Run(params=params.model_copy(update={"seed": seed}), modes=tuple(modes), seed=seed, home=home / f"{seed}",
                table=rotated(folder / "unfont" / "data" / PROBLEM / "table", home / "table", turn, rotations))
            for turn in range(rotations)
            for home in [folder / f"rotation-{turn}"]
            for seed in range(seeds)
        ]  # fmt: skip
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(measured, runs))
    rows = pd.DataFrame([row for each in found for row in each])
    return {"faces": {**gain_of(rows, modes), "rotations": rotations, "seeds": seeds, "figures": means_of(rows)}}


def bring(archive: Path, project: Path) -> None:
    """A fresh copy of this checkout's committed files with the faces tagged in it."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
    path = project / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("problem: scripts ", "problem: faces ", 1), "utf-8")
    unfont = Path(sys.executable).parent / "unfont"
    subprocess.run([unfont, "tag", "--from", str(archive)], cwd=project, check=True)


def faces_params(path: Path) -> Params:
    """The committed params of the problem, on one thread a training."""
    return read_params(path).model_copy(update={"threads": 1})


def rotated(table: Path, out: Path, turn: int, rotations: int) -> Path:
    """The table with its people split again: every `rotations`th is tested, three others validate, the rest train."""
    if out.exists():
        return out
    rows = read_table(table)
    names = rows["person"].cast(pa.string()).to_pylist()
    people = sorted(set(names), key=lambda name: share_of("rotation", name))
    tested = set(people[turn::rotations])
    others = [name for name in people if name not in tested]
    validating = {others[(turn * VALIDATING + number) % len(others)] for number in range(VALIDATING)}
    splits = [
        TEST_UNSEEN if name in tested else VALIDATION if name in validating else _of_training(key)
        for name, key in zip(names, rows["key"].to_pylist(), strict=True)
    ]
    column = rows.schema.get_field_index("split")
    rows = rows.set_column(column, rows.schema.field("split"), pa.array(splits, rows.schema.field("split").type))
    order = np.lexsort((rows["key"].to_numpy(zero_copy_only=False), [SPLITS.index(split) for split in splits]))
    write_shards(out, [rows.take(pa.array(order))])
    return out


def _of_training(key: str) -> str:
    position = share_of("split", key)
    return TEST_SEEN if position < SEEN else POOL if position < SEEN + POOL_SHARE else TRAIN


def measured(run: Run) -> list[dict[str, Any]]:
    """Train what is not there yet, and measure every model; a row a model, split and severity."""
    torch.set_num_threads(1)
    kept = run.home / "figures.json"
    if not kept.is_file():
        models = trained(run)
        write_json(kept, {"rows": [row | {"rotation": run.home.parent.name, "seed": run.seed}
                                   for row in accuracies(run, models)]})  # fmt: skip
        print(f"{run.home.parent.name}, seed {run.seed}: done", flush=True)
    rows: list[dict[str, Any]] = read_json(kept)["rows"]
    return rows


def trained(run: Run) -> dict[str, Path]:
    """Round 0, the mining rounds, and every mode from the last of them."""
    params, rounds = run.params, run.home / "rounds"
    models = {"round-0": rounds / "0"}
    if not models["round-0"].exists():
        (first,) = baseline_jobs(params, table=run.table, work=run.home / "work")
        train_baseline(replace(first, progress=silent))
        gather([first], out=rounds / "0")
    for number, settings in params.rounds.items():
        models[f"round-{number}"] = rounds / number
        if not (rounds / number).exists():
            _round(run, int(number), rounds / settings.previous, rounds / number)
    for mode in run.modes:
        job = ModeJob(
            params=params, mode=mode, replica=Replica(seed=0, arm=SEED), table=run.table,
            start=rounds / max(params.rounds, key=int), scratch=run.home / mode, progress=silent,
        )  # fmt: skip
        train_mode(job)
        models[mode] = job.out
    return models


def _round(run: Run, number: int, previous: Path, out: Path) -> None:
    (job,) = round_jobs(run.params, number=number, table=run.table, previous=previous, work=run.home / "scratch")
    if job.stop() is None:
        score_for(job, fan_out=partial(spread, runner="threads", workers=1))
    train_round(job)
    finish_round([job], out=out)


def accuracies(run: Run, models: dict[str, Path]) -> list[dict[str, Any]]:
    """Of every model on the splits that it did not learn from."""
    opened, found = open_models(models), []
    with deterministic(1):
        for split in MEASURED_SPLITS:
            predictions = score_split(
                opened, table=run.table, split=split, labels=run.params.labels, severities=SEVERITIES, batch=256
            )
            for name in models:
                for severity in SEVERITIES:
                    rows = predictions.of(name, severity)
                    accuracy = float((rows["true"] == rows["predicted"]).mean())
                    found.append({"model": name, "split": split, "severity": severity, "accuracy": accuracy})
    return found


def means_of(rows: pd.DataFrame) -> dict[str, Any]:
    """By split, severity and model: mean, the standard deviation over rotations of their means, and over seeds."""
    found: dict[str, Any] = {}
    for (split, severity, model), own in rows.groupby(["split", "severity", "model"], sort=True):
        by_rotation = own.groupby("rotation")["accuracy"]
        found.setdefault(split, {}).setdefault(severity, {})[model] = {
            "mean": round(float(own["accuracy"].mean()), 4),
            "deviation_over_rotations": _rounded(by_rotation.mean().std()),
            "deviation_over_seeds": _rounded(by_rotation.std().mean()),
        }
    return found


def _rounded(value: float) -> float | None:
    """None for the deviation of one value: JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def gain_of(rows: pd.DataFrame, modes: Sequence[str]) -> dict[str, Any]:
    """The mode with the highest validation accuracy; its gain on erm on unseen people, a t-interval over rotations."""
    light = rows[rows["severity"] == SEVERITY]
    validated = light[light["split"] == SELECTION_SPLIT].groupby("model")["accuracy"].mean()
    best = str(validated[[mode for mode in modes if mode != "erm"]].idxmax())
    tested = light[light["split"] == REPORT_SPLIT].pivot_table("accuracy", ["rotation"], "model")
    gains = 100 * (tested[best] - tested["erm"])
    low, high = interval_of_mean(gains.to_numpy(), confidence=CONFIDENCE) or (None, None)
    return {"chosen": best, "gain_points": round(float(gains.mean()), 2), "low": low, "high": high,
            "by_rotation": {name: round(float(gain), 2) for name, gain in gains.items()}}  # fmt: skip


def silent(_: str) -> None:
    """Progress that nobody reads."""
