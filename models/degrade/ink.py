"""Degradations of print: ink and ground, before a camera sees them. Each step as `models.degrade` says."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.colour import LUMA
from models.degrade.noise_banks import ground_bank, patches
from models.degrade.seeds import Draw, columns, places
from models.settings import DegradeSettings

# Red, green and blue of the inks by name, sorted; black is what all crops have that are not printed in colour.
INKS = {
    "black": (0.05, 0.05, 0.05),
    "blue": (0.10, 0.20, 0.75),
    "brown": (0.42, 0.24, 0.10),
    "green": (0.05, 0.48, 0.15),
    "grey": (0.45, 0.45, 0.45),
    "orange": (0.88, 0.45, 0.05),
    "purple": (0.48, 0.10, 0.60),
    "red": (0.82, 0.08, 0.10),
}
COLOURS = tuple(INKS)
INK_SPREAD = 0.06  # of each channel, either way, about an ink's own value
PAPER = 0.2  # of each channel, the most that a coloured ground lacks of white


def colour(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """A share of the crops printed with an ink of `COLOURS` on a light ground of any hue.

    What is black takes the ink's colour and what is white the ground's; with one channel, their luma.
    """
    spread = np.stack([draw.signed(f"ink-{n}", INK_SPREAD) for n in range(3)], 1)
    lack = np.stack([draw.unit(f"ground-{n}") for n in range(3)], 1) * PAPER
    acts = _is_coloured(draw, settings)[:, None]
    ink = (np.array(list(INKS.values()))[draw.whole("colour", len(COLOURS))] + spread).clip(0, 1) * acts
    ground = 1 - lack * acts
    if images.shape[1] == 1:
        ink, ground = ((part @ np.array(LUMA))[:, None] for part in (ink, ground))
    both = columns(images, *ink.T, *(ground - ink).T)[:, :, 0].transpose(0, 1)
    darkest, span = both.chunk(2, dim=1)
    return torch.addcmul(darkest, images, span)


def colours_of(seeds: Tensor, settings: DegradeSettings | None) -> Tensor:
    """Places `int64[batch]` in `COLOURS` of the inks that `degrade` prints these crops with."""
    black = COLOURS.index("black")
    if settings is None or not settings.colour:
        return torch.full_like(seeds, black)
    draw = Draw(seeds)
    found = np.where(_is_coloured(draw, settings), draw.whole("colour", len(COLOURS)), black)
    return places(seeds, found)


def _is_coloured(draw: Draw, settings: DegradeSettings) -> NDArray[np.bool_]:
    return draw.unit("coloured") < settings.colour


def texture(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """An uneven ground: smooth and grainy patterns of up to `settings.texture` of the grey range."""
    (strength,) = columns(images, draw.signed("texture", settings.texture))
    return torch.addcmul(images, patches(ground_bank, draw, "texture", images), strength)


def contrast(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """The range shrinks by up to `settings.contrast` and comes to lie anywhere in [0, 1]."""
    loss = draw.unit("contrast") * settings.contrast
    level, kept = columns(images, loss * draw.unit("level"), 1 - loss)
    return torch.addcmul(level, images, kept)


def invert(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """Light on dark, for a share of the crops: lightness turns round, hue stays."""
    acts = (draw.unit("invert") < settings.invert).astype(np.float64)
    turned, sign = columns(images, acts, 1 - 2 * acts)
    if images.shape[1] == 1:
        return torch.addcmul(turned, images, sign)
    lowest, highest = images.aminmax(dim=1, keepdim=True)
    return torch.addcmul(images, 1 - lowest - highest, turned)
