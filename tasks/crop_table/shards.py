"""The crop table: few big Parquet shards, one row a crop, and their readers.

Hugging Face `datasets`, pandas and pyarrow read the shards as they are; `datasets` decodes the images.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from tasks.common.params import ProblemSettings
from tasks.crop_table.png import Pixels, decode_png, in_colour
from unfont.errors import UserError

SHARD_ROWS = 20_000
ROW_GROUP = 4_000

COLOUR = "colour"  # the nuisance that is no column
LABEL = pa.dictionary(pa.int32(), pa.string())
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
REJECTED = pa.schema([("path", pa.string()), ("reason", pa.string())])  # what is not in the table, and why
REJECTED_FILE = "rejected.parquet"


def label_columns(problem: ProblemSettings) -> list[str]:
    """Target, nuisances and group, each once: a nuisance may be the group as well.

    `colour` is no column: training samples colours itself, anew in each epoch.
    """
    names = dict.fromkeys([problem.target, *problem.nuisances, problem.group])
    return [name for name in names if name != COLOUR]


def nuisance_columns(problem: ProblemSettings) -> list[str]:
    """The nuisances that are columns of the table."""
    return [name for name in dict.fromkeys(problem.nuisances) if name != COLOUR]


def crop_schema(problem: ProblemSettings, split: bool) -> pa.Schema:
    """Columns of the crop table.

    With `split`, the row's split; without, the split that the renderer `planned` it for, which `tag` checks.
    """
    fields = [pa.field("image", IMAGE)]
    fields += [pa.field(name, LABEL) for name in label_columns(problem)]
    fields += [pa.field(name, pa.string()) for name in ("font_family", "text", "kind", "origin", "pair")]
    fields += [pa.field("ambiguous", pa.bool_()), pa.field("key", pa.string())]
    fields.append(pa.field("split" if split else "planned", LABEL))
    return pa.schema(fields, metadata={"huggingface": _features(fields)})


def _features(fields: list[pa.Field]) -> str:
    """What `datasets` reads from the schema: without it `image` would stay undecoded bytes."""
    features = {
        field.name: {"dtype": "bool" if pa.types.is_boolean(field.type) else "string", "_type": "Value"}
        for field in fields
    }
    return json.dumps({"info": {"features": features | {"image": {"_type": "Image"}}}})


def shard_name(number: int) -> str:
    return f"part-{number:03d}.parquet"


def write_shard(path: Path, table: pa.Table) -> None:
    """One Parquet shard; the same table gives the same bytes."""
    # Pixels are compressed already; the other columns have few distinct values.
    names = [field.name for field in table.schema if field.name != "image"]
    compression = {"image.bytes": "NONE", "image.path": "NONE"} | dict.fromkeys(names, "ZSTD")
    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        compression=compression,
        use_dictionary=[name for name in names if name != "key"],
    )


def write_shards(folder: Path, tables: Iterable[pa.Table], *, rows: int = SHARD_ROWS) -> int:
    """Write `tables`, in order, as shards of at most `rows` rows each; returns the number of rows.

    `folder` is made. At most one shard and one table are held in memory.
    """
    folder.mkdir(parents=True)
    shards, held, written = 0, [], 0
    for table in tables:
        held.append(table)
        while sum(part.num_rows for part in held) >= rows:
            whole = pa.concat_tables(held)
            write_shard(folder / shard_name(shards), whole.slice(0, rows).unify_dictionaries())
            shards, written, held = shards + 1, written + rows, [whole.slice(rows)]
    rest = pa.concat_tables(held) if held else None
    if rest is not None and (rest.num_rows or not shards):
        write_shard(folder / shard_name(shards), rest.unify_dictionaries())
        written += rest.num_rows
    return written


def read_table(
    folder: Path, columns: list[str] | dict[str, pc.Expression] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """Rows of a crop table in the table's order, labels as dictionaries.

    Raises:
        UserError: there is no table in `folder`.
    """
    return _open(folder).to_table(columns=columns, filter=where).unify_dictionaries()


def read_rows(folder: Path, columns: list[str] | None = None, splits: Iterable[str] | None = None) -> pd.DataFrame:
    """Rows without their images, in the table's order (by split, then key); labels are plain strings."""
    if columns is None:
        columns = [name for name in _open(folder).schema.names if name != "image"]
    return _as_frame(read_table(folder, columns, _of_splits(splits)))


def read_images(
    folder: Path, splits: Iterable[str] | None = None, *, keys: Iterable[str] | None = None
) -> tuple[Pixels, pd.DataFrame]:
    """Images and their rows, sorted by key; of some splits, or of some keys, or all.

    Images are [rows, height, width], or [rows, height, width, 3] if one of them is in colour.
    """
    wanted = _of_splits(splits)
    if keys is not None:
        of_keys = pc.field("key").isin(pa.array(list(keys), pa.string()))
        wanted = of_keys if wanted is None else wanted & of_keys
    table = _open(folder).to_table(filter=wanted)
    table = table.take(pc.sort_indices(table, sort_keys=[("key", "ascending")]))
    return _decode(table), _as_frame(table.drop_columns("image"))


def stream_images(
    folder: Path, splits: Iterable[str] | None = None, batch: int = 4096, *, last: str | None = None
) -> Iterator[tuple[Pixels, pd.DataFrame]]:
    """Batches of at most `batch` images, as `read_images` gives them, with their rows, in the table's order.

    Those with keys after `last` are left out, and not decoded. Memory is bounded.
    """
    wanted = _of_splits(splits)
    if last is not None:
        in_reach = pc.field("key") <= last
        wanted = in_reach if wanted is None else wanted & in_reach
    scanner = _open(folder).scanner(filter=wanted, batch_size=batch, batch_readahead=2, fragment_readahead=1)
    for part in scanner.to_batches():
        if part.num_rows:
            table = pa.Table.from_batches([part])
            yield _decode(table), _as_frame(table.drop_columns("image"))


def _open(folder: Path) -> pads.Dataset:
    shards = sorted(folder.glob("part-*.parquet"))
    if not shards:
        raise UserError("there is no crop table", where=folder, fix="make it: unfont crops, then unfont tag")
    try:
        return pads.dataset([str(path) for path in shards], format="parquet")
    except pa.ArrowInvalid as error:
        raise UserError("the crop table cannot be read", where=folder, fix="make it again: unfont tag") from error


def _of_splits(splits: Iterable[str] | None) -> pc.Expression | None:
    if splits is None:
        return None
    names = [splits] if isinstance(splits, str) else list(splits)
    return pc.field("split").cast(pa.string()).isin(names)


def _as_frame(table: pa.Table) -> pd.DataFrame:
    fields = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields)).to_pandas()


def _decode(table: pa.Table) -> Pixels:
    images = table.column("image").combine_chunks()
    data = images.field("bytes") if isinstance(images, pa.StructArray) else images.chunk(0).field("bytes")
    if not len(data):
        return np.zeros((0, 0, 0), np.uint8)
    # Threads would only contend for the interpreter lock: decoding a crop takes 20 microseconds.
    first = decode_png(data[0].as_py())
    # Rendered crops are grey, a user's may be in colour: where one is, all are given three channels.
    coloured = any(in_colour(png.as_py()[:26]) for png in data)
    pixels = np.empty((len(data), *first.shape[:2], *([3] if coloured else [])), np.uint8)
    for row, png in enumerate(data):
        crop = decode_png(png.as_py())
        pixels[row] = crop[..., None] if crop.ndim < pixels[row].ndim else crop
    return pixels


def pictures(table: Path, keys: list[str]) -> dict[str, np.ndarray]:
    """The clean crops of `keys`, uint8 `[height, width]`, in that order; unknown keys are left out."""
    if not keys:
        return {}
    images, rows = read_images(table, keys=sorted(set(keys)))
    found = dict(zip(rows["key"], images, strict=True))
    return {key: found[key] for key in keys if key in found}
