"""One picture of the units that the page of what was learned shows: to print, or to put into a talk."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tasks.crop_table.png import Pixels

TILE = (64, 256)  # height and width in pixels of the largest picture
GAP, EDGE, LINE = 12, 24, 22  # pixels between tiles, around all, and of a line of text
INK, SOFT = 20, 110  # greys of the text


@dataclass(frozen=True)
class PosterRow:
    """A unit: its layer, its name in words, and its pictures from left to right, uint8 `[h, w]` or `[h, w, 3]`."""

    layer: str
    name: str
    pictures: Sequence[Pixels]


def poster(rows: Sequence[PosterRow]) -> Pixels:
    """The rows below each other, uint8 `[h, w]`, or `[h, w, 3]` where a picture is in colour."""
    tiles = [[_tile(picture) for picture in row.pictures] for row in rows]
    height = LINE + TILE[0] + GAP
    width = 2 * EDGE + max(sum(tile.width + GAP for tile in row) - GAP for row in tiles)
    colour = any(picture.ndim == 3 for row in rows for picture in row.pictures)
    sheet = Image.new("RGB" if colour else "L", (width, 2 * EDGE + height * len(rows)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, (row, pictures) in enumerate(zip(rows, tiles, strict=True)):
        top, left = EDGE + number * height, EDGE
        draw.text((left, top), row.name, fill=_grey(INK, colour), font=font)
        draw.text((width - EDGE, top), row.layer, fill=_grey(SOFT, colour), font=font, anchor="ra")
        for picture in pictures:
            sheet.paste(picture, (left, top + LINE))
            left += picture.width + GAP
    return np.asarray(sheet)


def _tile(picture: Pixels) -> Image.Image:
    """As large as fits into `TILE`, by whole pixels where it is enlarged."""
    image = Image.fromarray(picture)
    times = min(TILE[0] / image.height, TILE[1] / image.width)
    times = int(times) if times >= 1 else times
    size = max(1, round(image.width * times)), max(1, round(image.height * times))
    return image.resize(size, Image.Resampling.NEAREST if times >= 1 else Image.Resampling.BOX)


def _grey(value: int, colour: bool) -> int | tuple[int, int, int]:
    return (value, value, value) if colour else value
