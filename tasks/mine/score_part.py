"""One part of a split: scored by any worker, and written as one file.

A part's rows depend on the crop table and the model alone, so the bytes are the same whichever worker scored it.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from models.degrade import SEVERITIES, degrade, seeds_of
from models.inference import Fused, fused
from tasks.common.determinism import deterministic
from tasks.common.device import device_of
from tasks.common.params import UNWRITTEN
from tasks.crop_table.png import GREY, RGB, Pixels, decode_png
from tasks.mine.score_table import score_schema, write_scores
from tasks.train.batches import FORWARD_BATCH, as_images
from tasks.train.card import weights_of
from tasks.train.weights import load_model
from unfont.errors import UserError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Piece:
    """Rows `start` to `stop` of those that a shard's row group has of the split."""

    shard: Path
    group: int
    start: int
    stop: int


@dataclass(frozen=True)
class Part:
    """What one worker scores at a time, and a hash of all that its scores depend on."""

    number: int
    pieces: tuple[Piece, ...]
    identity: str

    @property
    def rows(self) -> int:
        return sum(piece.stop - piece.start for piece in self.pieces)


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What is the same for all parts: the model, how its input is made, and the folder for finished parts.

    `device` is the setting of params.yaml: each worker sees for itself what it has.
    """

    model: Path
    weights: str
    labels: list[str]
    target: str
    nuisance: str | None
    severity: str
    split: str
    work: Path
    device: str

    def path_of(self, part: Part) -> Path:
        return self.work / f"part-{part.number:06d}.parquet"


def score_part(part: Part, scoring: Scoring) -> int:
    """Score one part into the folder for finished parts, where it is whole or not at all; returns its rows.

    Raises:
        UserError: the crops are of another size or have more channels than the model reads.
    """
    schema = score_schema(scoring.labels, weights=scoring.weights, severity=scoring.severity, part=part.identity)
    # A thread a worker: several in one process set the values that it has already.
    with deterministic(1), torch.inference_mode():
        network = _network(scoring.model, scoring.weights, device_of(scoring.device))
        scored = [table for piece in part.pieces for table in _scored(piece, scoring, network, schema)]
    write_scores(scoring.path_of(part), [pa.concat_tables(scored).combine_chunks()], schema)
    return part.rows


@lru_cache(maxsize=1)
def _network(model: Path, weights: str, device: torch.device) -> Fused:
    network, _ = load_model(model)
    if weights_of(model) != weights:
        raise UserError("the model was changed while it scored", where=model, fix="score again")
    return fused(network.to(device))


def _scored(piece: Piece, scoring: Scoring, network: Fused, schema: pa.Schema) -> Iterator[pa.Table]:
    rows = _read(piece, scoring)
    pngs = pc.struct_field(rows["image"], "bytes").to_pylist()
    # In even batches: a small one takes longer a crop.
    count = -(-len(pngs) // FORWARD_BATCH)
    for start, stop in pairwise(len(pngs) * n // count for n in range(count + 1)):
        part = rows.slice(start, stop - start)
        images = _images(pngs[start:stop], network, scoring.model)
        if SEVERITIES[scoring.severity] is not None:
            images = degrade(images, seeds_of(part["key"].to_pylist(), 0), SEVERITIES[scoring.severity])
        logits, features = network(images)
        yield _scores(part, logits.softmax(1).cpu().numpy(), features.cpu().numpy(), scoring, schema)


def _read(piece: Piece, scoring: Scoring) -> pa.Table:
    """The piece's rows: images, keys, and their true labels and nuisance."""
    names = dict.fromkeys(["key", scoring.target, "kind", *filter(None, [scoring.nuisance])])
    with pq.ParquetFile(piece.shard) as file:
        rows = file.read_row_group(piece.group, columns=["image.bytes", "split", *names], use_threads=False)
    rows = rows.filter(pc.equal(rows["split"].cast(pa.string()), scoring.split))
    return rows.slice(piece.start, piece.stop - piece.start)


def _images(pngs: list[bytes], network: Fused, model: Path) -> torch.Tensor:
    """Crops as the network reads them, `float32[rows, channels, height, width]` in [0, 1]."""
    pixels = decode_crops(pngs)
    _, height, width, *colours = pixels.shape
    for fits, crops, reads in (
        ((height, width) == (network.height, network.width), f"{width}x{height}", f"{network.width}x{network.height}"),
        (not colours or network.channels == 3, "in colour", "grey"),
    ):
        if not fits:
            what = f"the model reads crops that are {reads}, the table's are {crops}"
            raise UserError(what, where=model, fix="train it on this table")
    return as_images(torch.from_numpy(pixels).to(network.target_head.weight.device), network.channels)


def decode_crops(pngs: list[bytes]) -> Pixels:
    """Pixels of PNGs of one size: [rows, height, width], or [rows, height, width, 3] if one of them is in colour."""
    form = pngs[0][:33]  # up to the end of the header's chunk
    width, height, *kind = struct.unpack_from(">IIBBBBB", form, 16)
    # All as `tasks.crop_table.png.encode_png` writes them: their lines are unpacked into one array.
    ours = kind in ([8, GREY, 0, 0, 0], [8, RGB, 0, 0, 0]) and all(
        png.startswith(form) and png[33:41] == struct.pack(">I4s", len(png) - 57, b"IDAT") for png in pngs
    )
    if ours:
        data = b"".join([zlib.decompress(png[41:-16]) for png in pngs])
        lines = np.frombuffer(data, np.uint8).reshape(len(pngs), height, -1)
        if not lines[..., 0].any():
            shape = (len(pngs), height, width) if kind[1] == GREY else (len(pngs), height, width, 3)
            return np.ascontiguousarray(lines[..., 1:]).reshape(shape)
    crops = [decode_png(png) for png in pngs]
    if any(crop.ndim == 3 for crop in crops):
        crops = [crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2) for crop in crops]
    return np.stack(crops)


def _scores(rows: pa.Table, probabilities: Floats, features: Floats, scoring: Scoring, schema: pa.Schema) -> pa.Table:
    """The score table's rows for `probabilities[rows, labels]` and `features[rows, embedding]`."""
    labels = pa.array(scoring.labels, pa.string())
    true = rows[scoring.target].cast(pa.string())
    # The probability of a label that the model does not have is 0.
    index = pc.fill_null(pc.index_in(true, value_set=labels), -1).to_numpy()
    known, each, predicted = index >= 0, np.arange(len(probabilities)), probabilities.argmax(1)
    p_true = np.where(known, probabilities[each, index], np.float32(0))
    others = probabilities.copy()
    others[each[known], index[known]] = 0
    columns = {
        "key": rows["key"],
        "predicted": labels.take(pa.array(predicted)),
        "true": true,
        "nuisance": _nuisances(rows, true, scoring.nuisance),
        "p": probabilities[each, predicted],
        "p_true": p_true,
        "margin": p_true - others.max(1),
        "loss": -np.log(np.maximum(p_true, np.finfo(np.float32).tiny)),
        "probabilities": pa.FixedSizeListArray.from_arrays(_halves(probabilities), probabilities.shape[1]),
        "embedding": _embeddings(features, predicted != index),
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _nuisances(rows: pa.Table, true: pa.ChunkedArray, nuisance: str | None) -> pa.ChunkedArray:
    """The first nuisance's value of each crop, for non-text the kind; null where unknown."""
    own = pa.nulls(len(rows), pa.string()) if nuisance is None else rows[nuisance].cast(pa.string())
    return pc.if_else(pc.fill_null(pc.equal(true, UNWRITTEN), False), rows["kind"], own)


def _embeddings(features: Floats, wanted: NDArray[np.bool_]) -> pa.ListArray:
    """The wanted rows' features; null for the others."""
    ends = np.cumsum(wanted, dtype=np.int32) * np.int32(features.shape[1])
    offsets = pa.array(np.concatenate([np.zeros(1, np.int32), ends]))
    return pa.ListArray.from_arrays(offsets, _halves(features[wanted]), mask=pa.array(~wanted))


def _halves(values: Floats) -> pa.Array:
    return pa.array(values.astype(np.float16).ravel())
