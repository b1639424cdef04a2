"""A trained model's folder: weights, card, history, histogram of its examples, and the lineage of its training rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.network import CropNet
from tasks.common.files import write_json
from tasks.common.params import UNWRITTEN, Params
from tasks.train.batches import Crops, Labels
from tasks.train.checkpoint import Examples, History, Trained
from tasks.train.weights import save_model
from unfont.errors import UserError

BINS = 50  # of the histogram of examples
TRAINING_SCHEMA = pa.schema(
    [("key", pa.string()), ("round", pa.int16()), ("weights", pa.string()), ("score", pa.float32())]
)


def baseline_rows(keys: pd.Series) -> pd.DataFrame:
    """Training rows of round 0: nothing has scored them."""
    return pd.DataFrame({"key": sorted(keys), "round": 0, "weights": None, "score": None})


def make_card(params: Params, labels: Labels, *, mode: str, size: tuple[int, int]) -> dict[str, Any]:
    """The content of `model.json`."""
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
    folder: Path, network: CropNet, card: dict[str, Any], trained: Trained, training: pd.DataFrame
) -> None:
    """Make a model's folder: weights, card, history, histogram of its examples, lineage of its training rows."""
    folder.mkdir()
    save_model(folder, network, card)
    write_json(folder / "history.json", {"epochs": trained.history, "curve": trained.curve})
    write_json(folder / "examples.json", trained.examples)
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
        raise UserError("there is no list of training crops", where=path, fix="train that model again") from error
    return training


def summary_of(history: History, network: CropNet, crops: Crops) -> dict[str, float]:
    """Metrics to be logged: the last epoch's, the number of training crops and of weights."""
    last = {name: value for name, value in history[-1].items() if value is not None and name != "epoch"}
    return {**last, "crops": len(crops), "weights": sum(p.numel() for p in network.parameters())}


def histogram_of(p_true: np.ndarray, *, empty: np.ndarray, added: np.ndarray) -> Examples:
    """Counts of the examples' p(true label) in 50 equal bins: `text`, `Zxxx`, and `mined` whatever its label.

    A group with no examples is left out.
    """
    edges = np.linspace(0, 1, BINS + 1)
    groups = {"text": ~empty & ~added, UNWRITTEN: empty & ~added, "mined": added}
    counts = {name: np.histogram(p_true[rows], edges)[0].tolist() for name, rows in groups.items() if rows.any()}
    return {"edges": [round(edge, 6) for edge in edges.tolist()], "groups": counts}
