"""The user's imported pictures as rows of the crop table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.common.params import UNWRITTEN, CropsSettings, ProblemSettings
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, label_columns
from tasks.images.picture_table import PAIR, TEXT, read_pictures
from tasks.words.confusables import is_ambiguous
from unfont.errors import UserError
from unfont.picture import read_crop_bytes

USER = "user"  # the origin of these rows, and the kind of their pictures without text
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
