"""Typed crops that the model gets wrong, kept for training: a folder that `unfont tag --from` takes."""

import csv
from dataclasses import dataclass
from pathlib import Path

from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.crop_table.origins import kept_name
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.splits import TRAIN
from tasks.crop_table.text_side import may_train
from tasks.live.typed import FontBook
from unfont.errors import UserError

FOLDER = "live"  # in a problem's folder
MANIFEST = "manifest.csv"
COLUMNS = ["image", "script", "font_style", "design", "text"]


@dataclass(frozen=True)
class Kept:
    """A crop that was kept: its file, how many there are now, and whether it had been there before."""

    file: Path
    count: int
    again: bool


def keep_crop(params: Params, book: FontBook, *, row: int, text: str) -> Kept:
    """Write the text in the font at `row` as a PNG into the problem's folder `live`, and a line into its manifest.

    Its label is the font's script, in which the text must be written: right, whatever the model says. Only what
    training may show is kept, so that the test stays a test: a design of the training side, and a text of it.

    Raises:
        UserError: the design or the text is held out, the font cannot draw the text or is of another script, or the
            problem is not of scripts.
    """
    if params.labels.target != "script":
        raise UserError(
            "only typed scripts can be kept", where=params.problem, fix="bring crops in by `unfont tag --from`"
        )
    pixels = book.draw(row, text)
    font = book.fonts[row]
    if not book.fits(text, font.script):
        what = f"this text is not written in {font.script}: its label would be wrong"
        raise UserError(what, where=font.family, fix="type a word of that script")
    if font.side != TRAIN:
        what = f"the design {font.design} is held out for {font.side}: the test stays a test"
        raise UserError(what, where=font.family, fix="keep a crop of another font")
    if not may_train(text, script=font.script, settings=params.tag, seed=params.seed):
        what = "this text is held out for validation or the test, in every font"
        raise UserError(what, where=font.script, fix="type another word")
    folder = params.home / FOLDER
    name = kept_name(key_of(pixels))
    rows = read_kept(folder)
    again = any(known["image"] == name for known in rows)
    with written_whole(folder / name) as beside:
        beside.write_bytes(encode_png(pixels))
    if not again:
        rows.append(dict(zip(COLUMNS, [name, font.script, font.font_style, font.design, text], strict=True)))
        _write(folder / MANIFEST, rows)
    return Kept(folder / name, len(rows), again)


def read_kept(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's manifest; none where there is no manifest.

    Raises:
        UserError: it is no manifest of kept crops.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"the manifest cannot be read: {error}", where=path, fix="restore it, or move it away"
        ) from error
    if any(list(row) != COLUMNS or None in row.values() for row in rows):
        raise UserError("this is no manifest of kept crops", where=path, fix="restore it, or move it away")
    return rows


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with written_whole(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
