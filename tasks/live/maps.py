"""Activation maps as bytes that a page draws: a layer is one grid, its units in row-major order."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from tasks.crop_table.png import Pixels

Contrast = Literal["layer", "unit"]
GRID_PIXELS = 2**19  # of a layer: larger maps are averaged down to fit
ZERO = 128  # the grey of 0 where there are values below it


@dataclass(frozen=True)
class Grid:
    """`pixels` uint8 `[units, rows, columns]`, a page lays them out `side` to a row.

    0 is 0 and 255 is `scale`; where the layer has negative values (`signed`), 128 is 0 and 1 is -`scale`. With the
    contrast of each unit its own, `scale` is that of the layer's strongest.
    """

    pixels: Pixels
    side: int
    scale: float
    signed: bool


def grid_of(maps: Tensor, *, contrast: Contrast, most: int = GRID_PIXELS) -> Grid:
    """A layer's maps `[units, rows, columns]` as bytes; those that are not finite count as 0."""
    small = _fitted(maps.nan_to_num(0.0, 0.0, 0.0), most)
    signed = bool((small < 0).any())
    strongest = small.abs().amax((1, 2), keepdim=True)
    scale = float(strongest.max())
    by = strongest if contrast == "unit" else small.new_tensor(scale)
    share = small / torch.where(by > 0, by, 1.0)
    return Grid(pixels_of(share, signed=signed), math.ceil(math.sqrt(len(maps))), scale, signed)


def pixels_of(share: Tensor, *, signed: bool) -> Pixels:
    """Values in [0, 1] as 0 to 255, or with `signed` in [-1, 1] as 1 to 255 with 0 as 128."""
    grey = share * 127 + ZERO if signed else share * 255
    return grey.round_().to(torch.uint8).numpy()


def signed_pixels(values: Tensor) -> Pixels:
    """An attribution `[channels, h, w]` as uint8 `[h, w]`: the channels' sum, 128 where it is 0, by its largest."""
    flat = values.sum(0)
    strongest = flat.abs().max()
    return pixels_of(flat / strongest if strongest > 0 else torch.zeros_like(flat), signed=True)


def _fitted(maps: Tensor, most: int) -> Tensor:
    units, rows, columns = maps.shape
    factor = math.sqrt(units * rows * columns / most)
    if factor <= 1:
        return maps
    size = max(1, int(rows / factor)), max(1, int(columns / factor))
    return functional.adaptive_avg_pool2d(maps, size)
