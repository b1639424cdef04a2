"""What a network makes of one picture: the maps of every unit of a layer as one picture, and the deconvnet's steps."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.explain.deconv_steps import deconvnet_steps
from models.explain.hooks import captured, layers_of, run
from tasks.crop_table.png import Pixels
from tasks.explain.synthetic_pixels import enlarged

GAP, GAP_GREY = 1, 128  # pixels between two maps, and their grey
VALUE = 8  # pixels of the square of a unit that has a single value


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All maps of a layer for one picture, unit by unit in rows: `pixels uint8[h, w]`, dark where a unit is active.

    `columns` are the maps of a row, `strongest` the activation that is black.
    """

    layer: str
    units: int
    columns: int
    strongest: float
    pixels: Pixels


def layer_grids(network: nn.Module, image: Tensor) -> list[Grid]:
    """A grid for each layer with maps, and for each layer of single values, of `image[1, channels, height, width]`.

    The contrast is a layer's own: white is 0 and less, black its largest activation for this picture.
    """
    with torch.no_grad(), captured(network, layers_of(network, image)) as outputs:
        run(network, image)
    return [_grid(name, output[0]) for name, output in outputs.items()]


def _grid(layer: str, maps: Tensor) -> Grid:
    maps = maps[:, None, None].expand(-1, VALUE, VALUE) if maps.dim() == 1 else maps
    units, height, width = maps.shape
    columns = math.ceil(math.sqrt(units))
    rows = -(-units // columns)
    strongest = float(maps.max().clamp(min=0))
    shades = 255 - (maps.clamp(min=0) / (strongest or 1.0) * 255).round().to(torch.uint8).numpy()
    grid = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), GAP_GREY, np.uint8)
    for unit in range(units):
        top, left = unit // columns * (height + GAP), unit % columns * (width + GAP)
        grid[top : top + height, left : left + width] = shades[unit]
    return Grid(layer=layer, units=units, columns=columns, strongest=strongest, pixels=grid)


@dataclass(frozen=True, kw_only=True)
class StepPicture:
    """A step of the deconvnet: of `channels` maps the length of the signal at each position, dark where it is long.

    At the pixels it is the signal itself: grey is zero.
    """

    module: str
    does: str
    channels: int
    size: tuple[int, int]
    pixels: Pixels


def step_pictures(network: nn.Module, image: Tensor, *, layer: str, unit: int) -> list[StepPicture]:
    """The steps of a unit's deconvnet for `image[1, channels, height, width]`.

    Raises:
        ValueError: as `models.explain.deconv_steps.deconvnet_steps`.
    """
    steps = deconvnet_steps(network, image, layer=layer, unit=unit)
    found = []
    for step in steps:
        signal = step.signal if step.signal.dim() == 3 else step.signal[:, None, None]
        last = step is steps[-1]
        strongest = float(signal.abs().max()) or 1.0
        shade = signal.mean(0) / (2 * strongest) + 0.5 if last else 1 - _length(signal)
        pixels = (shade.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        found.append(
            StepPicture(
                module=step.module, does=step.does, channels=len(signal), size=(signal.shape[1], signal.shape[2]),
                pixels=enlarged(pixels),
            )
        )  # fmt: skip
    return found


def _length(signal: Tensor) -> Tensor:
    length = signal.square().sum(0).sqrt()
    return length / length.max().clamp(min=1e-12)
