"""Sprite sheets: many crops in one PNG, so that a page needs two files instead of thousands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SHOWN = (64, 256)  # height and width in pixels, the most that a crop takes in a sheet; larger ones are scaled down
SHEET_WIDTH = 1024  # pixels
SHEET_HEIGHT = 16384  # pixels; browsers on phones decode no taller image
PACKED = 7  # of 9: a fifth of the time of 9 for a fiftieth more bytes
GREYS = 16  # levels of grey kept: clean crops need no more, and 4 bits halve the file


@dataclass(frozen=True)
class Sheet:
    """Where each key's crop is in a sheet: `places[key]` is (x, y) of its upper left corner, in pixels."""

    file: str
    height: int
    width: int
    places: dict[str, tuple[int, int]]


def write_sheet(path: Path, crops: dict[str, np.ndarray], *, file: str, colours: int | None = None) -> Sheet | None:
    """Write the crops, all of one size, as one PNG, in the order given.

    Crops are uint8 `[height, width]`, or `[height, width, 3]`; one crop in colour makes the sheet one in colour.
    `colours`, 2 to 256: how many a sheet in colour keeps, the nearest for each pixel; None keeps all.

    What does not fit into the tallest sheet is left out (no place for its key). No crops, no file, None.
    """
    if not crops:
        return None
    size = shown_size(next(iter(crops.values())).shape)
    channels = (3,) if any(crop.ndim == 3 for crop in crops.values()) else ()
    columns = max(1, SHEET_WIDTH // size[1])
    kept = list(crops)[: columns * (SHEET_HEIGHT // size[0])]
    columns = min(columns, len(kept))
    rows = -(-len(kept) // columns)
    pixels = np.full((rows * size[0], columns * size[1], *channels), 255, dtype=np.uint8)
    places = {}
    for number, key in enumerate(kept):
        y, x = number // columns * size[0], number % columns * size[1]
        crop = _scaled(crops[key], size)
        pixels[y : y + size[0], x : x + size[1]] = crop[..., None] if crop.ndim < pixels.ndim else crop
        places[key] = (x, y)
    path.parent.mkdir(parents=True, exist_ok=True)
    if channels:
        image = Image.fromarray(pixels)
        if colours:  # an octree keeps rare hues, which a median cut would merge into the greys of the crops
            image = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        image.save(path, format="PNG", compress_level=PACKED)
    else:
        _four_bits(pixels).save(path, format="PNG", compress_level=PACKED, bits=4)
    return Sheet(file=file, height=size[0], width=size[1], places=places)


def shown_size(shape: Sequence[int]) -> tuple[int, int]:
    """Height and width in pixels at which a crop of `shape` (height, width) is shown; never enlarged."""
    factor = min(1.0, SHOWN[0] / shape[0], SHOWN[1] / shape[1])
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _scaled(crop: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if crop.shape[:2] == size:
        return crop
    return np.asarray(Image.fromarray(crop).resize((size[1], size[0]), Image.Resampling.BOX))


def _four_bits(pixels: np.ndarray) -> Image.Image:
    levels = np.rint(pixels.astype(np.float32) * ((GREYS - 1) / 255)).astype(np.uint8)
    image = Image.fromarray(levels).convert("L")
    indexed = Image.frombytes("P", image.size, image.tobytes())
    indexed.putpalette([level * 255 // (GREYS - 1) for level in range(GREYS) for _ in range(3)])
    return indexed
