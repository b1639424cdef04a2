"""Scoring: what a model says of every pool crop, in memory that does not grow with the images."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
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
from tasks.errors import UserError
from tasks.files import written_whole
from tasks.table import stream_images

# Pictures in use are never clean: the model's mistakes on lightly degraded crops are the ones
# worth mining. Every round sees a crop degraded in the same way, so that rounds can be compared.
SEVERITY = "light"
STREAM = 2048  # crops in memory at a time
SAY_EVERY = 10.0  # seconds

SCORE_SCHEMA = pa.schema(
    [("key", pa.string()), ("predicted", pa.string()), ("true", pa.string())]
    + [(name, pa.float32()) for name in ("p", "p_true", "margin", "loss")]
)
log = logging.getLogger("unfont")


def score_pool(
    network: ScriptNet,
    card: dict[str, Any],
    *,
    table: Path,
    out: Path,
    weights: str,
    split: str = "pool",
    progress: Callable[[str], None] = log.info,
) -> pd.DataFrame:
    """Score a split and write the score table at `out`, in the crop table's order.

    `p` is p(predicted), `p_true` that of the true label, `margin` p_true less the best other
    label's p, `loss` the cross-entropy. Must run within `deterministic`.

    Args:
        weights: SHA-256 of the model's weights; the score table carries it, and `read_scores` asks
        for it.
    """
    write_scores(out, _scored(network, card, table, split, progress), weights=weights)
    return read_scores(out, weights=weights)


def write_scores(path: Path, parts: Iterable[pd.DataFrame], *, weights: str) -> None:
    """Write a score table, part by part, with the hash of the weights that scored."""
    schema = SCORE_SCHEMA.with_metadata({"weights": weights})
    with written_whole(path) as beside, pq.ParquetWriter(beside, schema) as writer:
        for part in parts:
            writer.write_table(pa.Table.from_pandas(part, schema, preserve_index=False))


def read_scores(path: Path, *, weights: str) -> pd.DataFrame:
    """A score table.

    Raises:
        UserError: it is of another model.
    """
    scores = pq.read_table(path)
    held = (scores.schema.metadata or {}).get(b"weights", b"").decode()
    if held != weights:
        raise UserError(
            f"these scores are of another model ({held[:12] or 'unknown'}, not {weights[:12]})",
            where=path,
            mend="score the pool again with this model",
        )
    frame: pd.DataFrame = scores.to_pandas()
    return frame


def _scored(
    network: ScriptNet, card: dict[str, Any], table: Path, split: str, progress: Callable[[str], None]
) -> Iterator[pd.DataFrame]:
    done, start, said = 0, time.monotonic(), time.monotonic()
    for pixels, rows in stream_images(table, [split], STREAM):
        images = as_images(torch.from_numpy(pixels), network.channels)
        images = degrade(images, seeds_of(rows["key"].tolist(), 0), SEVERITIES[SEVERITY])
        chances = logits_of(network, images).softmax(1).numpy()
        yield _judged(rows["key"], rows[card["target"]], chances, card["labels"])
        done += len(rows)
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            progress(f"scored {done:,} crops; {done / (said - start):,.0f} crops/s")


def _judged(keys: pd.Series, true: pd.Series, chances: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """The score table's rows for `chances[rows, labels]`."""
    rows = np.arange(len(chances))
    place = pd.Index(labels).get_indexer(pd.Index(true.to_numpy(dtype=object)))
    known = place >= 0
    predicted = chances.argmax(1)
    # A label that the model does not know has no chance at all.
    p_true = np.where(known, chances[rows, place], 0)
    others = chances.copy()
    others[rows[known], place[known]] = 0
    return pd.DataFrame(
        {
            "key": keys.to_numpy(),
            "predicted": np.array(labels, dtype=object)[predicted],
            "true": true.to_numpy(),
            "p": chances[rows, predicted],
            "p_true": p_true,
            "margin": p_true - others.max(1),
            "loss": -np.log(np.maximum(p_true, np.finfo(np.float32).tiny)),
        }
    )
