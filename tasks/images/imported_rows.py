"""The user's imported pictures as rows of the crop table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.params import UNWRITTEN, CropsSettings, ProblemSettings
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, label_columns
from tasks.images.given_pictures import PAIR, TEXT
from tasks.images.import_images import picture_schema
from tasks.words.confusables import is_ambiguous
from unfont.errors import UserError
from unfont.picture import read_crop_bytes

USER = "user"  # the origin of these rows, and the kind of their pictures without text
BATCH = 256  # pictures held at a time; their bytes are bounded by the row groups
ROWS = 2048  # of a table that is yielded


def own_tables(
    pictures: Path, *, problem: ProblemSettings, settings: CropsSettings, rejected: list[tuple[str, str]]
) -> Iterator[pa.Table]:
    """Crop tables (`crop_schema(problem, split=False)`) of the pictures in the folder `pictures`, in their order.

    Each picture is fitted into [height, width] or, with 3 channels, [height, width, 3]; no split is planned. Those that
    cannot be used are appended to `rejected`, with their names and reasons.

    Raises:
        UserError: no pictures were imported, or they have another problem's labels.
    """
    schema = crop_schema(problem, split=False)
    rows: list[dict[str, Any]] = []
    for picture in read_pictures(pictures, problem):
        if picture["reason"] is not None:
            rejected.append((picture["name"], picture["reason"]))
            continue
        try:
            rows.append(_row(picture, problem, settings))
        except UserError as error:
            rejected.append((picture["name"], error.what))
        if len(rows) == ROWS:
            yield pa.Table.from_pylist(rows, schema=schema)
            rows = []
    yield pa.Table.from_pylist(rows, schema=schema)  # even if empty: a table needs at least one shard


def read_pictures(folder: Path, problem: ProblemSettings) -> Iterator[dict[str, Any]]:
    """The rows that `tasks.images.import_images.bring_pictures` wrote, in bounded memory.

    Raises:
        UserError: there are none, or their labels are not the problem's.
    """
    fix = "bring them in again: unfont tag --from FOLDER"
    shards = sorted(folder.glob("part-*.parquet"))
    if not shards:
        raise UserError(
            "there are no pictures of your own", where=folder, fix="bring them in: unfont tag --from FOLDER"
        )
    wanted = picture_schema(problem)
    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                missing = [name for name in wanted.names if name not in file.schema_arrow.names]
                if missing:
                    raise UserError(f"the pictures have no '{missing[0]}'", where=folder, fix=fix)
                for batch in file.iter_batches(BATCH, columns=wanted.names):
                    yield from pa.Table.from_batches([batch]).select(wanted.names).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"the pictures cannot be read: {error}", where=shard, fix=fix) from error


def _row(picture: dict[str, Any], problem: ProblemSettings, settings: CropsSettings) -> dict[str, Any]:
    pixels = read_crop_bytes(
        picture["image"] or b"",
        where=picture["name"],
        height=settings.height,
        width=settings.width,
        channels=settings.channels,
    )
    target, text, pair = picture[problem.target], picture[TEXT], picture[PAIR]
    return {
        "image": {"bytes": encode_png(pixels), "path": picture["name"]},
        **{name: picture[name] for name in label_columns(problem)},
        "font_family": None,
        "text": text,
        "kind": USER if target == UNWRITTEN else "word",
        "origin": USER,
        # Partners differ in nothing but the nuisance: pictures of two targets are none.
        "pair": f"{target}/{pair}" if pair else None,
        # Only a script's name says which alphabet the letters might be taken for.
        "ambiguous": is_ambiguous(text, target) if text and problem.target == "script" else None,
        "key": key_of(pixels),
        "planned": None,
    }
