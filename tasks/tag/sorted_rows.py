"""Crops in the order of the table, by split and key, in bounded memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
from numpy.typing import NDArray

from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import crop_schema
from tasks.crop_table.splits import SPLITS

BATCH = 4_000
SORTED_ROWS = 20_000  # rows with their images that are sorted at a time
MOST_PARTS = 256  # files open at a time


def batches_of(crops: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Rows of the crops in their order, in bounded memory."""
    shards = [str(path) for path in sorted(crops.glob("part-*.parquet"))]
    scanner = pads.dataset(shards, format="parquet").scanner(
        columns=columns, batch_size=BATCH, batch_readahead=2, fragment_readahead=1
    )
    yield from scanner.to_batches()


def sorted_rows(
    crops: Path, keys: pd.Series, splits: pd.Series, pairs: pd.Series, problem: ProblemSettings, folder: Path
) -> Iterator[pa.Table]:
    """The accepted rows, sorted by split and key, in bounded memory.

    One pass deals the rows out to files of neighbours in the order; then each file is sorted by itself.
    """
    schema = crop_schema(problem, split=True)
    rank = _ranks(keys, splits)
    rows = int((rank >= 0).sum())
    parts = min(MOST_PARTS, -(-rows // SORTED_ROWS))
    with tempfile.TemporaryDirectory(prefix=".sorting-", dir=folder) as scratch:
        _deal_out(crops, Path(scratch), rank, rank * parts // max(rows, 1), splits, pairs, schema)
        for part in range(parts):
            with pa.ipc.open_stream(Path(scratch, str(part))) as reader:
                table = reader.read_all()
            table = table.take(pc.sort_indices(table, sort_keys=[("rank", "ascending")]))
            yield table.select(schema.names).cast(schema)


def _ranks(keys: pd.Series, splits: pd.Series) -> NDArray[np.int64]:
    """Place of each row in the table's order; -1 of a row that is in no split."""
    code = splits.map({split: number for number, split in enumerate(SPLITS)}).fillna(len(SPLITS)).astype("int8")
    table = pa.table({"split": pa.array(code), "key": pa.array(keys)})
    order = pc.sort_indices(table, sort_keys=[("split", "ascending"), ("key", "ascending")]).to_numpy()
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys))
    return np.where(splits.notna(), rank, -1)


def _deal_out(
    crops: Path,
    folder: Path,
    rank: NDArray[np.int64],
    part_of: NDArray[np.int64],
    splits: pd.Series,
    pairs: pd.Series,
    schema: pa.Schema,
) -> None:
    plain = [
        pa.field(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in schema
    ]
    form = pa.schema([*plain, pa.field("rank", pa.int64())])
    taken = [name for name in schema.names if name not in ("split", "pair")]
    place = 0
    writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
    try:
        for batch in batches_of(crops, taken):
            here = slice(place, place + batch.num_rows)
            place += batch.num_rows
            table = pa.Table.from_batches([batch])
            table = table.append_column("split", pa.array(splits.iloc[here], pa.string()))
            table = table.append_column("pair", pa.array(pairs.iloc[here], pa.string()))
            table = table.append_column("rank", pa.array(rank[here])).select(form.names).cast(form)
            parts = np.where(rank[here] >= 0, part_of[here], -1)
            for part in np.unique(parts[parts >= 0]).tolist():
                if part not in writers:
                    writers[part] = pa.ipc.new_stream(folder / str(part), form)
                writers[part].write_table(table.take(np.flatnonzero(parts == part)))
    finally:
        for writer in writers.values():
            writer.close()
