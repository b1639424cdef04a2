"""Imported pictures as they are stored: a row a picture, its file unchanged, in a few Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import label_columns
from unfont.errors import UserError

TEXT, PAIR = "text", "pair"
BATCH = 256  # pictures held at a time; their bytes are bounded by the row groups


def picture_columns(problem: ProblemSettings) -> list[str]:
    """What a user may give for a picture: the problem's labels, the text that it shows, and the name of its pair."""
    return [*label_columns(problem), TEXT, PAIR]


def picture_schema(problem: ProblemSettings) -> pa.Schema:
    """Columns of imported pictures; `image` holds the file unchanged, `reason` is null if it is usable."""
    names = ["name", *picture_columns(problem), "reason"]
    return pa.schema([pa.field("image", pa.binary()), *(pa.field(name, pa.string()) for name in names)])


def read_pictures(
    folder: Path, problem: ProblemSettings, *, columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows that `tasks.images.import_images.bring_pictures` wrote, or some columns of them, in bounded memory.

    Raises:
        UserError: there are none, or their labels are not the problem's.
    """
    fix = "bring them in again: unfont tag --from FOLDER"
    shards = sorted(folder.glob("part-*.parquet"))
    if not shards:
        raise UserError(
            "there are no pictures of your own", where=folder, fix="bring them in: unfont tag --from FOLDER"
        )
    wanted = picture_schema(problem).names
    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                missing = [name for name in wanted if name not in file.schema_arrow.names]
                if missing:
                    raise UserError(f"the pictures have no '{missing[0]}'", where=folder, fix=fix)
                for batch in file.iter_batches(BATCH, columns=columns or wanted):
                    yield from batch.to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"the pictures cannot be read: {error}", where=shard, fix=fix) from error
