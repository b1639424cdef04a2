"""The user's imported pictures as rows of the crop table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.common.drawing_settings import CropsSettings
from tasks.common.params import UNWRITTEN, ProblemSettings
from tasks.crop_table.origins import USER, origin_of
from tasks.crop_table.png import Pixels, encode_png, key_of
from tasks.crop_table.shards import crop_schema, label_columns
from tasks.images.picture_table import PAIR, TEXT, read_pictures
from tasks.images.training_windows import training_windows
from tasks.words.confusables import is_ambiguous
from unfont.errors import UserError
from unfont.picture import picture_of
from unfont.reading import fit

ROWS = 2048  # of a table that is yielded


def own_tables(
    pictures: Path, *, problem: ProblemSettings, settings: CropsSettings, rejected: list[tuple[str, str]]
) -> Iterator[pa.Table]:
    """Crop tables (`crop_schema(problem, split=False)`) of the pictures in the folder `pictures`, in their order.

    Crops are [height, width] or, with 3 channels, [height, width, 3]; no split is planned. Where the labels include
    `Zxxx`, a picture of writing gives a row for each of its windows (`tasks.images.training_windows`), all with its
    name and labels; any other picture is fitted whole. Those that cannot be used are appended to `rejected`, with their
    names and reasons.

    Raises:
        UserError: no pictures were imported, or they have another problem's labels.
    """
    schema = crop_schema(problem, split=False)
    rows: list[dict[str, Any]] = []
    in_windows = _tells_writing(pictures, problem, settings)
    for picture in read_pictures(pictures, problem):
        if picture["reason"] is not None:
            rejected.append((picture["name"], picture["reason"]))
            continue
        try:
            rows += _rows(picture, problem, settings, in_windows=in_windows)
        except UserError as error:
            rejected.append((picture["name"], error.what))
        while len(rows) >= ROWS:
            yield pa.Table.from_pylist(rows[:ROWS], schema=schema)
            rows = rows[ROWS:]
    yield pa.Table.from_pylist(rows, schema=schema)  # even if empty: a table needs at least one shard


def _tells_writing(folder: Path, problem: ProblemSettings, settings: CropsSettings) -> bool:
    """Whether a model will have the label `Zxxx`, and so read pictures in windows (`unfont.answers`)."""
    if problem.draws and settings.background.train + settings.background.pool > 0:
        return True
    labels = read_pictures(folder, problem, columns=[problem.target, "reason"])
    return any(picture[problem.target] == UNWRITTEN and picture["reason"] is None for picture in labels)


def _rows(
    picture: dict[str, Any], problem: ProblemSettings, settings: CropsSettings, *, in_windows: bool
) -> list[dict[str, Any]]:
    """A row for each crop of a picture."""
    pixels = picture_of(picture["image"] or b"", where=picture["name"], channels=settings.channels)
    target, text, pair = picture[problem.target], picture[TEXT], picture[PAIR]
    size = {"height": settings.height, "width": settings.width}
    crops = training_windows(pixels, **size) if in_windows and target != UNWRITTEN else fit(pixels, **size)[None]
    shared = {
        **{name: picture[name] for name in label_columns(problem)},
        "font_family": None,
        "text": text,
        "kind": USER if target == UNWRITTEN else "word",
        "origin": origin_of(picture["name"]),
        # Partners differ in nothing but the nuisance: pictures of two targets are none, nor are windows that each
        # show another part of a line.
        "pair": f"{target}/{pair}" if pair and len(crops) == 1 else None,
        # Only a script's name says which alphabet the letters might be taken for.
        "ambiguous": is_ambiguous(text, target) if text and problem.target == "script" else None,
        "planned": None,
    }
    return [shared | _image(crop, picture["name"]) for crop in crops]


def _image(crop: Pixels, name: str) -> dict[str, Any]:
    return {"image": {"bytes": encode_png(crop), "path": name}, "key": key_of(crop)}
