"""Does mining pay on a real pool? Half of the real pictures are a user's own crops, the other half is scored.

    python -m benchmarks.real_pool FOLDER --work WORK [--seeds 3]

FOLDER holds real pictures as for benchmarks.real; the working directory is a project with a round 0. Each half is
the user's in turn, so that each picture is scored once. Round 1 is trained from round 0 for as many epochs in each arm:

    drawn      the pool is the project's own
    mined      … and the half's crops
    trained    the half's crops are training crops, all of them; the pool is the project's own

Writes benchmarks/results/real_pool.json: `arms.<arm>`: `accuracy` by kind of picture, over both halves, means over the
seeds with their `spread` (largest less smallest); `from_half`: how many of its crops the round trained on; `crops`: how
many there are; and `round_0`, the accuracy of the model that all start from.
"""

import argparse
import json
import shutil
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import machine
from benchmarks.real import KINDS, pictures_of, records_of
from benchmarks.turns import ROOT
from tasks.common.parallel import spread
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import crop_schema
from tasks.crop_table.splits import POOL, TRAIN
from tasks.crop_table.text_side import share_of
from tasks.images.import_images import bring_pictures
from tasks.images.imported_rows import own_tables
from tasks.mine.job import RoundJob
from tasks.mine.round import score_for, train_round
from tasks.predict.torch_model import TorchModel
from tasks.train.model_folder import read_training
from tasks.train.replicas import MINED, Replica

RESULT = ROOT / "benchmarks" / "results" / "real_pool.json"
DRAWN, MINED_REAL, TRAINED = ARMS = ("drawn", "mined", "trained")
PATTERN = "*/*/{script}/*"
OWN = "part-own.parquet"  # the shard of the half's crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="where tables and models are kept")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    params = read_params()
    files = pictures_of(arguments.folder)
    if not files:
        parser.error(f"there are no pictures ({arguments.folder}): give a folder of <set>/<kind>/<script>/<file>")
    halves = halves_of(files, arguments.folder)
    work: Path = arguments.work.resolve()
    crops = [own_crops(params, half, arguments.folder, work / f"half-{number}") for number, half in enumerate(halves)]
    result: dict[str, Any] = {"machine": machine(), "arms": {}, "crops": sum(map(len, crops))}
    result["round_0"] = accuracy([(half, TorchModel.of_folder(params.home / "rounds" / "0")) for half in halves])
    for arm in ARMS:
        found, added = [], 0
        for seed in range(arguments.seeds):
            models = [
                round_of(params, arm, own, seed, work / f"{arm}-{number}-{seed}") for number, own in enumerate(crops)
            ]
            # The model of one half is scored on the other.
            found.append(
                accuracy(
                    [(half, TorchModel.of_folder(model)) for half, model in zip(halves[::-1], models, strict=True)]
                )
            )
            added += sum(
                int(read_training(model)["key"].isin(own["key"]).sum())
                for own, model in zip(crops, models, strict=True)
            )
            print(arm, seed, found[-1], added, flush=True)
        result["arms"][arm] = summary(found) | {"from_half": added / arguments.seeds}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, sort_keys=True))


def halves_of(files: list[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """Every picture in one of two halves, by its path."""
    first = [file for file in files if share_of("half", file.relative_to(folder).as_posix()) < 0.5]
    return first, sorted(set(files) - set(first))


def own_crops(params: Params, half: list[Path], folder: Path, work: Path) -> pd.DataFrame:
    """The crops of a half as `unfont tag --from` makes them, beside drawn ones."""
    problem = params.labels.model_copy(update={"source": "both"})
    copies, rejected = work / "given", list[tuple[str, str]]()
    shutil.rmtree(copies, ignore_errors=True)
    for file in half:
        copy = copies / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    bring_pictures(copies, problem=problem, out=work / "pictures", pattern=PATTERN)
    tables = own_tables(work / "pictures", problem=problem, settings=params.crops, rejected=rejected)
    return pa.concat_tables(tables).to_pandas().drop_duplicates("key").drop(columns="planned")


def table_with(params: Params, own: pd.DataFrame, split: str, out: Path) -> Path:
    """The project's table with these crops in one of its splits."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for shard in sorted((params.home / "table").glob("*.parquet")):
        (out / shard.name).symlink_to(shard.resolve())
    rows = pa.Table.from_pandas(own.assign(split=split), crop_schema(params.labels, split=True), preserve_index=False)
    pq.write_table(rows, out / OWN)
    return out


def round_of(params: Params, arm: str, own: pd.DataFrame, seed: int, work: Path) -> Path:
    """The folder of round 1's model, trained unless it is there already."""
    start, table = (params.home / "rounds" / "0").resolve(), (params.home / "table").resolve()
    if arm != DRAWN:
        table = table_with(params, own, TRAIN if arm == TRAINED else POOL, work / "table")
    if arm == TRAINED:
        start = start_with(start, own, work / "start")
    job = RoundJob(
        params=params, replica=Replica(seed=seed, arm=MINED), table=table, scratch=work, number=1,
        previous=start, start=start, progress=partial(print, flush=True),
    )  # fmt: skip
    if not job.out.exists():
        score_for(job, fan_out=partial(spread, runner="threads", workers=params.score.workers, scheduler=None))
        train_round(job)
    return job.out


def start_with(start: Path, own: pd.DataFrame, out: Path) -> Path:
    """A copy of a model's folder in which these crops are among its training rows."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(start, out)
    training = read_training(start)
    rows = pd.concat([training, training.iloc[[0] * len(own)].assign(key=own["key"].to_numpy())], ignore_index=True)
    schema = pq.read_schema(start / "training.parquet")
    pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), out / "training.parquet")
    return out


def accuracy(scored: list[tuple[list[Path], TorchModel]]) -> dict[str, float]:
    """Accuracy by kind of picture, each model on its own pictures."""
    rights: dict[str, Counter[bool]] = defaultdict(Counter)
    for files, model in scored:
        for file, record in zip(files, records_of(files, model), strict=True):
            right = record[model.target] == file.parts[-2]
            for kind in (file.parts[-3], "all"):
                rights[kind][right] += 1
    return {kind: rights[kind][True] / rights[kind].total() for kind in (*KINDS, "all") if kind in rights}


def summary(found: list[dict[str, float]]) -> dict[str, Any]:
    """Means over the seeds, and what is between the largest and the smallest value."""
    columns = {kind: [one[kind] for one in found] for kind in found[0]}
    return {
        "accuracy": {kind: round(float(np.mean(values)), 4) for kind, values in columns.items()},
        "spread": {kind: round(max(values) - min(values), 4) for kind, values in columns.items()},
    }


if __name__ == "__main__":
    main()
