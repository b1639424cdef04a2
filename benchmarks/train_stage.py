"""A training as a stage runs it, measured: `python -m benchmarks.train_stage TABLE '{"processes": 2}' [--crops N]`.

Trains the default network on the first crops of TABLE's `train` split, and validates it on the same share of
`validation`, with the train settings in the JSON over those of params.yaml, and prints the crops/s of each epoch but
the first as JSON: degradation, batches, metrics, averaging, validation and checkpoint are in it, starting and reading
are not. It trains as round 0 does, or with --mode as that mode of invariance, its heads included.
"""

import argparse
import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from models.invariance import modes_of
from tasks.common.determinism import deterministic
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import TRAIN, VALIDATION
from tasks.train.batches import VALIDATION_ROWS, Crops, Labels, Validation, read_crops
from tasks.train.loop import train_network, untrained
from tasks.train.model_folder import make_card

EPOCHS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("train", type=json.loads, help="settings of the section `train`, and `threads`")
    parser.add_argument("--crops", type=int, default=12_800)
    parser.add_argument("--mode", help="of invariance")
    arguments = parser.parse_args()
    params = params_of(arguments.train)
    labels = Labels.of_table(arguments.table, params.labels, channels=params.crops.channels)
    crops = first_crops(arguments.table, labels, arguments.crops)
    validation = validation_of(arguments.table, labels, arguments.crops)
    print(json.dumps(rates(params, labels, crops, validation, mode=arguments.mode)))


def params_of(changes: dict[str, object]) -> Params:
    """Those of the working directory, with other settings of `train`."""
    values = read_params().model_dump()
    threads = changes.pop("threads", values["threads"])
    return Params(**values | {"threads": threads, "train": values["train"] | {"epochs": EPOCHS} | changes})


def first_crops(table: Path, labels: Labels, count: int) -> Crops:
    """So many crops of `train`, by their keys, which are hashes: of all labels."""
    return read_crops(table, labels, keys=sorted(read_rows(table, ["key"], [TRAIN])["key"])[:count])


def validation_of(table: Path, labels: Labels, crops: int) -> Validation:
    """The share of `validation` that so many crops are of `train`: whole, it would cost more than a short epoch."""
    rows = read_rows(table, ["split"], [TRAIN, VALIDATION])["split"].value_counts()
    return Validation(table, labels, rows=round(min(rows[VALIDATION], VALIDATION_ROWS) * crops / rows[TRAIN]))


def rates(params: Params, labels: Labels, crops: Crops, validation: Validation, *, mode: str | None) -> list[float]:
    """Crops a second of every epoch but the first."""
    ends: list[float] = []

    def note(line: str) -> None:
        if line.startswith("epoch"):
            ends.append(time.perf_counter())

    card = make_card(params, labels, mode=mode or "erm", size=(crops.images.shape[1], crops.images.shape[2]))
    with tempfile.TemporaryDirectory() as work, deterministic(params.threads, seed=params.seed):
        train_network(
            untrained(card, crops, params), crops, validation, params=params, train=params.train, seed=params.seed,
            work=Path(work), progress=note, modes=modes_of(mode) if mode else (),
            counts=crops.counts(labels, params.degrade, seed=params.seed),
        )  # fmt: skip
    return [round(len(crops) / (end - start), 1) for start, end in pairwise(ends)]


if __name__ == "__main__":
    main()
