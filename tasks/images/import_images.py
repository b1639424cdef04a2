"""Import a user's pictures from a folder, an archive or a manifest into a few Parquet files with their labels."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.files import written_whole
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import shard_name
from tasks.images.given_pictures import Picture, given_pictures, picture_columns
from unfont.errors import UserError

GROUP_BYTES = 16 * 2**20  # of a Parquet row group: what a reader holds at a time
SHARD_BYTES = 256 * 2**20
SHARD_ROWS = 100_000


def picture_schema(problem: ProblemSettings) -> pa.Schema:
    """Columns of imported pictures; `image` holds the file unchanged, `reason` is null if it is usable."""
    names = ["name", *picture_columns(problem), "reason"]
    return pa.schema([pa.field("image", pa.binary()), *(pa.field(name, pa.string()) for name in names)])


def bring_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    out: Path,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Write a user's pictures, as they are, with their labels to the folder `out`; what was there is replaced.

    Args:
        source: a folder or an archive (tar, zip) of pictures; or a manifest. Null: the manifest's folder.
        pattern: where the labels are in a file's path (`tasks.images.path_pattern.compile_pattern`); by default the
            problem's own, else `{target}/*`.
        manifest: a CSV or Parquet file that lists the pictures below `source`, or holds them.
        columns: the pattern's or manifest's name of a column, by its name here.

    Returns: how many pictures were `given`, `accepted` and `rejected`. Rejected ones are rows too, with a reason and
        no bytes.

    Raises:
        UserError: source, pattern or manifest are wrong, or no picture can be used.
    """
    reasons: Counter[str | None] = Counter()

    def counted(pictures: Iterator[Picture]) -> Iterator[Picture]:
        for picture in pictures:
            reasons[picture.reason] += 1
            yield picture

    given = given_pictures(source, problem=problem, pattern=pattern, manifest=manifest, columns=columns)
    with written_whole(out) as beside:
        write_pictures(beside, counted(given), picture_schema(problem))
        if not reasons[None]:
            raise _nothing(reasons, manifest or source)
    accepted, total = reasons[None], reasons.total()
    return {"given": float(total), "accepted": float(accepted), "rejected": float(total - accepted)}


def write_pictures(folder: Path, pictures: Iterator[Picture], schema: pa.Schema) -> None:
    """Write `pictures`, in order, as few big shards in the new folder `folder`, in bounded memory."""
    folder.mkdir(parents=True)
    shards = 0
    writer, rows, size = None, 0, 0
    try:
        for table, bytes_in in _row_groups(pictures, schema):
            if writer is None or rows + table.num_rows > SHARD_ROWS or size + bytes_in > SHARD_BYTES:
                if writer is not None:
                    writer.close()
                writer, rows, size = _writer(folder / shard_name(shards), schema), 0, 0
                shards += 1
            writer.write_table(table)
            rows, size = rows + table.num_rows, size + bytes_in
    finally:
        if writer is not None:
            writer.close()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Pictures are compressed already.
    names = [name for name in schema.names if name != "image"]
    return pq.ParquetWriter(
        path, schema, compression={"image": "NONE"} | dict.fromkeys(names, "ZSTD"), use_dictionary=names
    )


def _row_groups(pictures: Iterator[Picture], schema: pa.Schema) -> Iterator[tuple[pa.Table, int]]:
    rows, size = [], 0
    for picture in pictures:
        rows.append({"image": picture.data, "name": picture.name, **picture.labels, "reason": picture.reason})
        size += len(picture.data or b"")
        if size >= GROUP_BYTES or len(rows) == 4096:
            yield pa.Table.from_pylist(rows, schema=schema), size
            rows, size = [], 0
    if rows:
        yield pa.Table.from_pylist(rows, schema=schema), size


def _nothing(reasons: Counter[str | None], where: Path | None) -> UserError:
    if not reasons:
        return UserError("there are no pictures", where=where, fix="name a folder, archive or manifest that has some")
    most, _ = min(reasons.items(), key=lambda item: (-item[1], str(item[0])))
    return UserError(
        f"none of {reasons.total()} pictures can be used, most often: {most}",
        where=where,
        fix="fix the pattern, the manifest or the pictures",
    )
